import Modeling
import Numerics

package typealias Parameters = SequenceMultiIndex.Parameters

extension SequenceMultiIndex {
    /// One grid point: what the method reads there; the rest stays as it is declared.
    public struct Parameters: ModelParameters {
        /// Layers p, tokens L and skip c.
        package let network: Network
        /// D, of simulations.
        package private(set) var d = 0
        /// N/D, positive.
        package private(set) var alpha = 0.0
        /// Sequences that a simulation holds: N = round(alpha D), at least 1, or a batch of fresh ones.
        package private(set) var n = 0
        /// What is added to V, 0 or more.
        package private(set) var reg = 0.0
        /// Draws a sequence, where the channel needs any.
        package private(set) var draws = 0
        /// Sequences behind an expectation of the theory; 0 where it is exact.
        package private(set) var samples = 0
        /// Sequences behind e_gen.
        package private(set) var testSize = 0

        /// Where message passing and state evolution begin.
        package private(set) var start = Start.cold
        /// The diagonal of Q of a warm or informed start, p numbers in [0, 1).
        private var givenOverlaps: [Double] = []
        /// Scale of cold weights; not read where overlaps are given.
        package private(set) var initScale = 0.0
        /// Weight of the old value, in [0, 1).
        package private(set) var damping = 0.0
        /// Where an iteration ends: the largest change of an overlap, or the root mean square one of weights.
        package private(set) var tolerance = 0.0
        /// The most iterations of a fixed point.
        package private(set) var maximumIterations = 0
        /// Whether A comes from the Jacobian of g.
        package private(set) var usesJacobian = true
        /// The overlap of the last layer on the branch, in (0, 1).
        package private(set) var lastOverlap = 0.0

        /// Where the sequences of sgd come from.
        package private(set) var data = DataSource.fresh
        /// Sequences a step, B.
        package private(set) var batchSize = 1
        /// Steps on a batch.
        package private(set) var repeats = 1
        /// M and Q at the start of descent, p x p; nil for random weights.
        package private(set) var prescribedStart: (M: [Double], Q: [Double])?
        /// gamma, positive.
        package private(set) var stepSize = 0.0
        /// kappa, 0 or more.
        package private(set) var weightDecay = 0.0
        /// The Euler step in t.
        package private(set) var dt = 0.0

        package var p: Int { network.layers }
        package var L: Int { network.L }

        public init(_ point: Reader, method: Method) throws {
            let layers = try point[Keys.layers]
            network = Network(
                layers: layers, L: try point[Keys.L], skip: layers > 1 ? try point[Keys.skip] : 0)
            if method != .weakRecovery { testSize = try point[Keys.testSize] }
            switch method {
            case .amp:
                d = try point[Keys.d]
                try readData(point)
                try readChannel(point)
                try readStart(point, scale: 0.1)
                usesJacobian = try point[Keys.jacobian]
                tolerance = try point.read(Keys.tolerance, or: 0)
            case .stateEvolution, .fixedPoint:
                alpha = try point[Keys.alpha]
                try readChannel(point)
                samples = try point.read(Keys.mcSamples, or: 8192)
                try readStart(point, scale: 0.05.squareRoot())
                guard method == .fixedPoint else { break }
                tolerance = try point.read(Keys.tolerance, or: 1e-4)
                maximumIterations = try point[Keys.maxIterations]
            case .weakRecovery:
                try readChannel(point)
                // One layer has a closed form (24). A threshold of the first layer has the noise of two expectations at a
                // last layer known to 1 %.
                if layers > 1 || reg > 0 { samples = try point.read(Keys.mcSamples, or: 32768) }
            case .branch:
                try readChannel(point)
                samples = try point.read(Keys.mcSamples, or: 8192)
                lastOverlap = try point[Keys.lastOverlap]
            case .sgd:
                d = try point[Keys.d]
                batchSize = try point[Keys.batchSize]
                data = try point[Keys.data]
                repeats = try point[Keys.repeats]
                if data == .reuse { try readData(point) } else { n = batchSize }
                guard data == .reuse || repeats == 1 else {
                    throw ModelError.parameter(
                        Keys.repeats, "is for data: reuse; fresh sequences are seen once")
                }
                try readDescent(point)
                if point.isGiven(Keys.M0) || point.isGiven(Keys.Q0) {
                    try readOverlaps(point)
                    guard 2 * layers <= d else {
                        throw ModelError.parameter(
                            Keys.d,
                            "must be at least 2 layers (\(2 * layers)): M0 and Q0 are imposed on independent vectors")
                    }
                } else {
                    initScale = try point.read(Keys.initScale, or: 0.9)
                }
            case .overlapODE:
                try readDescent(point)
                try readOverlaps(point)
                samples = try point.read(Keys.mcSamples, or: 32768)
                dt = try point[Keys.dt]
            }
        }

        private mutating func readData(_ point: Reader) throws {
            alpha = try point[Keys.alpha]
            let count = (alpha * Double(d)).rounded()
            guard count * Double(L) < 0x1p31 else {
                throw ModelError.parameter(Keys.alpha, "times d is \(count) sequences: more than 2^31 tokens")
            }
            n = max(1, Int(count))
        }

        private mutating func readChannel(_ point: Reader) throws {
            reg = try point[Keys.reg]
            if !network.hasExactPosterior { draws = try point[Keys.draws] }
        }

        /// Of message passing and state evolution.
        private mutating func readStart(_ point: Reader, scale: Double) throws {
            damping = try point[Keys.damping]
            start = try point.read(Keys.start, or: point.isGiven(Keys.Q0) ? .warm : .cold)
            guard start == .warm else {
                if point.isGiven(Keys.Q0) {
                    throw ModelError.parameter(Keys.start, "\(start.rawValue) does not read Q0: leave one out")
                }
                if start == .cold { initScale = try point.read(Keys.initScale, or: scale) }
                givenOverlaps = Array(repeating: 0.99, count: p)
                return
            }
            guard let given = try point.given(Keys.Q0) else {
                throw ModelError.parameter(Keys.start, "warm needs the overlaps Q0 (one number a layer)")
            }
            let Q = try square(given, Keys.Q0)
            givenOverlaps = (0..<p).map { Q[$0 * p + $0] }
            guard Q == diagonal(givenOverlaps) else {
                throw ModelError.parameter(Keys.Q0, "must be diagonal here: signs of layers keep it so")
            }
            guard givenOverlaps.allSatisfy({ $0 >= 0 && $0 < 1 }) else {
                throw ModelError.parameter(Keys.Q0, "must lie in [0, 1): V = 1 - Q is a variance")
            }
        }

        /// Where state evolution begins, and a warm or informed run: the diagonal of Q.
        package var startOverlaps: [Double] {
            start == .cold ? Array(repeating: min(0.99, initScale * initScale), count: p) : givenOverlaps
        }

        /// gamma and kappa, which may be given in the units of a published experiment (17).
        private mutating func readDescent(_ point: Reader) throws {
            try point.check(Keys.eitherStep)
            try point.check(Keys.eitherDecay)
            stepSize = try point.read(
                Keys.stepSize, or: try point.given(Keys.learningRate).map { try $0 / Double(point[Keys.d]) } ?? 0.03)
            let gamma = stepSize
            weightDecay = try point.read(
                Keys.weightDecay,
                or: try point.given(Keys.l2).map {
                    try gamma * $0 * Double(point[Keys.d]) / Double(point[Keys.batchSize])
                } ?? 0)
        }

        /// M and Q at the start; what is not given has the size that random vectors have.
        private mutating func readOverlaps(_ point: Reader) throws {
            let p = p
            func scale() throws -> Double { try point.read(Keys.initScale, or: 0.9) }
            func each(_ value: Double) -> ArrayValue {
                ArrayValue(shape: [p], elements: Array(repeating: value, count: p))
            }
            let M = try square(
                point.read(Keys.M0, or: each(scale() / Double(point[Keys.d]).squareRoot())), Keys.M0)
            let Q = try square(point.read(Keys.Q0, or: each(scale() * scale())), Keys.Q0)
            guard SmallMatrix.cholesky(Q, p, tolerance: 1e-12, allowsZero: true) != nil else {
                throw ModelError.parameter(
                    Keys.Q0,
                    "must be a symmetric positive semidefinite matrix (overlaps of the weights with each other)")
            }
            guard Generalisation.factor(M: M, Q: Q, T: SmallMatrix.diagonal(p, 1), p) != nil else {
                throw ModelError.parameter(
                    Keys.M0,
                    "and Q0 are not overlaps of any weights: Q0 - M0 M0^T must be positive semidefinite (without Q0 it is "
                        + "init_scale^2 on the diagonal)")
            }
            prescribedStart = (M, Q)
        }

        /// p numbers as a diagonal matrix, or p x p numbers, row-major.
        private func square(_ array: ArrayValue, _ key: Key<ArrayValue>) throws -> [Double] {
            guard array.elements.allSatisfy(\.isFinite) else { throw ModelError.parameter(key, "must be finite") }
            if array.shape == [p] { return diagonal(array.elements) }
            guard array.shape == [p, p] else {
                throw ModelError.parameter(
                    key, "has shape \(array.shape): give one number a layer (\(p)), or \(p) x \(p)")
            }
            return array.elements
        }
    }
}

/// The matrix with these numbers on its diagonal, row-major.
func diagonal(_ values: [Double]) -> [Double] {
    let p = values.count
    return (0..<p * p).map { $0 % (p + 1) == 0 ? values[$0 / (p + 1)] : 0 }
}
