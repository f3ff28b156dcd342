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
    /// Elementary steps a slice, by method; follows the measured speed. Results do not depend on it.
    private var quanta: [Int]
    /// Parameters and observables of the point served last: the seeds of a point come one after the other.
    private var cached: Context?

    private struct Context {
        let method: Int
        let point: Int
        let parameters: ParameterPoint
        let slots: [ObservationSink.Slot]
        /// Whether its expected cost was looked at and is within the job's limits.
        var isAdmitted = false
    }

    private static let sliceSeconds = 1e-3
    /// A task that is stopped is saved when it has run for this long; a shorter one begins anew.
    private static let worthSaving = 0.05

    init(job: Job, keeper: RankKeeper) {
        self.job = job
        self.keeper = keeper
        quanta = Array(repeating: 64, count: job.grids.count)
    }

    /// Runs `task` to its record, from its checkpoint if it has one. `pause` is called between slices; when it answers
    /// true the task is saved and given up for now, and the result is nil. Never throws for what the model does:
    /// divergence and errors become the record's status.
    mutating func run(_ task: TaskID, rank: Int, pause: () throws -> Bool) throws -> TaskRecord? {
        let grid = job.grids[task.method]
        let (parameters, slots) = context(of: task)
        let identity = grid.identity(point: task.point, seed: task.seed)
        // A method without time runs to its own end.
        let times = grid.method.isTimed ? grid.times.values : [.infinity]
        let start = ContinuousClock.now
        let saved = keeper.begin(task, identity: identity) { Self.shape(grid, slots) }
        var sink = ObservationSink(slots: slots, timeCount: grid.times.values.count)
        var secondsBefore = 0.0
        var status = TaskStatus.done
        var text = ""
        do {
            try admit(grid, parameters)
            let request = grid.request(parameters: parameters, random: RandomStream(identity: identity))
            var state = TaskState(run: try job.model.makeRun(request), sink: sink, timeCount: times.count)
            if let saved {
                do {
                    try StateArchive.restore(&state, from: saved)
                    secondsBefore = state.seconds
                    keeper.resumed(after: secondsBefore)
                } catch let error as StateArchiveError {
                    // Half restored is worth nothing: from the beginning.
                    keeper.complain(error)
                    state = TaskState(run: try job.model.makeRun(request), sink: sink, timeCount: times.count)
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
            wallSeconds: secondsBefore + (ContinuousClock.now - start).seconds, rank: rank, buffers: sink.buffers)
    }

    /// What a checkpoint's buffers are laid out for: recording times and observables.
    private static func shape(_ grid: MethodGrid, _ slots: [ObservationSink.Slot]) -> UInt64 {
        var text = "\(ProgramVersion.current) \(grid.times.unit.rawValue)"
        for time in grid.times.values { text += " \(String(time.bitPattern, radix: 16))" }
        for slot in slots { text += " \(slot.name)\(slot.isRecordedInTime)\(slot.shape)" }
        return XXH64.hash(text)
    }

    private mutating func context(of task: TaskID) -> (ParameterPoint, [ObservationSink.Slot]) {
        if let cached, cached.method == task.method, cached.point == task.point {
            return (cached.parameters, cached.slots)
        }
        let parameters = job.grids[task.method].point(at: task.point)
        let slots = job.grids[task.method].slots(at: task.point)
        cached = Context(method: task.method, point: task.point, parameters: parameters, slots: slots)
        return (parameters, slots)
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

    /// Throws when the task's expected cost is beyond the job's limits: then it is not begun.
    private mutating func admit(_ grid: MethodGrid, _ parameters: ParameterPoint) throws {
        guard job.limits.taskMemory != nil || job.limits.taskSeconds != nil, cached?.isAdmitted != true else { return }
        if let excess = job.limits.refusal(of: try grid.cost(of: parameters)) {
            throw LimitExceeded.expected(excess, remedy: grid.remedy(for: excess, at: parameters))
        }
        cached?.isAdmitted = true
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
        try archive.exchange(&sink)
        try run.exchange(with: &archive)
    }
}

/// A task that went over what the job's `limits` allow.
private enum LimitExceeded: Error, CustomStringConvertible {
    case time(Double)
    /// By the estimate, before it began.
    case expected(LimitExcess, remedy: String?)

    var description: String {
        switch self {
        case .time(let limit):
            return "stopped after \(limit / 60) minutes (limits.task_minutes); raise the limit or shrink the point"
        case .expected(let excess, let remedy):
            return "not begun: by the estimate it would \(excess.text); "
                + (remedy.map { $0 + ", or " } ?? "") + "raise the limit"
        }
    }
}

extension LimitExcess {
    /// Need and limit in words, after "it would".
    public var text: String {
        switch self {
        case .memory(let need, let limit):
            return "hold \(Text.bytes(need)), over limits.task_memory (\(Text.bytes(limit)))"
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
