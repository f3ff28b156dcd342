import Results
import Sweep

/// What scheduling needs to know of the results, and the one thing that it writes: so it runs without a file too.
package protocol TaskLedger: AnyObject {
    func status(_ task: TaskID) -> TaskStatus
    /// True when the task needs no run.
    func isFinished(_ task: TaskID) -> Bool
    /// One observable of a task, (time, shape...); nil when there is no such record or observable.
    func values(of task: TaskID, observable: String) throws -> [Double]?
    /// States that the stopping rule does without this task.
    func spare(_ task: TaskID) throws
}

extension ResultStore: TaskLedger {
    package func spare(_ task: TaskID) throws { try append(TaskRecord(task: task, status: .spared)) }
}
