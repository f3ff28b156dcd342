import Modeling

/// The law of the sequences (1), and the attention that reads them.
package struct Population: Sendable, Hashable {
    package let d: Int
    package let L: Int
    package let gamma: Double
    package let attention: AttentionKind

    package init(d: Int, L: Int, gamma: Double, attention: AttentionKind) {
        (self.d, self.L, self.gamma, self.attention) = (d, L, gamma, attention)
    }

    /// D = sqrt(d/2), the length of the informative token's mean.
    package var D: Double { (Double(d) / 2).squareRoot() }
}

/// The law of the start: k and v uniform on the unit sphere or on the invariant manifold (14), or with given overlaps (15).
package enum Start: Sendable, Hashable {
    case sphere
    case manifold
    case overlaps(Overlaps)

    package enum Law: String, Sendable, CaseIterable { case sphere, manifold, overlaps }

    init(_ point: Reader) throws {
        let isPrescribed = { Keys.overlaps.contains { point.isGiven($0) } }
        switch try point.read(Keys.start, or: isPrescribed() ? .overlaps : .sphere) {
        case .sphere: self = .sphere
        case .manifold: self = .manifold
        case .overlaps:
            let scale = try point.read(Keys.initScale, or: 1)
            let q = Overlaps(try Keys.overlaps.map { scale * (try point.read($0, or: 0)) })
            if let violation = q.violation { throw ModelError.conflict(Keys.overlaps[0], violation) }
            self = .overlaps(q)
            return
        }
        if let key = Keys.overlaps.first(where: { point.isGiven($0) }) {
            throw ModelError.parameter(key, "is read by init: overlaps only")
        }
        if point.isGiven(Keys.initScale) {
            throw ModelError.parameter(
                Keys.initScale, "multiplies prescribed overlaps: give kappa0, nu0, ... with it (or leave it out)")
        }
    }

    /// The prescribed overlaps, or zero.
    var prescribed: Overlaps {
        switch self {
        case .overlaps(let q): q
        case .sphere, .manifold: Overlaps(0, 0, 0, 0, 0)
        }
    }
}

extension Parameters {
    /// A draw of k and v in the four-dimensional frame, with the law of the start in R^d: of a Gaussian vector, all
    /// components off the frame enter by their norm.
    func initialFrame(_ random: inout RandomStream) -> Frame {
        if case .overlaps(let q) = start { return Frame(q) }
        // theta, eta and rho come of these.
        func offManifold() -> Double { start == .sphere ? random.normal() : 0 }
        let k = SIMD4(random.normal(), offManifold(), random.chiSquare(Double(d - 2)).squareRoot(), 0)
        let v = SIMD4(offManifold(), random.normal(), offManifold(), random.chiSquare(Double(d - 3)).squareRoot())
        func unit(_ x: SIMD4<Double>) -> SIMD4<Double> { x / (x * x).sum().squareRoot() }
        return Frame(k: unit(k), v: unit(v))
    }

    /// A draw of k and v in R^d, the first two axes along k* and v*: the frame of ``initialFrame(_:)``, with its third
    /// and fourth vectors random in the d - 2 remaining dimensions.
    func initialVectors(_ random: inout RandomStream) -> (k: [Double], v: [Double]) {
        let frame = initialFrame(&random)
        var third = Array(repeating: 0.0, count: d)
        var fourth = third
        for i in 2..<d { third[i] = random.normal() }
        for i in 2..<d { fourth[i] = random.normal() }
        func normalise(_ x: inout [Double]) {
            let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for i in x.indices { x[i] /= norm }
        }
        normalise(&third)
        for _ in 0..<2 {
            // Twice, so that the two are orthogonal to rounding.
            let along = zip(third, fourth).reduce(0) { $0 + $1.0 * $1.1 }
            for i in 2..<d { fourth[i] -= along * third[i] }
            normalise(&fourth)
        }
        func vector(_ x: SIMD4<Double>) -> [Double] {
            (0..<d).map { $0 < 2 ? x[$0] : x[2] * third[$0] + x[3] * fourth[$0] }
        }
        return (vector(frame.k), vector(frame.v))
    }
}

/// The substreams of a task's random stream.
enum Streams {
    static let initial: UInt32 = 0
    static let tokens: UInt32 = 1
    static let scalars: UInt32 = 2
    static let bayes: UInt32 = 3
}
