import Modeling
import Results
import Sweep

/// The rule `seeds: {sem: {observable: tolerance}, max: N}`: add seeds until the standard error of the mean is small
/// enough at every recorded time.
///
/// The decision looks only at the first k seeds, for k from a schedule that is itself a function of those seeds, so the
/// set of seeds that are run does not depend on the order in which tasks finish.
struct SeedStopping {
    enum Decision: Equatable {
        /// Seeds 0..<target are needed.
        case run(target: Int)
        /// All seeds below this number suffice.
        case spare(from: Int)
    }

    private struct Rule {
        let tolerances: [SeedTolerance]
        let minimum: Int
        let maximum: Int
    }

    /// By method; nil where the job fixes the number of seeds.
    private let rules: [Rule?]
    private let grids: [MethodGrid]

    /// Nil when the job fixes the number of seeds of all methods.
    init?(job: Job) {
        grids = job.grids
        rules = job.grids.indices.map { method in
            guard job.grids[method].seeds != nil,
                case .untilPrecise(let tolerances, let minimum, let range) = job.seedRule(of: method)
            else { return nil }
            return Rule(tolerances: tolerances, minimum: minimum, maximum: range.count)
        }
        if rules.allSatisfy({ $0 == nil }) { return nil }
    }

    func applies(to method: Int) -> Bool { rules[method] != nil }

    func decide(method: Int, point: Int, ledger: any TaskLedger) throws -> Decision {
        guard let rule = rules[method] else { return .run(target: grids[method].seedCount) }
        let maximum = rule.maximum
        let finished = finishedPrefix(method: method, point: point, below: maximum, ledger: ledger)
        var count = min(rule.minimum, maximum)
        while true {
            if finished < count { return .run(target: count) }
            let ratio = try worstRatio(
                rule.tolerances, method: method, point: point, seeds: count, ledger: ledger)
            if ratio <= 1 || count >= maximum { return .spare(from: count) }
            // The error falls as 1/sqrt(k): go most of the way to the predicted number, at least a quarter more.
            // (2 first: it is what comes of a ratio that is no number.)
            let predicted = Double(count) * min(2, ratio * ratio)
            count = min(maximum, max(Int(predicted.rounded(.up)), count + (count + 3) / 4))
        }
    }

    /// How many seeds have been run before the first that has not.
    private func finishedPrefix(method: Int, point: Int, below maximum: Int, ledger: any TaskLedger) -> Int {
        (0..<maximum).first { seed in
            let status = ledger.status(TaskID(method: method, point: point, seed: seed))
            return !status.isFinal || status == .spared
        } ?? maximum
    }

    /// The largest standard error over tolerance, over observables and times, among seeds 0..<seeds that are done;
    /// infinite when fewer than two are, or when a value is infinite (a time that was never reached has no error). An
    /// observable that this method does not record, or that does not apply (NaN in every seed), asks nothing of it.
    private func worstRatio(
        _ tolerances: [SeedTolerance], method: Int, point: Int, seeds: Int, ledger: any TaskLedger
    ) throws -> Double {
        let grid = grids[method]
        var worst = 0.0
        for tolerance in tolerances {
            guard grid.observables.contains(where: { $0.name == tolerance.observable }) else { continue }
            var sum: [Double] = []
            var squares: [Double] = []
            var applies: [Bool] = []
            var count = 0.0
            for seed in 0..<seeds {
                let task = TaskID(method: method, point: point, seed: seed)
                guard ledger.status(task) == .done,
                    let values = try ledger.values(of: task, observable: tolerance.observable)
                else { continue }
                if sum.isEmpty {
                    sum = Array(repeating: 0, count: values.count)
                    squares = sum
                    applies = Array(repeating: false, count: values.count)
                }
                // Welford's update: a plain sum of squares cancels for small spreads.
                count += 1
                for (index, value) in values.enumerated() {
                    if !value.isNaN { applies[index] = true }
                    let delta = value - sum[index]
                    sum[index] += delta / count
                    squares[index] += delta * (value - sum[index])
                }
            }
            guard count >= 2 else { return .infinity }
            for (square, applies) in zip(squares, applies) where applies {
                guard square.isFinite else { return .infinity }
                worst = max(worst, (square / (count - 1) / count).squareRoot() / tolerance.standardError)
            }
        }
        return worst
    }
}
