import Foundation

/// Why a quadratic programme was not solved.
public enum QuadraticProgrammeError: Error, Sendable, Hashable, CustomStringConvertible {
    case sizes(String)
    case notFinite
    case notConverged(changes: Int)

    public var description: String {
        switch self {
        case .sizes(let what): "the sizes do not fit: \(what)"
        case .notFinite: "the matrix or vector holds numbers that are not finite"
        case .notConverged(let changes): "the active set did not settle within \(changes) changes"
        }
    }
}

/// argmin over z >= 0 of z^T H z / 2 - r.z, for H = E^T E positive semidefinite and r = E^T e: non-negative least squares
/// |E z - e| from its normal equations.
///
/// An active-set method after Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23), whose minimum over
/// the present set is exact and whose objective falls with every change, so it ends after finitely many. It starts from
/// all columns at once, without those whose coefficients are not positive, which is near the answer when most
/// are. Columns that depend on the set never have a gradient in exact arithmetic, so H may be singular.
public struct NonNegativeQuadratic: Sendable {
    /// The minimiser.
    public let z: [Double]
    /// Where z > 0, in no particular order.
    public let support: [Int]
    /// How many columns entered or left after the start.
    public let changes: Int

    /// - Parameters:
    ///   - gram: H, row-major, `r.count` squared elements; both triangles are read.
    ///   - tolerance: a column enters only if its gradient `r - H z` is above this times sqrt(H_kk).
    /// - Throws: ``QuadraticProgrammeError``.
    public init(gram H: [Double], _ r: [Double], tolerance: Double = 1e-13) throws {
        let count = r.count
        guard H.count == count * count else {
            throw QuadraticProgrammeError.sizes("\(H.count) matrix elements for \(count) columns")
        }
        guard r.allSatisfy(\.isFinite), H.allSatisfy(\.isFinite) else { throw QuadraticProgrammeError.notFinite }
        let scale = (0..<count).map { H[$0 * count + $0].squareRoot() }
        let pivotTolerance = 1e-13
        var set = UpdatedCholesky(capacity: count)
        var values = Self.start(H, r, &set, pivotTolerance: pivotTolerance)
        var z = Array(repeating: 0.0, count: count)
        var gradient = z
        var blocked = Array(repeating: false, count: count)
        var changes = 0
        let limit = 10 * count + 100
        for (member, value) in zip(set.members, values) { z[member] = value }
        while count > 0 {
            gradient = r
            BLAS.symv(count, alpha: -1, H, leading: count, z, beta: 1, &gradient)
            var isMember = Array(repeating: false, count: count)
            for member in set.members { isMember[member] = true }
            var best: (column: Int, gain: Double)?
            for k in 0..<count where !isMember[k] && !blocked[k] && scale[k] > 0 {
                let gain = gradient[k] / scale[k]
                if gain > tolerance && gain > best?.gain ?? 0 { best = (k, gain) }
            }
            guard let best else { break }
            changes += 1
            guard changes <= limit else { throw QuadraticProgrammeError.notConverged(changes: changes) }
            guard set.append(best.column, of: H, count: count, tolerance: pivotTolerance) else {
                blocked[best.column] = true
                continue
            }
            var entering: Int? = best.column
            while true {
                values = Self.minimiser(r, set)
                // A column that enters only by rounding would leave at once.
                if let column = entering, values[values.count - 1] <= 0 {
                    set.remove(at: values.count - 1)
                    blocked[column] = true
                    break
                }
                if entering != nil { blocked = Array(repeating: false, count: count) }
                entering = nil
                guard values.contains(where: { $0 <= 0 }) else {
                    for (member, value) in zip(set.members, values) { z[member] = value }
                    break
                }
                // As far towards the minimiser as all stay non-negative; what is zero there leaves.
                var (fraction, first) = (Double.infinity, 0)
                for (position, member) in set.members.enumerated() where values[position] <= 0 {
                    let reach = z[member] / (z[member] - values[position])
                    if reach < fraction { (fraction, first) = (reach, position) }
                }
                for (position, member) in set.members.enumerated().reversed() {
                    z[member] += fraction * (values[position] - z[member])
                    guard position == first || z[member] <= 0 else { continue }
                    z[member] = 0
                    set.remove(at: position)
                    changes += 1
                }
            }
        }
        self.z = z
        self.support = set.members
        self.changes = changes
    }

    private static func minimiser(_ r: [Double], _ set: UpdatedCholesky) -> [Double] {
        var values = set.members.map { r[$0] }
        set.solve(&values)
        return values
    }

    /// A set whose minimiser is positive, and that minimiser: all independent columns, less those that come out negative.
    private static func start(
        _ H: [Double], _ r: [Double], _ set: inout UpdatedCholesky, pivotTolerance: Double
    ) -> [Double] {
        let count = r.count
        var chosen = (0..<count).filter { H[$0 * count + $0] > 0 }
        while !chosen.isEmpty {
            if !set.factorise(H, count: count, members: chosen, tolerance: 1e3 * pivotTolerance) {
                var sub = [Double]()
                sub.reserveCapacity(chosen.count * chosen.count)
                for i in chosen { for j in chosen { sub.append(H[i * count + j]) } }
                let largest = chosen.map { H[$0 * count + $0] }.max() ?? 0
                let kept = LAPACK.independentRows(chosen.count, &sub, tolerance: 1e-10 * largest).map { chosen[$0] }
                guard kept.count < chosen.count else { break }
                chosen = kept.sorted()
                continue
            }
            let values = minimiser(r, set)
            guard values.contains(where: { $0 <= 0 }) else { return values }
            chosen = zip(chosen, values).filter { $0.1 > 0 }.map(\.0)
        }
        _ = set.factorise(H, count: count, members: [], tolerance: 0)
        return []
    }
}
