import Foundation
import ModelKit
import Modeling

extension MultiIndexWeakRecovery {
    public func cost(of method: Method, _ parameters: Parameters, times: [Double]) -> Cost {
        let expected = Expected(parameters)
        let limit = min(times.last ?? .infinity, Double(parameters.maximumIterations))
        let (n, d, p) = (Double(parameters.n), Double(parameters.d), Double(parameters.p))
        switch method {
        case .amp:
            // Rows of the data come from memory when they are more than a cache holds.
            let entries = n * d * (0.12e-9 * p + 0.35e-9 * min(max(n * d / 3e6 - 1, 0), 1))
            let channel = parameters.link == .signProduct2 ? 25e-9 : parameters.link == .phaseParity ? 150e-9 : 600e-9
            // Fluctuations of one data set go on where something stays at 0, or is found exactly.
            let settles = parameters.link == .committee3 || parameters.link == .signProduct2 && expected.rest > 0
            let iterations = settles ? min(limit, 2 * expected.iterations) : limit
            let observation = Double(parameters.testSize) * p * 12e-9 + 0.5 * entries
            return Cost(
                seconds: 2e-9 * n * d + iterations * (entries + n * channel) + Double(times.count) * observation,
                bytes: Sensing.bytes(n: n, d: d, width: p) + 8 * (n * (3 * p + 2) + 6 * d * p))
        case .stateEvolution, .fixedPoint:
            let start = parameters.M0.max() ?? 0
            let (before, after) = (expected.points(start, start), expected.points(expected.first, expected.rest))
            let perPoint = parameters.link == .signProduct2 ? 7e-8 : parameters.link == .committee3 ? 5e-7 : 5.3e-6
            let points = min(limit, 1) * before + max(min(limit, expected.iterations) - 1, 0) * after
            // A point and its lanes: two times four numbers.
            return Cost(seconds: 5e-5 + perPoint * points, bytes: 0x1p20 + 64 * max(before, after))
        case .weakRecovery:
            switch parameters.link {
            // 160 terms, p(p + 1)/2 images of p x p matrices.
            case .sumOfSquares: return Cost(seconds: 5e-4 + 1e-7 * pow(p, 5), bytes: 0x1p20)
            case .phaseParity: return Cost(seconds: parameters.learnedOverlap == nil ? 30e-3 : 5e-4, bytes: 0x1p20)
            case .product: return Cost(seconds: 11e-3, bytes: 0x1p20)
            default: return Cost(seconds: 2e-4, bytes: 0x1p20)
            }
        }
    }
}

/// What state evolution will come to, roughly, for its cost.
private struct Expected {
    /// Overlaps at the end: of what is learned first, and of the rest (of all of sign_product2).
    let (first, rest): (Double, Double)
    /// Until the tolerance is reached: many near the threshold of what is learned last.
    let iterations: Double
    private let link: Link

    init(_ p: MultiIndexWeakRecovery.Parameters) {
        link = p.link
        let alpha = p.alpha * p.contrast * p.contrast
        let isEarly = link == .phaseParity && alpha < 1.4
        let threshold = link == .committee3 ? 5.018 : isEarly ? 0.575 : 2.467
        // Of the order of the fixed points in the tables of landmarks.
        rest = isEarly || alpha < threshold ? 0 : 1 - min(1, 6 / (alpha * alpha))
        first =
            link == .committee3 ? max(rest, 1 - min(1, 0.6 / alpha)) : link == .signProduct2 ? rest : isEarly ? 0 : 1
        let distance = log(alpha / threshold)
        let start = p.M0.max() ?? p.initScale * p.initScale
        let rate = max(abs(distance), 0.02)
        iterations =
            distance < 0
            ? max(5, log(start / p.tolerance) / rate) : (log(1 / p.tolerance) * (1 + rate) - log(start)) / rate
    }

    /// Points of the quadrature of a step at overlaps `first` and `rest`.
    func points(_ first: Double, _ rest: Double) -> Double {
        func step(_ value: Double) -> Double { FieldGrid.step(value, least: 1 - max(first, rest)) }
        switch link {
        case .committee3: return 1372 / (step(first) * step(rest) * step(rest))
        case .phaseParity:
            let axis = rest > 0 || first == 1 ? 7 / max(0.03, min(0.45, 0.5 * ((1 - rest) / rest).squareRoot())) : 1
            return 57 + 2 * axis * axis
        default: return 98 / (step(first) * step(rest))
        }
    }
}
