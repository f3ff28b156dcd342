import Foundation
import Modeling
import Numerics
import Results
import Sweep

/// Carries single tasks from parameters to records, in slices of about a millisecond, between which the caller may
/// look after messages and signals.
struct TaskRunner {
    private let job: Job
    /// Elementary steps a slice, by method; follows the measured speed. Results do not depend on it.
    private var quanta: [Int]
    /// Parameters and observables of the point served last: the seeds of a point come one after the other.
    private var cached: (method: Int, point: Int, parameters: ParameterPoint, slots: [ObservationSink.Slot])?

    private static let sliceSeconds = 1e-3

    init(job: Job) {
        self.job = job
        quanta = Array(repeating: 64, count: job.grids.count)
    }

    /// Runs `task` to its record. `pause` is called between slices; when it answers true the task is abandoned and the
    /// result is nil. Never throws for what the model does: divergence and errors become the record's status.
    mutating func run(_ task: TaskID, rank: Int, pause: () throws -> Bool) throws -> TaskRecord? {
        let grid = job.grids[task.method]
        let (parameters, slots) = context(of: task)
        let start = ContinuousClock.now
        var sink = ObservationSink(slots: slots, timeCount: grid.times.values.count)
        var status = TaskStatus.done
        var text = ""
        do {
            try checkMemory(grid, parameters)
            let identity = grid.identity(point: task.point, seed: task.seed)
            let request = grid.request(parameters: parameters, random: RandomStream(identity: identity))
            var run = try job.model.makeRun(request)
            // A method without time runs to its own end.
            let times = grid.method.isTimed ? grid.times.values : [.infinity]
            for (index, time) in times.enumerated() {
                sink.timeIndex = index
                while true {
                    let before = ContinuousClock.now
                    let reached = try run.advance(toward: time, quantum: quanta[task.method])
                    let now = ContinuousClock.now
                    adapt(&quanta[task.method], seconds: (now - before).seconds, wasCutShort: reached)
                    if try pause() { return nil }
                    try checkTime((now - start).seconds)
                    if reached { break }
                }
                if grid.method.isTimed { try run.observe(into: &sink) }
            }
            try run.finish(into: &sink)
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
        return TaskRecord(
            task: task, status: status, error: text, wallSeconds: (ContinuousClock.now - start).seconds, rank: rank,
            buffers: sink.buffers)
    }

    private mutating func context(of task: TaskID) -> (ParameterPoint, [ObservationSink.Slot]) {
        if let cached, cached.method == task.method, cached.point == task.point {
            return (cached.parameters, cached.slots)
        }
        let parameters = job.grids[task.method].point(at: task.point)
        let slots = job.grids[task.method].slots(at: task.point)
        cached = (task.method, task.point, parameters, slots)
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

    private func checkMemory(_ grid: MethodGrid, _ parameters: ParameterPoint) throws {
        guard let limit = job.limits.taskMemory else { return }
        let need = try job.model.cost(method: grid.method.name, at: parameters, times: grid.times).memory
        if need > limit { throw LimitExceeded.memory(need: need, limit: limit) }
    }
}

/// A task that went over what the job's `limits` allow.
private enum LimitExceeded: Error, CustomStringConvertible {
    case time(Double)
    case memory(need: Int, limit: Int)

    var description: String {
        switch self {
        case .time(let limit):
            return "stopped after \(limit / 60) minutes (limits.task_minutes); raise the limit or shrink the point"
        case .memory(let need, let limit):
            return "would hold \(need / 1_000_000) MB, over limits.task_memory (\(limit / 1_000_000) MB)"
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
