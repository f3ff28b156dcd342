import Foundation
import Synchronization

/// A signal whose best estimate from Gaussian noise of variance t has a known error mmse(t): what the state evolution of
/// a linear measurement of it needs.
public protocol DenoisingPrior: Sendable, Hashable {
    /// The error of the best estimate. mmse(t)/t must not increase with t.
    func mmse(_ t: Double) throws -> Double
    /// The limit of mmse(t)/t at t = 0.
    var initialSlope: Double { get }
}

extension DenoisingPrior {
    /// Noise below this is not told from none: mmse(t) is then ``initialSlope`` t, within 1e-13 of mmse(0) = 0.
    public static var smallestNoise: Double { 1e-9 }
}

/// The noise at which a state evolution stands still.
public enum DenoisingCrossing: Sendable, Hashable {
    /// At t, where the error is mmse(t).
    case at(t: Double, mmse: Double)
    /// Without noise: the signal is found exactly (or t is below ``DenoisingPrior/smallestNoise``).
    case zero
}

/// mmse(t) of one prior on a fixed grid of log t, each node computed when it is first needed.
///
/// The same table answers for all sample ratios and noise levels of a sweep: the solution t of a state evolution is
/// bracketed on the nodes, of which some ten are looked at, and refined in between with exact values. Nodes are
/// functions of the prior and their number alone, so no answer depends on what was asked before.
public final class DenoisingTable<Prior: DenoisingPrior>: Sendable {
    public let prior: Prior
    private let nodes = Mutex<[Int: Double]>([:])
    /// From the smallest noise to 1e15, 16 a decade.
    private static var count: Int { 16 * 24 }

    public init(_ prior: Prior) { self.prior = prior }

    private static func logNoise(_ node: Int) -> Double { log(Prior.smallestNoise) + Double(node) * log(10) / 16 }

    private static func noise(_ node: Int) -> Double { exp(logNoise(node)) }

    private func value(_ node: Int) throws -> Double {
        if let known = nodes.withLock({ $0[node] }) { return known }
        let value = try prior.mmse(Self.noise(node))
        nodes.withLock { $0[node] = value }
        return value
    }

    /// The t with `slope` t - `offset` = mmse(t), to a few 1e-14 of itself. There is one, because (mmse(t) + offset)/t
    /// decreases; it is 0 for offset 0 and slopes from ``DenoisingPrior/initialSlope`` on.
    ///
    /// - Precondition: `slope` > 0, `offset` >= 0.
    public func crossing(slope: Double, offset: Double) throws -> DenoisingCrossing {
        func excess(_ t: Double, _ mmse: Double) -> Double { slope - (mmse + offset) / t }
        // Closer to the slope at 0 than mmse is known.
        if offset == 0, slope >= prior.initialSlope * (1 - 1e-9) { return .zero }
        guard excess(Self.noise(0), try value(0)) < 0 else {
            // Below the first node mmse is linear in t.
            guard offset > 0, slope > prior.initialSlope else { return .zero }
            let t = offset / (slope - prior.initialSlope)
            return .at(t: t, mmse: slope * t - offset)
        }
        var (lower, upper) = (0, Self.count)
        while upper - lower > 1 {
            let middle = (lower + upper) / 2
            if excess(Self.noise(middle), try value(middle)) < 0 { lower = middle } else { upper = middle }
        }
        let t = exp(
            try rootBrent(from: Self.logNoise(lower), to: Self.logNoise(upper), tolerance: 1e-14) { logT in
                let t = exp(logT)
                return excess(t, try prior.mmse(t))
            })
        return .at(t: t, mmse: try prior.mmse(t))
    }
}

/// The tables of the priors in use, shared by all tasks of a process.
public final class DenoisingTables<Prior: DenoisingPrior>: Sendable {
    private let tables = Mutex<[Prior: DenoisingTable<Prior>]>([:])

    public init() {}

    /// The table of `prior`. After 256 priors all are forgotten, and made again when they are needed.
    public func table(_ prior: Prior) -> DenoisingTable<Prior> {
        tables.withLock { tables in
            if let known = tables[prior] { return known }
            if tables.count >= 256 { tables.removeAll() }
            let table = DenoisingTable(prior)
            tables[prior] = table
            return table
        }
    }
}

extension RectangularPrior { public static let tables = DenoisingTables<RectangularPrior>() }
extension WishartPrior { public static let tables = DenoisingTables<WishartPrior>() }
