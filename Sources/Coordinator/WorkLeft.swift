import Results
import Sweep

/// The core time that a result file's unfinished tasks will take.
public struct WorkLeft: Sendable {
    /// Seconds by method; nil where nothing is known.
    public let seconds: [String: Double]

    /// All methods together; nil when one with unfinished tasks is not known.
    public let total: Double?

    /// Estimates from the models' costs, method by method scaled by what its finished tasks took over what was expected of
    /// them; a method without finished tasks is taken as estimated.
    ///
    /// - Parameters:
    ///   - job: the job of the file; nil when its model is not known here: then unfinished tasks count as the mean of those
    ///     that are done.
    ///   - isComplete: whether nothing is left, so that no task need be looked at.
    public init(of file: ResultFile, job: @autoclosure () -> Job?, isComplete: Bool) throws {
        guard !isComplete else {
            (seconds, total) = ([:], 0)
            return
        }
        let job = job()
        var seconds: [String: Double] = [:]
        var isKnown = true
        for name in file.methods {
            let (statuses, times) = try file.taskTimes(method: name)
            let grid = job?.grids.first { $0.method.name == name && $0.taskCount == statuses.count }
            let table = try grid.map { try CostTable($0) }
            let seeds = max(1, grid?.seedCount ?? 1)
            var (measured, expected, left) = (0.0, 0.0, 0.0)
            var unfinished = 0
            for first in stride(from: 0, to: statuses.count, by: seeds) {
                // The seeds of a point cost the same.
                var cost = 1.0
                if let grid, let table { cost = table.cost(of: first / seeds, in: grid).seconds }
                for index in first..<min(first + seeds, statuses.count) {
                    switch statuses[index] {
                    case .done where !times[index].isNaN:
                        measured += times[index]
                        expected += cost
                    case .pending, .suspect:
                        left += cost
                        unfinished += 1
                    default: break
                    }
                }
            }
            if unfinished == 0 {
                seconds[name] = 0
            } else if expected > 0 {
                seconds[name] = left * measured / expected
            } else if grid != nil {
                seconds[name] = left
            } else {
                isKnown = false
            }
        }
        self.seconds = seconds
        total = isKnown ? seconds.values.reduce(0, +) : nil
    }
}
