import Dynamics
import Foundation
import Numerics
import Persistence
import Randomness
import Testing

/// F = X/sqrt(d) on rows of `width` numbers.
struct GaussianSensing: SensingOperator {
    let x: [Double]
    let fieldCount: Int
    let signalCount: Int
    let width: Int

    init(n: Int, d: Int, width: Int, seed: UInt64) {
        var random = RandomStream(identity: TaskIdentity(high: 0xA3F, low: seed))
        var x = Array(repeating: 0.0, count: n * d)
        for i in x.indices { x[i] = random.normal() / Double(d).squareRoot() }
        (self.x, fieldCount, signalCount, self.width) = (x, n, d, width)
    }

    func fields(of estimate: UnsafePointer<Double>, into fields: UnsafeMutablePointer<Double>) {
        BLAS.gemm(
            m: fieldCount, n: width, k: signalCount, x, leadingA: signalCount, estimate, leadingB: width, fields,
            leadingC: width)
    }

    func adjoint(of g: UnsafePointer<Double>, into signal: UnsafeMutablePointer<Double>) {
        BLAS.gemm(
            .transposed, m: signalCount, n: width, k: fieldCount, x, leadingA: signalCount, g, leadingB: width, signal,
            leadingC: width)
    }
}

/// y = z + noise of variance Delta I, of any width: g = (V + Delta)^-1 (y - Omega), A = n/d (V + Delta)^-1.
struct GaussianChannel: OutputChannel {
    let y: [Double]
    let noise: Double
    let k: Int
    let ratio: Double

    func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision: UnsafeMutablePointer<Double>
    ) throws {
        let sum = (0..<k * k).map { variance[$0] + ($0 / k == $0 % k ? noise : 0) }
        guard let factor = SmallMatrix.cholesky(sum, k, tolerance: 0, allowsZero: false) else {
            throw MessagePassingError.argument("V is not positive definite")
        }
        let inverse = SmallMatrix.inverse(factor: factor, k)
        for i in stride(from: 0, to: y.count, by: k) {
            for a in 0..<k {
                g[i + a] = (0..<k).reduce(0) { $0 + inverse[a * k + $1] * (y[i + $1] - fields[i + $1]) }
            }
        }
        for i in 0..<k * k { precision[i] = ratio * inverse[i] }
    }
}

/// The prior N(0, I): estimate = B (I + A)^-1.
struct GaussianPrior: InputDenoiser {
    let count: Int
    let k: Int

    func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>
    ) throws {
        let sum = (0..<k * k).map { precision[$0] + ($0 / k == $0 % k ? 1 : 0) }
        let factor = try #require(SmallMatrix.cholesky(sum, k, tolerance: 0, allowsZero: false))
        let inverse = SmallMatrix.inverse(factor: factor, k)
        for i in 0..<k * k { covariance[i] = inverse[i] }
        for i in 0..<count {
            for a in 0..<k {
                estimate[i * k + a] = (0..<k).reduce(0) { $0 + pseudoField[i * k + $1] * inverse[$1 * k + a] }
            }
        }
    }
}

/// The same map in blocks of seven rows, both directions in one pass.
struct BlockSensing: RowwiseSensing {
    let map: GaussianSensing
    var fieldCount: Int { map.fieldCount }
    var signalCount: Int { map.signalCount }
    var width: Int { map.width }

    func pass(
        estimate: UnsafePointer<Double>, outputs: UnsafePointer<Double>, signal: UnsafeMutablePointer<Double>,
        respond: (Range<Int>, UnsafePointer<Double>) -> Void
    ) {
        var all = Array(repeating: 0.0, count: fieldCount * width)
        map.fields(of: estimate, into: &all)
        for first in stride(from: 0, to: fieldCount, by: 7) {
            let rows = first..<min(first + 7, fieldCount)
            respond(rows, Array(all[first * width..<rows.upperBound * width]))
        }
        map.adjoint(of: outputs, into: signal)
    }
}

/// g = (y - Omega)/s with s the mean square of y - Omega, A = n/(d s).
struct MeanSquareChannel: RowwiseChannel {
    let y: [Double]
    let width: Int
    let ratio: Double
    var squares = 0.0
    var fieldCount: Int { y.count / width }

    mutating func begin(variance: UnsafePointer<Double>) { squares = 0 }

    mutating func respond(_ rows: Range<Int>, fields: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>) {
        for i in rows.lowerBound * width..<rows.upperBound * width {
            g[i] = y[i] - fields[i]
            squares += g[i] * g[i]
        }
    }

    func finish(precision: UnsafeMutablePointer<Double>) -> Double {
        let s = squares / Double(y.count)
        for i in 0..<width * width { precision[i] = i % (width + 1) == 0 ? ratio / s : 0 }
        return 1 / s
    }
}

@Suite struct MessagePassingTests {
    typealias Ridge = MessagePassing<GaussianSensing, GaussianChannel, GaussianPrior>

    struct Problem {
        let signal: [Double]
        let y: [Double]
        let sensing: GaussianSensing
        let noise: Double
        let (n, d, k): (Int, Int, Int)

        init(n: Int, d: Int, k: Int, noise: Double, seed: UInt64 = 1) {
            var random = RandomStream(identity: TaskIdentity(high: 0xA40, low: seed))
            let signal = (0..<d * k).map { _ in random.normal() }
            let sensing = GaussianSensing(n: n, d: d, width: k, seed: seed)
            var y = Array(repeating: 0.0, count: n * k)
            sensing.fields(of: signal, into: &y)
            for i in y.indices { y[i] += noise.squareRoot() * random.normal() }
            (self.signal, self.y, self.sensing, self.noise) = (signal, y, sensing, noise)
            (self.n, self.d, self.k) = (n, d, k)
        }

        func start(
            _ rule: MessagePassingRule, estimate: [Double]? = nil, variance: Double = 1
        ) throws -> Ridge {
            try Ridge(
                sensing, GaussianChannel(y: y, noise: noise, k: k, ratio: Double(n) / Double(d)),
                GaussianPrior(count: d, k: k),
                estimate: estimate ?? Array(repeating: 0, count: d * k), covariance: SmallMatrix.diagonal(k, variance),
                rule: rule)
        }

        /// (X^T X/d + Delta)^-1 X^T y/sqrt d, by Cholesky.
        func ridge() -> [Double] {
            var gram = Array(repeating: 0.0, count: d * d)
            BLAS.gemm(
                .transposed, m: d, n: d, k: n, sensing.x, leadingA: d, sensing.x, leadingB: d, &gram, leadingC: d)
            for i in 0..<d { gram[i * d + i] += noise }
            #expect(LAPACK.cholesky(d, &gram, leading: d) == nil)
            var right = Array(repeating: 0.0, count: d * k)
            sensing.adjoint(of: y, into: &right)
            var result = right
            for a in 0..<k {
                var column = (0..<d).map { right[$0 * k + a] }
                BLAS.solveLower(.none, d, gram, leading: d, &column)
                BLAS.solveLower(.transposed, d, gram, leading: d, &column)
                for i in 0..<d { result[i * k + a] = column[i] }
            }
            return result
        }

        func meanSquareError(_ estimate: [Double]) -> Double {
            zip(estimate, signal).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(d * k)
        }
    }

    private func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    static let rules = [
        MessagePassingRule(tolerance: 1e-13),
        MessagePassingRule(damping: 0.3, damped: .estimate, tolerance: 1e-13),
        MessagePassingRule(damping: 0.4, damped: .fields, tolerance: 1e-13),
    ]

    /// The fixed point in C depends on the size of things alone, so the exact ridge estimate comes out only as d grows; at
    /// the fixed point the estimate solves (X^T X/d + Delta') x = X^T y/sqrt d with Delta' from C.
    @Test(arguments: rules, [1, 3]) func theFixedPointIsTheRidgeEstimate(rule: MessagePassingRule, k: Int) throws {
        let problem = Problem(n: 1500, d: 500, k: k, noise: 0.5)
        var passing = try problem.start(rule)
        try passing.iterate(atMost: 500)
        #expect(passing.isConverged && passing.iteration > 5 && passing.iteration < 400)
        let expected = problem.ridge()
        let error = problem.meanSquareError(expected)
        let apart = zip(passing.estimate, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        // Both are of order 1; they differ by the fluctuation of tr (X^T X/d + Delta)^-1, of order 1/d.
        #expect((apart / Double(500 * k)).squareRoot() < 3e-3)
        #expect(abs(problem.meanSquareError(passing.estimate) - error) < 0.02 * error)
        // The error of one target scatters about C: a mean of d k squares.
        #expect(abs(passing.covariance[0] - error) < (4 * (2 / Double(500 * k)).squareRoot() + 0.02) * error)
    }

    /// E <- 1/(1 + alpha/(Delta + E)) from E = 1, at each iteration, with the same numbers in the algorithm's own C.
    @Test func everyIterationFollowsStateEvolution() throws {
        let problem = Problem(n: 4500, d: 3000, k: 2, noise: 0.1)
        var passing = try problem.start(MessagePassingRule(tolerance: 0))
        var E = 1.0
        for _ in 0..<8 {
            try passing.iterate(atMost: 1)
            E = 1 / (1 + 1.5 / (0.1 + E))
            #expect(abs(passing.covariance[0] - E) < 1e-12)
            #expect(abs(passing.covariance[1]) < 1e-12)
            #expect(abs(problem.meanSquareError(passing.estimate) / E - 1) < 0.06, "\(passing.iteration)")
        }
        #expect(passing.iteration == 8 && !passing.isConverged)
    }

    /// An estimate m0 x + sqrt(m0 (1 - m0)) xi with covariance 1 - m0 is on state evolution from its first iteration.
    @Test func warmStart() throws {
        let problem = Problem(n: 4500, d: 3000, k: 2, noise: 0.1)
        var random = RandomStream(identity: TaskIdentity(high: 0xA41, low: 1))
        let estimate = problem.signal.map { 0.6 * $0 + 0.24.squareRoot() * random.normal() }
        var passing = try problem.start(MessagePassingRule(tolerance: 0), estimate: estimate, variance: 0.4)
        var E = 0.4
        for _ in 0..<5 {
            try passing.step()
            E = 1 / (1 + 1.5 / (0.1 + E))
            #expect(abs(problem.meanSquareError(passing.estimate) / E - 1) < 0.06)
        }
    }

    @Test(arguments: rules) func dampingLeavesTheFixedPoint(rule: MessagePassingRule) throws {
        let problem = Problem(n: 300, d: 200, k: 2, noise: 0.3)
        var reference = try problem.start(Self.rules[0])
        try reference.iterate(atMost: 1000)
        #expect(reference.isConverged)
        var passing = try problem.start(rule)
        try passing.iterate(atMost: 1000)
        #expect(passing.isConverged)
        #expect(largestDifference(passing.estimate, reference.estimate) < 1e-10)
        #expect(largestDifference(passing.covariance, reference.covariance) < 1e-10)
        if rule.damping > 0 { #expect(passing.iteration > reference.iteration) }
    }

    @Test(arguments: rules) func aRestoredStateGoesOnWithTheSameBits(rule: MessagePassingRule) throws {
        let problem = Problem(n: 80, d: 50, k: 3, noise: 0.2)
        var whole = try problem.start(rule)
        var cut = try problem.start(rule)
        for _ in 0..<12 {
            try whole.iterate(atMost: 1)
            let bytes = try StateArchive.save(&cut)
            cut = try problem.start(rule)
            try StateArchive.restore(&cut, from: bytes)
            try cut.iterate(atMost: 1)
            #expect(cut.estimate == whole.estimate && cut.covariance == whole.covariance)
            #expect(cut.change == whole.change && cut.precision == whole.precision)
        }
        #expect(whole.iteration == 12 && cut.iteration == 12)
    }

    /// One pass over the rows, or two: the same numbers at each iteration, damped or not, and from a saved state.
    @Test(arguments: rules, [1, 2]) func onePassIsTwoPasses(rule: MessagePassingRule, k: Int) throws {
        let problem = Problem(n: 100, d: 60, k: k, noise: 0.2)
        let channel = MeanSquareChannel(y: problem.y, width: k, ratio: 100.0 / 60)
        let (start, C) = (Array(repeating: 0.0, count: 60 * k), SmallMatrix.diagonal(k, 1))
        let prior = GaussianPrior(count: 60, k: k)
        var two = try MessagePassing(problem.sensing, channel, prior, estimate: start, covariance: C, rule: rule)
        let blocks = BlockSensing(map: problem.sensing)
        var one = try MessagePassing(blocks, channel, prior, estimate: start, covariance: C, rule: rule)
        for _ in 0..<10 {
            try two.step()
            let bytes = try StateArchive.save(&one)
            one = try MessagePassing(blocks, channel, prior, estimate: start, covariance: C, rule: rule)
            try StateArchive.restore(&one, from: bytes)
            try one.step()
            #expect(largestDifference(one.estimate, two.estimate) < 1e-12)
            #expect(largestDifference(one.outputs, two.outputs) < 1e-11)
            #expect(largestDifference(one.precision + one.covariance, two.precision + two.covariance) < 1e-11)
        }
        #expect(two.change < 0.2)
    }

    @Test func whatIsNotFiniteIsFound() throws {
        let problem = Problem(n: 30, d: 20, k: 1, noise: 0.2)
        var estimate = Array(repeating: 0.0, count: 20)
        estimate[7] = .nan
        var passing = try problem.start(Self.rules[0], estimate: estimate)
        #expect(throws: MessagePassingError.diverged(iteration: 1, "the estimate is not finite")) {
            try passing.step()
        }
        var negative = try problem.start(Self.rules[0], variance: -3)
        #expect(throws: MessagePassingError.argument("V is not positive definite")) { try negative.step() }
    }

    @Test func sizesThatDoNotFitAreRefused() throws {
        let problem = Problem(n: 30, d: 20, k: 2, noise: 0.2)
        #expect(throws: MessagePassingError.self) { try problem.start(Self.rules[0], estimate: [1, 2]) }
        #expect(throws: MessagePassingError.self) {
            try problem.start(MessagePassingRule(damping: 1, tolerance: 0))
        }
    }

    @Test func aFixedPointCarriesItsResidual() throws {
        // cos x = x, and its iteration converges by a factor of sin x* = 0.674 a step.
        let rule = FixedPointRule(tolerance: 1e-12, maximumIterations: 200)
        let end = try FixedPoint.solve(from: [0.2], rule: rule) { [cos($0[0])] }
        #expect(end.isConverged && abs(end.value[0] - 0.739085133215161) < 2e-12)
        #expect(end.iterations > 50 && end.iterations < 90)
        let damped = FixedPointRule(damping: 0.4, tolerance: 1e-12, maximumIterations: 200)
        let faster = try FixedPoint.solve(from: [0.2], rule: damped) { [cos($0[0])] }
        #expect(faster.isConverged && faster.iterations < 20)
        let short = FixedPointRule(tolerance: 1e-12, maximumIterations: 10)
        var stopped = try FixedPoint.solve(from: [0.2], rule: short) { [cos($0[0])] }
        #expect(!stopped.isConverged && stopped.isFinished && stopped.iterations == 10)
        #expect(stopped.residual > 1e-3 && stopped.residual < 0.1)
        // x^3 has three fixed points: 0 attracts, 1 repels.
        let ends = try FixedPoint.solve(fromEach: [[0.5], [1], [-0.9]], rule: rule) { [$0[0] * $0[0] * $0[0]] }
        #expect(ends.map { abs($0.value[0]) < 1e-12 } == [true, false, true])
        #expect(throws: FixedPointError.notFinite(iteration: 11)) { try stopped.step { _ in [.nan] } }
        #expect(stopped.iterations == 10)
        let bytes = try StateArchive.save(&stopped)
        var again = FixedPoint(from: [0], rule: rule)
        try StateArchive.restore(&again, from: bytes)
        try again.advance { [cos($0[0])] }
        #expect(again.value == end.value && again.iterations == end.iterations)
    }
}
