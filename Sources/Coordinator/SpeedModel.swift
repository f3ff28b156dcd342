import Results
import Sweep

/// Expected seconds of tasks: the model's estimate, corrected by what this run has measured so far.
struct SpeedModel {
    /// By method: measured over estimated seconds, decaying sums so that the recent past counts.
    private var measured: [Double]
    private var estimated: [Double]
    /// By method: estimated seconds and tasks not handed out yet.
    private(set) var remaining: [Double]
    private let order: ScheduleOrder

    /// What a task costs beside its run: scheduling, encoding, a record.
    static let overhead = 8e-6
    private static let memory = 0.98

    init(job: Job, order: ScheduleOrder, store: ResultStore) {
        self.order = order
        measured = Array(repeating: 0, count: job.grids.count)
        estimated = measured
        remaining = job.grids.indices.map { order.totalSeconds(method: $0, unfinishedIn: store) }
    }

    /// Measured over estimated; 1 before anything was measured.
    func factor(_ method: Int) -> Double { estimated[method] > 0 ? measured[method] / estimated[method] : 1 }

    func isCalibrated(_ method: Int) -> Bool { estimated[method] > 0 }

    /// Expected seconds of one task of `item`.
    func expectedSeconds(_ item: WorkItem) -> Double {
        order.seconds(method: item.method, point: item.point) * factor(item.method) + Self.overhead
    }

    /// Expected seconds of all that is not handed out yet.
    var remainingSeconds: Double {
        remaining.indices.reduce(0) { $0 + max(0, remaining[$1]) * factor($1) }
    }

    mutating func issued(_ item: WorkItem) {
        remaining[item.method] -= order.seconds(method: item.method, point: item.point) * Double(item.seedCount)
    }

    mutating func finished(_ task: TaskID, seconds: Double) {
        let estimate = order.seconds(method: task.method, point: task.point)
        measured[task.method] = Self.memory * measured[task.method] + seconds
        estimated[task.method] = Self.memory * estimated[task.method] + estimate
    }
}
