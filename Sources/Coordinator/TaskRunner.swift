import Foundation
import Modeling
import Randomness
import Results
import Sweep

/// Carries single tasks from parameters to records, in slices of about a millisecond, between which the caller may
/// look after messages and signals.
struct TaskRunner {
    private let job: Job
    private let keeper: RankKeeper
    private let build: UInt32
    /// Elementary steps a slice, by method; follows the measured speed. Results do not depend on it.
    private var quanta: [Int]
    /// The point served last: the seeds of a point come one after the other.
    private var cached: Context?

    /// A point, read once for all its seeds.
    private final class Context: Sendable {
        let method: Int
        let point: Int
        let parameters: ParameterPoint
        let slots: [ObservationSink.Slot]
        /// What the model makes of the point, or says against it.
        let prepared: Result<(point: PreparedPoint, name: TaskName), any Error>
        /// Why no task there is begun; nil when its expected cost is within the limits.
        let refusal: LimitExceeded?

        init(_ task: TaskID, of grid: MethodGrid, limits: JobLimits) {
            method = task.method
            point = task.point
            let parameters = grid.point(at: point)
            self.parameters = parameters
            slots = grid.slots(at: parameters)
            do {
                let prepared = try grid.prepare(parameters)
                self.prepared = .success((prepared, grid.name(of: prepared)))
                refusal = Self.refusal(grid, prepared, parameters, slots, limits)
            } catch {
                prepared = .failure(error)
                refusal = nil
            }
        }

        /// Why no task at a point is begun: its expected cost is beyond the job's limits, or beyond this machine's memory.
        private static func refusal(
            _ grid: MethodGrid, _ prepared: PreparedPoint, _ parameters: ParameterPoint,
            _ slots: [ObservationSink.Slot], _ limits: JobLimits
        ) -> LimitExceeded? {
            guard let cost = try? grid.cost(of: prepared, slots),
                let excess = limits.refusal(of: cost, machineMemory: machineMemory)
            else { return nil }
            return .expected(excess, remedy: grid.remedy(for: excess, at: parameters))
        }

        private static let machineMemory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    }

    private static let sliceSeconds = 1e-3
    /// A task that is stopped is saved when it has run for this long; a shorter one begins anew.
    private static let worthSaving = 0.05

    init(job: Job, keeper: RankKeeper, build: UInt32) {
        self.job = job
        self.keeper = keeper
        self.build = build
        quanta = Array(repeating: 64, count: job.grids.count)
    }

    /// Runs `task` to its record, from its checkpoint if it has one. `pause` is called between slices; when it answers
    /// true the task is saved and given up for now, and the result is nil. Never throws for what the model does:
    /// divergence and errors become the record's status.
    mutating func run(_ task: TaskID, rank: Int, pause: () throws -> Bool) throws -> TaskRecord? {
        let grid = job.grids[task.method]
        let context = context(of: task, grid)
        let slots = context.slots
        // A point that the model refuses has no name; its record says why.
        let names = try? context.prepared.get()
        let name = names?.name.identity(seed: grid.seedValue(task.seed)) ?? TaskIdentity(high: 0, low: 0)
        let random = RandomStream(identity: name)
        let identity =
            names.map { grid.recordIdentity($0.name, $0.point, context.parameters, seed: task.seed, task: name) }
            ?? name
        // A method without time runs to its own end.
        let times = names?.point.targets ?? []
        let start = ContinuousClock.now
        let saved = keeper.begin(task, identity: identity, at: start) { Self.shape(grid, slots) }
        var sink = ObservationSink(slots: slots, timeCount: grid.times.values.count)
        var secondsBefore = 0.0
        var status = TaskStatus.done
        var text = ""
        do {
            let prepared = try context.prepared.get().point
            if let refusal = context.refusal { throw refusal }
            var state = TaskState(
                run: try grid.makeRun(prepared, random: random), sink: sink, timeCount: times.count)
            if let saved {
                do {
                    try StateArchive.restore(&state, from: saved)
                    secondsBefore = state.seconds
                    keeper.resumed(after: secondsBefore)
                } catch let error as StateArchiveError {
                    // Half restored is worth nothing: from the beginning.
                    keeper.complain(error)
                    state = TaskState(
                        run: try grid.makeRun(prepared, random: random), sink: sink, timeCount: times.count)
                }
            }
            defer { sink = state.sink }
            while state.timeIndex < times.count {
                state.sink.timeIndex = state.timeIndex
                let before = ContinuousClock.now
                let reached = try state.run.advance(toward: times[state.timeIndex], quantum: quanta[task.method])
                let now = ContinuousClock.now
                adapt(&quanta[task.method], seconds: (now - before).seconds, wasCutShort: reached)
                if reached {
                    if grid.method.isTimed { try state.run.observe(into: &state.sink) }
                    state.timeIndex += 1
                }
                let elapsed = secondsBefore + (now - start).seconds
                let isLeaving = try pause()
                if state.timeIndex == times.count { break }
                if isLeaving || keeper.isDue(at: now) {
                    state.seconds = elapsed
                    if !isLeaving || elapsed >= Self.worthSaving {
                        keeper.save(
                            try StateArchive.save(&state), of: task, identity: identity, shape: Self.shape(grid, slots))
                    }
                    if isLeaving {
                        keeper.suspend(identity)
                        return nil
                    }
                }
                try checkTime(elapsed)
            }
            try state.run.finish(into: &state.sink)
        } catch let error as ModelError {
            if case .diverged = error { status = .diverged } else { status = .failed }
            text = error.description
        } catch let error as LimitExceeded {
            status = .failed
            text = error.description
        } catch let error as MPIError {
            throw error
        } catch {
            status = .failed
            text = "\(error)"
        }
        keeper.end()
        return TaskRecord(
            task: task, status: status, error: text,
            wallSeconds: secondsBefore + (ContinuousClock.now - start).seconds, rank: rank, build: build,
            buffers: sink.buffers)
    }

    /// What a checkpoint's buffers are laid out for: recording times and observables.
    private static func shape(_ grid: MethodGrid, _ slots: [ObservationSink.Slot]) -> UInt64 {
        var text = "\(ProgramVersion.current) \(grid.revision) \(grid.times.unit.rawValue)"
        for time in grid.times.values { text += " \(String(time.bitPattern, radix: 16))" }
        for slot in slots { text += " \(slot.name)\(slot.isRecordedInTime)\(slot.shape)" }
        return XXH64.hash(text)
    }

    private mutating func context(of task: TaskID, _ grid: MethodGrid) -> Context {
        if let cached, cached.method == task.method, cached.point == task.point { return cached }
        let context = Context(task, of: grid, limits: job.limits)
        cached = context
        return context
    }

    /// A slice that ended because its time was reached says only that the quantum is not too large.
    private func adapt(_ quantum: inout Int, seconds: Double, wasCutShort: Bool) {
        if seconds > 2 * Self.sliceSeconds {
            quantum = max(1, quantum / 2)
        } else if seconds < Self.sliceSeconds / 2 && !wasCutShort {
            quantum = min(quantum * 2, 1 << 40)
        }
    }

    private func checkTime(_ seconds: Double) throws {
        if let limit = job.limits.taskSeconds, seconds > limit { throw LimitExceeded.time(limit) }
    }
}

/// A task in progress, as it is saved and continued.
private struct TaskState: Resumable {
    var run: any Run
    var sink: ObservationSink
    let timeCount: Int
    /// The recording time that comes next.
    var timeIndex = 0
    /// What the task has taken so far.
    var seconds = 0.0

    init(run: any Run, sink: ObservationSink, timeCount: Int) {
        self.run = run
        self.sink = sink
        self.timeCount = timeCount
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&timeIndex, in: 0...timeCount)
        try archive.exchange(&seconds)
        // The watchdog counts in nanoseconds.
        guard (0...1e9).contains(seconds) else { throw StateArchiveError.invalid("the task ran for \(seconds) s") }
        try archive.exchange(&sink)
        try run.exchange(with: &archive)
    }
}

/// A task that went over what the job's `limits` allow.
private enum LimitExceeded: Error, CustomStringConvertible {
    case time(Double)
    /// By the estimate, before it began: over a limit of the job, or more than the machine has.
    case expected(LimitExcess, remedy: String?)

    var description: String {
        switch self {
        case .time(let limit):
            return "stopped after \(limit / 60) minutes (limits.task_minutes); raise the limit or shrink the point"
        case .expected(let excess, let remedy):
            let otherwise =
                if case .machine = excess {
                    "use a machine with more memory (run --retry-failed there)"
                } else { "raise the limit" }
            return "not begun: by the estimate it would \(excess.text); "
                + (remedy.map { $0 + ", or " } ?? "") + otherwise
        }
    }
}

extension LimitExcess {
    /// Need and limit in words, after "it would".
    public var text: String {
        switch self {
        case .memory(let need, let limit):
            return "hold \(Text.bytes(need)), over limits.task_memory (\(Text.bytes(limit)))"
        case .machine(let need, let memory):
            return "hold \(Text.bytes(need)), more than this machine has (\(Text.bytes(memory)))"
        case .time(let need, let limit):
            return "take \(Text.duration(need)), over limits.task_minutes (\(Text.duration(limit)))"
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
