import Modeling
import Numerics

extension MultiIndexWeakRecovery {
    enum Keys {
        static let alpha = Key.alpha(typical: 3, "samples per dimension, n/d")
        static let link = Key<Link>(
            "link", symbol: "g", typical: .signProduct2,
            "the label g(z): sign(z1 z2); z1^2 + sign(z1 z2 z3); the sum of three signs; for thresholds only also z1 z2, "
                + "z1/z2, the sum of p squares, z^2, |z|, sign(z1 z2 z3)")
        static let d = Key.d(in: 2...10_000_000, default: 1000, "dimension of the amp run")
        static let p = Key<Int>(
            "p", in: 1...30, derived: "that of the link; 2 for sum_of_squares",
            "weak-recovery: directions; free for sum_of_squares alone")
        static let flip = Key<Double>(
            "flip", symbol: "eps", in: RealRange(0, 0.5, includesUpper: false), default: 0,
            "probability that a label +-1 is flipped")
        static let initialisation = Key<Initialisation>(
            "init", derived: "warm when m0 or M0 is given, else cold",
            "cold: a small start; warm: overlap M0, Bayes consistent; informed: warm with M0 = 0.97 I; planted (amp): "
                + "sqrt(m0) w* + sqrt(1 - m0) noise with C = I, as in the official code")
        static let m0 = Key<Double>(
            "m0", in: RealRange(0, 1, includesUpper: false), derived: "not used", "initial overlap of every direction")
        static let M0 = Key<ArrayValue>(
            "M0", dimensions: 1...2, derived: "m0 times the identity",
            "initial overlaps: p numbers, the diagonal, or a p x p matrix with eigenvalues from 0 to below 1")
        static let overlaps = OneOf("the overlaps of a warm or planted start", m0, M0)
        static let initScale = Key.initScale(
            symbol: "init_scale", in: RealRange(0, 1, includesLower: false), default: 0.1,
            "amp, cold: standard deviation of the estimate's entries at the start")
        static let coldOverlap = Key<Double>(
            "cold_overlap", in: RealRange(0, 1, includesLower: false, includesUpper: false), default: 1e-3,
            "state evolution, cold: the start is this times the identity")
        static let damping = Key.damping(
            "weight of the old W_hat and C, or of the old M; best 0 for warm starts and near alpha_c; "
                + "cold starts far above alpha_c escape more often with 0.2 to 0.4")
        static let precision = Key<Precision>(
            "precision", symbol: "A", default: .gg,
            "amp's precision matrix: gg, (1/d) sum g g^T; jacobian, -(1/d) sum dg, which needs damping for sign_product2"
        )
        static let reg = Key<Double>(
            "reg", in: .nonNegative, default: 1e-6,
            "amp: added to the diagonal of C, so that V stays above rounding where recovery is exact (official: 1e-6)")
        static let maxIterations = Key.maxIterations(
            derived: "200 for amp, 100000 for state evolution", "iterations after which a run stops")
        static let tolerance = Key.tolerance(
            derived: "1e-4 for amp, 1e-8 for state evolution",
            "converged below this: rms change of W_hat, largest change of M; 0: go on to max_iterations")
        static let testSize = Key.testSize(
            in: 1...100_000_000, default: 20_000, "fresh samples of amp's test error, the same at each time")
        static let learnedOverlap = Key<Double>(
            "learned_overlap", symbol: "a", in: .unit, derived: "the fixed point at alpha with the rest at 0",
            "weak-recovery: overlap of what is learned first (z1 of phase_parity, the committee's mean)")

        static let all: [any ParameterKey] = [
            alpha, link, d, p, flip, initialisation, m0, M0, initScale, coldOverlap, damping, precision, reg,
            maxIterations, tolerance, testSize, learnedOverlap,
        ]
    }

    /// One grid point, checked; what the method does not read is left at 0.
    public struct Parameters: ModelParameters {
        /// The link g.
        package let link: Link
        /// p, from 1 to 30: directions.
        package let p: Int
        /// 1 - 2 eps, above 0 to 1: by what flips shrink the mean of a label.
        package let contrast: Double
        /// alpha = n/d, above 0; 0 where thresholds do not depend on it.
        package private(set) var alpha = 0.0
        /// d, at least 2 (amp).
        package private(set) var d = 0
        /// n = alpha d, rounded, from 1 to 1e12 (amp).
        package private(set) var n = 0
        /// The law of the start.
        package private(set) var initialisation = Initialisation.cold
        /// Where overlaps start, (p, p), eigenvalues from 0 to below 1; empty for a cold start of amp.
        package private(set) var M0: [Double] = []
        /// Standard deviation of the entries of a cold start, above 0 to 1 (amp).
        package private(set) var initScale = 0.0
        /// delta, from 0 to below 1.
        package private(set) var damping = 0.0
        /// Of which A is made (amp).
        package private(set) var precision = Precision.gg
        /// What is added to the diagonal of C, from 0 (amp).
        package private(set) var reg = 0.0
        /// Iterations after which a run stops, at least 1.
        package private(set) var maximumIterations = 0
        /// Converged at or below this change of an iteration, from 0.
        package private(set) var tolerance = 0.0
        /// Samples of the test error, at least 1 (amp).
        package private(set) var testSize = 0
        /// Overlap of what is learned first, from 0 to 1; nil: the fixed point at alpha (weak-recovery).
        package private(set) var learnedOverlap: Double?

        public init(_ point: Reader, method: Method) throws {
            let link = try point[Keys.link]
            self.link = link
            guard method == .weakRecovery || link.hasDynamics else {
                throw ModelError.parameter(
                    Keys.link,
                    "\(link.rawValue) has thresholds only (method weak-recovery); \(method.rawValue) knows sign_product2, "
                        + "phase_parity and committee3")
            }
            let own = link.directions
            p = method == .weakRecovery ? try point.read(Keys.p, or: own ?? 2) : own ?? 1
            guard p == own ?? p else {
                throw ModelError.parameter(
                    Keys.p, "is \(own ?? p) for \(link.rawValue): leave p out (it is for sum_of_squares)")
            }
            // A parity of three signs has no threshold that flips could move.
            let flip = link == .signProduct3 ? 0 : try point[Keys.flip]
            guard flip == 0 || link.canFlip else {
                throw ModelError.parameter(
                    Keys.flip,
                    "must be 0: labels of \(link.rawValue) are not +-1 and cannot be flipped; leave flip out, or link: "
                        + "sign_product2")
            }
            contrast = 1 - 2 * flip
            guard method != .weakRecovery || link.hasStaircase else { return }
            alpha = try point[Keys.alpha]
            if method == .weakRecovery { learnedOverlap = try point.given(Keys.learnedOverlap) }
            guard method != .weakRecovery else { return }
            let isAMP = method == .amp
            try readStart(point, isAMP: isAMP)
            damping = try point[Keys.damping]
            maximumIterations = try point.read(Keys.maxIterations, or: isAMP ? 200 : 100_000)
            tolerance = try point.read(Keys.tolerance, or: isAMP ? 1e-4 : 1e-8)
            guard isAMP else { return }
            d = try point[Keys.d]
            let samples = (alpha * Double(d)).rounded()
            guard samples >= 1, samples <= 1e12 else {
                throw ModelError.parameter(Keys.alpha, "times d is \(samples) samples: need from 1 to 1e12")
            }
            n = Int(samples)
            precision = try point[Keys.precision]
            reg = try point[Keys.reg]
            testSize = try point[Keys.testSize]
        }

        private mutating func readStart(_ point: Reader, isAMP: Bool) throws {
            let isGiven = point.isGiven(Keys.m0) || point.isGiven(Keys.M0)
            initialisation = try point.read(Keys.initialisation, or: isGiven ? .warm : .cold)
            let needsOverlaps = initialisation == .warm || initialisation == .planted
            try point.check(Keys.overlaps, isNeeded: needsOverlaps)
            guard needsOverlaps == isGiven else {
                throw ModelError.conflict(
                    Keys.initialisation, "m0 and M0 are read by init: warm or planted only; leave them out")
            }
            guard isAMP || initialisation != .planted else {
                throw ModelError.conflict(
                    Keys.initialisation, "init: planted is not Bayes consistent and has no state evolution; take warm")
            }
            switch initialisation {
            case .informed: M0 = SmallMatrix.diagonal(p, 0.97)
            case .cold where isAMP: initScale = try point[Keys.initScale]
            case .cold: M0 = SmallMatrix.diagonal(p, try point[Keys.coldOverlap])
            case .warm, .planted:
                let given = try point.read(
                    Keys.M0, or: ArrayValue(shape: [p], elements: Array(repeating: try point[Keys.m0], count: p)))
                M0 = try matrix(given, isAMP: isAMP)
            }
        }

        /// Overlaps as they are given, checked, as a p x p matrix.
        private func matrix(_ given: ArrayValue, isAMP: Bool) throws -> [Double] {
            let refusal = { (what: String) in ModelError.parameter(Keys.M0, "must " + what) }
            guard given.shape == [p] || given.shape == [p, p] else { throw refusal("have \(p) or \(p) x \(p) numbers") }
            let diagonal = (0..<p).map { given.elements[given.shape == [p] ? $0 : $0 * (p + 1)] }
            let diagonalMatrix = (0..<p * p).map { $0 % (p + 1) == 0 ? diagonal[$0 / p] : 0 }
            let M = given.shape == [p] ? diagonalMatrix : given.elements
            guard SmallMatrix.isSymmetric(M, p) else { throw refusal("be symmetric") }
            let values = try LAPACK.symmetricEigen(p, M).values
            guard values.allSatisfy({ $0 >= -1e-12 && $0 < 1 }) else {
                throw refusal("have eigenvalues from 0 to below 1")
            }
            guard isAMP || link != .phaseParity || M == diagonalMatrix else {
                throw refusal("be diagonal: state evolution of phase_parity is for diagonal overlaps")
            }
            return M
        }
    }
}

/// The law of the start (8).
package enum Initialisation: String, Sendable, CaseIterable { case cold, warm, informed, planted }

/// How the precision A is made of the outputs (6).
package enum Precision: String, Sendable, CaseIterable {
    /// (1/d) sum g g^T, positive semidefinite.
    case gg
    /// -(1/d) sum dg/d omega.
    case jacobian
}
