import Modeling

/// What gd and langevin read, but for the matrix and its data.
public struct DescentSettings: Sendable {
    /// B, runs on the same data.
    public let runs: Int
    /// How a step is made.
    public let kind: FactorStepRule.Kind
    /// eta.
    public let stepSize: Double
    /// sigma, the standard deviation of the factors' entries at the start.
    public let initScale: Double
    /// wd, gd alone.
    public let weightDecay: Double
    /// The training error of every run at which gd ends.
    public let stopError: Double
    /// Steps before langevin averages.
    public let burnIn: Int

    /// Reads them.
    ///
    /// - Parameter stepSize: reads the step of a kind and a scale of the start.
    public init(
        _ point: Reader, isLangevin: Bool, stepSize: (FactorStepRule.Kind, _ initScale: Double) throws -> Double
    ) throws {
        runs = try point[MatrixKeys.runs]
        kind = try isLangevin ? .langevin : .optimizer(point[MatrixKeys.optimizer])
        initScale = try point[MatrixKeys.initScale]
        self.stepSize = try stepSize(kind, initScale)
        weightDecay = try isLangevin ? 0 : point[MatrixKeys.weightDecay]
        stopError = try isLangevin ? 0 : point[MatrixKeys.stopError]
        burnIn = try isLangevin ? point[MatrixKeys.burnIn] : 0
    }

    private init() {
        (runs, kind, stepSize, initScale, weightDecay, stopError, burnIn) = (0, .langevin, 0, 0, 0, 0, 0)
    }

    /// Of methods that read none.
    public static let unused = DescentSettings()

    /// Whether steps sample the posterior; else they descend.
    public var isLangevin: Bool { kind == .langevin }

    /// Bytes of a ``FactorDescent`` besides its problem.
    public func bytes(weights: Double, entries: Double) -> Double {
        8 * (Double(runs) * weights * (kind.keepsMoments ? 3 : 1) + weights + entries * Double(runs + 2))
    }
}

/// A loss of matrices S that are products of factors, one matrix a run, all on the same data.
///
/// The numbers of all factors of a run, its weights, lie one after the other, those of the next run after them.
public protocol FactorProblem: Sendable {
    /// Numbers in the factors of one run.
    var weightCount: Int { get }
    /// S*.
    var target: [Double] { get }
    /// (1/n) sum_i e_i^2 of each run, as of the last ``evaluate(_:)``.
    var trainErrors: [Double] { get }
    /// Elementary steps that an evaluation is worth.
    var work: Int { get }
    /// What a squared distance |S - S*|^2 is recorded as.
    func error(_ square: Double) -> Double

    /// Takes note of new weights.
    mutating func move(to weights: [Double])
    /// Computes residuals and what gradients need.
    mutating func evaluate(_ weights: [Double])
    /// Writes what a step of size 1 subtracts from the weights of one run.
    mutating func gradient(of run: Int, _ weights: [Double], into gradient: inout [Double])
    /// The mean square of what grows without bound when steps diverge.
    func meanSquare(_ weights: [Double]) -> Double
    /// S of all runs.
    func matrices(_ weights: [Double]) -> [Double]
    /// Adds S of all runs to `sum`.
    func add(_ weights: [Double], to sum: inout [Double])
    /// Puts what the matrices of all runs say besides their errors.
    func observe(_ S: [Double], _ result: RunAverage, into sink: inout ObservationSink)
}

/// Methods `gd` and `langevin`: the factors of several runs on the same data set.
public struct FactorDescent<Problem: FactorProblem>: Run {
    private let settings: DescentSettings
    private let observables: MatrixObservables
    private var problem: Problem

    /// The weights of each run, one run after the other.
    public private(set) var weights: [Double]
    private var step = 0
    /// Whether all runs have interpolated their data.
    private var isStopped = false
    private var rule: FactorStepRule
    /// Langevin: the sum of S over runs and steps after burn_in.
    private var sum: [Double]
    private var sampleCount = 0
    /// Follows from the weights.
    private var hasGradient = false
    /// Scratch of one run.
    private var slope: [Double]

    /// Starts from normal weights of each run's own stream.
    public init(
        _ problem: Problem, _ settings: DescentSettings, _ observables: MatrixObservables, _ random: RandomStream
    ) {
        (self.problem, self.settings, self.observables) = (problem, settings, observables)
        weights = []
        weights.reserveCapacity(settings.runs * problem.weightCount)
        for run in 0..<settings.runs {
            var stream = random.substream(Self.start(run: run))
            for _ in 0..<problem.weightCount { weights.append(settings.initScale * stream.normal()) }
        }
        let isLangevin = settings.isLangevin
        rule = FactorStepRule(
            settings.kind, stepSize: settings.stepSize, weightDecay: settings.weightDecay, count: weights.count,
            kicks: isLangevin ? (0..<settings.runs).map { random.substream(Self.kicks(run: $0)) } : [])
        sum = Array(repeating: 0, count: isLangevin ? problem.target.count : 0)
        slope = Array(repeating: 0, count: problem.weightCount)
        self.problem.move(to: weights)
    }

    /// The substream with the start of a run; data sets have those below.
    private static func start(run: Int) -> UInt32 { 0x1000 + UInt32(run) }
    /// The substream of the task's stream with the Langevin noise of a run.
    public static func kicks(run: Int) -> UInt32 { 0x3000 + UInt32(run) }

    public mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        var left = max(quantum / problem.work, 1)
        while step < target, left > 0 {
            if isStopped {
                step = target
            } else {
                try nextStep()
                left -= 1
            }
        }
        return step >= target
    }

    private mutating func evaluate() {
        guard !hasGradient else { return }
        problem.evaluate(weights)
        hasGradient = true
    }

    private mutating func nextStep() throws {
        evaluate()
        if !settings.isLangevin, problem.trainErrors.allSatisfy({ $0 < settings.stopError }) {
            isStopped = true
            return
        }
        for run in 0..<settings.runs {
            problem.gradient(of: run, weights, into: &slope)
            rule.apply(to: &weights, at: run * slope.count, slope, run: run, step: step)
        }
        step += 1
        problem.move(to: weights)
        hasGradient = false
        let square = problem.meanSquare(weights)
        guard square.isFinite, square < 1e12 else {
            throw ModelError.diverged(step: step, "the weights are not bounded; a smaller step size may help")
        }
        if settings.isLangevin, step > settings.burnIn {
            problem.add(weights, to: &sum)
            sampleCount += settings.runs
        }
    }

    /// What a step of size 1 subtracts from the weights of one run, without their decay or prior.
    public mutating func gradient(of run: Int) -> [Double] {
        evaluate()
        problem.gradient(of: run, weights, into: &slope)
        return slope
    }

    /// The training error of each run at the present weights.
    public mutating func trainErrors() -> [Double] {
        evaluate()
        return problem.trainErrors
    }

    public mutating func observe(into sink: inout ObservationSink) throws {
        let S = problem.matrices(weights)
        let result = RunAverage(S, target: problem.target, average: sum, of: sampleCount)
        sink.put(observables.error, problem.error(result.averageError))
        sink.put(observables.single, problem.error(result.meanError))
        sink.put(observables.deviation, problem.error(result.deviation))
        sink.put(observables.spread, problem.error(result.spread))
        try sink.put(observables.ofRuns, result.errors.map(problem.error))
        problem.observe(S, result, into: &sink)
        guard sink.wants(observables.trainError) else { return }
        evaluate()
        sink.put(observables.trainError, problem.trainErrors.reduce(0, +) / Double(settings.runs))
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&isStopped)
        try archive.exchange(&weights)
        try archive.exchange(&rule)
        try archive.exchange(&sum)
        try archive.exchange(&sampleCount, in: 0...maximumStep)
        guard archive.isRestoring else { return }
        problem.move(to: weights)
        hasGradient = false
    }
}
