import Sweep

/// Expected seconds of tasks: the model's estimate, corrected by what this run has measured so far.
package struct SpeedModel {
    private let grids: [MethodGrid]
    private let tables: [CostTable]
    /// By method: measured and estimated seconds, decaying sums so that the recent past counts.
    private var measured: [Double]
    private var estimated: [Double]
    /// By method: estimated seconds and the number of tasks not handed out yet.
    private var remaining: [(seconds: Double, tasks: Int)]

    /// What a task costs beside its run: scheduling, encoding, a record.
    private static let overhead = 5e-6
    private static let memory = 0.98

    init(job: Job, tables: [CostTable]) {
        grids = job.grids
        self.tables = tables
        measured = Array(repeating: 0, count: grids.count)
        estimated = measured
        remaining = Array(repeating: (0, 0), count: grids.count)
    }

    /// Whether a task of this method has been measured in this run.
    func isCalibrated(_ method: Int) -> Bool { estimated[method] > 0 }

    /// Expected seconds of one task.
    package func expectedSeconds(method: Int, point: Int) -> Double {
        estimate(method, point) * factor(method) + Self.overhead
    }

    /// Expected seconds of all that is not handed out yet.
    package var remainingSeconds: Double { remaining.indices.reduce(0) { $0 + remainingSeconds(method: $1) } }

    /// As ``remainingSeconds``, of one method.
    func remainingSeconds(method: Int) -> Double {
        max(0, remaining[method].seconds) * factor(method) + Double(remaining[method].tasks) * Self.overhead
    }

    /// Adds tasks to what is left.
    mutating func expect(_ item: WorkItem) { change(item, by: item.seedCount) }

    /// Takes tasks that were handed out off what is left.
    mutating func issued(_ item: WorkItem) { change(item, by: -item.seedCount) }

    mutating func finished(_ task: TaskID, seconds: Double) {
        measured[task.method] = Self.memory * measured[task.method] + seconds
        // A floor keeps the ratio finite for methods that the model says cost nothing.
        estimated[task.method] = Self.memory * estimated[task.method] + max(estimate(task.method, task.point), 1e-9)
    }

    /// Measured over estimated; 1 before anything was measured.
    private func factor(_ method: Int) -> Double { estimated[method] > 0 ? measured[method] / estimated[method] : 1 }

    /// The model's own estimate of one task's seconds.
    func estimate(_ method: Int, _ point: Int) -> Double {
        tables[method].cost(of: point, in: grids[method]).seconds
    }

    private mutating func change(_ item: WorkItem, by count: Int) {
        remaining[item.method].seconds += estimate(item.method, item.point) * Double(count)
        remaining[item.method].tasks += count
    }
}
