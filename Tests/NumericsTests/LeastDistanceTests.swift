import Foundation
import Numerics
import Randomness
import Testing

/// Random constraint features: `count` rows of length `d`, so the problem is feasible when count <= d.
private func features(_ count: Int, _ d: Int, seed: UInt64) -> [Double] {
    var stream = RandomStream(identity: TaskIdentity(high: 0x4C44, low: seed))
    return (0..<(count * d)).map { _ in stream.normal() }
}

private func gram(_ F: [Double], _ count: Int, _ d: Int) -> [Double] {
    (0..<(count * count)).map { at in
        (0..<d).reduce(0) { $0 + F[at / count * d + $1] * F[at % count * d + $1] }
    }
}

/// Another solver: dual coordinate ascent, lambda_k <- max(0, lambda_k + (h_k - (G lambda)_k)/G_kk).
private func coordinateAscent(_ G: [Double], _ h: [Double], sweeps: Int) -> [Double] {
    let count = h.count
    var lambda = Array(repeating: 0.0, count: count)
    var rest = h
    for _ in 0..<sweeps {
        for k in 0..<count where G[k * count + k] > 0 {
            let new = max(0, lambda[k] + rest[k] / G[k * count + k])
            let change = new - lambda[k]
            guard change != 0 else { continue }
            lambda[k] = new
            for l in 0..<count { rest[l] -= G[l * count + k] * change }
        }
    }
    return lambda
}

private func vector(_ F: [Double], _ lambda: [Double], _ d: Int) -> [Double] {
    (0..<d).map { a in lambda.indices.reduce(0) { $0 + lambda[$1] * F[$1 * d + a] } }
}

@Suite("Least distance programming")
struct LeastDistanceTests {
    @Test("small problems by hand")
    func byHand() throws {
        // 2 w >= 1.
        let one = try LeastDistance(gram: [4], targets: [1])
        #expect(one.isFeasible && abs(one.multipliers[0] - 0.25) < 1e-15 && abs(one.squaredNorm - 0.25) < 1e-15)
        // (1, 0).w >= 1 and (1, 1).w >= 0.5: w = (1, 0).
        let two = try LeastDistance(gram: [1, 1, 1, 2], targets: [1, 0.5])
        #expect(two.support == [0] && abs(two.multipliers[0] - 1) < 1e-15 && abs(two.slack[1] - 0.5) < 1e-15)
        // (1, 0).w >= 1 and (-1, 2).w >= 0: w = (1, 1/2).
        let relaxed = try LeastDistance(gram: [1, -1, -1, 5], targets: [1, 0])
        #expect(abs(relaxed.squaredNorm - 1.25) < 1e-14 && relaxed.residual < 1e-14)
        // Nothing asked: w = 0.
        #expect(try LeastDistance(gram: [1], targets: [0]).squaredNorm == 0)
        #expect(try LeastDistance(gram: [], targets: []).isFeasible)
    }

    @Test(
        "against dual coordinate ascent, and by the conditions of optimality",
        arguments: [(5, 8), (15, 20), (60, 64), (40, 45)])
    func againstAscent(count: Int, d: Int) throws {
        for seed in 0..<4 {
            let F = features(count, d, seed: UInt64(seed))
            let G = gram(F, count, d)
            let h = (0..<count).map { $0 % 3 == 2 ? 0.5 : 1.0 }
            let solution = try LeastDistance(gram: G, targets: h)
            #expect(solution.isFeasible && solution.residual < 1e-9)
            #expect(solution.multipliers.allSatisfy { $0 >= 0 })
            let ascent = coordinateAscent(G, h, sweeps: 100_000)
            let scale = ascent.max() ?? 0
            for k in 0..<count { #expect(abs(solution.multipliers[k] - ascent[k]) < 1e-6 * scale) }
        }
    }

    @Test("repeated, dependent and zero constraints: multipliers are not unique, w is")
    func dependent() throws {
        // More constraints than dimensions, made feasible: all have a positive component along the first axis.
        let (count, d) = (40, 6)
        for seed in 10..<20 {
            var F = features(count, d, seed: UInt64(seed))
            for k in 0..<count { F[k * d] = 1 + abs(F[k * d]) }
            for a in 0..<d { F[7 * d + a] = F[3 * d + a] }
            let G = gram(F, count, d)
            let h = Array(repeating: 1.0, count: count)
            let solution = try LeastDistance(gram: G, targets: h)
            #expect(solution.isFeasible && solution.residual < 1e-9 && solution.support.count <= d)
            let ascent = vector(F, coordinateAscent(G, h, sweeps: 30_000), d)
            for (x, y) in zip(vector(F, solution.multipliers, d), ascent) { #expect(abs(x - y) < 1e-7) }
            // The same problem with every constraint three times.
            let triple = F + F + F
            let again = try LeastDistance(gram: gram(triple, 3 * count, d), targets: h + h + h)
            #expect(abs(again.squaredNorm - solution.squaredNorm) < 1e-9 * solution.squaredNorm)
        }
    }

    @Test("infeasible problems are reported, not run after")
    func infeasible() throws {
        // x >= 1 and -x >= 1; then a zero feature that cannot reach 1.
        for G in [[1.0, -1, -1, 1], [1, 0, 0, 0]] {
            let solution = try LeastDistance(gram: G, targets: [1, 1])
            #expect(!solution.isFeasible && solution.squaredNorm == .infinity && solution.residual == .infinity)
            #expect(solution.multipliers == [0, 0] && solution.support == [])
        }
        let F = features(60, 5, seed: 3)
        #expect(!(try LeastDistance(gram: gram(F, 60, 5), targets: Array(repeating: 1, count: 60)).isFeasible))
        #expect(throws: QuadraticProgrammeError.notFinite) { try LeastDistance(gram: [.nan], targets: [1]) }
        #expect(throws: QuadraticProgrammeError.self) { try LeastDistance(gram: [1, 2], targets: [1]) }
    }

    @Test("non-negative least squares, one with dependent columns")
    func nonNegative() throws {
        let solution = try NonNegativeQuadratic(gram: [1, 0.5, 0.5, 1], [1, -1])
        #expect(solution.z == [1, 0] && solution.support == [0])
        let all = try NonNegativeQuadratic(gram: [2, 1, 1, 2], [3, 3])
        #expect(abs(all.z[0] - 1) < 1e-15 && abs(all.z[1] - 1) < 1e-15)
        // E = [[1, 2, 3], [0, 1, 1]], e = (-1, 2): unconstrained optimum leaves the positive cone.
        let E: [[Double]] = [[1, 0], [2, 1], [3, 1]]
        let e: [Double] = [-1, 2]
        func dot(_ x: [Double], _ y: [Double]) -> Double { x[0] * y[0] + x[1] * y[1] }
        let H = (0..<9).map { dot(E[$0 / 3], E[$0 % 3]) }
        let r = E.map { dot($0, e) }
        let z = try NonNegativeQuadratic(gram: H, r).z
        for k in 0..<3 {
            var gradient: Double = r[k]
            for l in 0..<3 { gradient -= H[k * 3 + l] * z[l] }
            #expect(z[k] >= 0 && gradient < 1e-13 && abs(z[k] * gradient) < 1e-13)
        }
    }
}

@Suite("LAPACK")
struct LAPACKTests {
    @Test func choleskyAndSolves() {
        let n = 7
        let F = features(n, 9, seed: 77)
        let a = gram(F, n, 9)
        var l = a
        #expect(LAPACK.cholesky(n, &l, leading: n) == nil)
        for i in 0..<n {
            for j in 0...i {
                let sum = (0...j).reduce(0.0) { $0 + l[i * n + $1] * l[j * n + $1] }
                #expect(abs(sum - a[i * n + j]) < 1e-13 * 20)
            }
        }
        let x = features(n, 1, seed: 78)
        var y = Array(repeating: 0.0, count: n)
        BLAS.symv(n, a, leading: n, x, &y)
        for i in 0..<n { #expect(abs(y[i] - (0..<n).reduce(0) { $0 + a[i * n + $1] * x[$1] }) < 1e-12) }
        BLAS.solveLower(.none, n, l, leading: n, &y)
        BLAS.solveLower(.transposed, n, l, leading: n, &y)
        for i in 0..<n { #expect(abs(y[i] - x[i]) < 1e-10) }
        var indefinite = [1.0, 0, 0, 2, 1, 0, 0, 0, 1]
        #expect(LAPACK.cholesky(3, &indefinite, leading: 3) == 1)
    }

    @Test func symmetricEigenvalues() throws {
        let n = 6
        let a = gram(features(n, n, seed: 5), n, n)
        let (values, vectors) = try LAPACK.symmetricEigen(n, a, vectors: true)
        #expect(values == values.sorted())
        for k in 0..<n {
            for i in 0..<n {
                let product = (0..<n).reduce(0.0) { $0 + a[i * n + $1] * vectors[k * n + $1] }
                #expect(abs(product - values[k] * vectors[k * n + i]) < 1e-12)
            }
        }
        let alone = try LAPACK.symmetricEigen(n, a).values
        for (x, y) in zip(alone, values) { #expect(abs(x - y) < 1e-12) }
        #expect(throws: LAPACKError.self) { try LAPACK.symmetricEigen(1, [.nan]) }
    }

    @Test func independentRowsOfASingularMatrix() {
        let (n, d) = (9, 4)
        var a = gram(features(n, d, seed: 6), n, d)
        #expect(Set(LAPACK.independentRows(n, &a, tolerance: 1e-10)).count == d)
    }

    @Test func rotations() {
        var x = [1.0, 9, 2, 9]
        var y = [3.0, 4]
        BLAS.rotate(2, &x, strideX: 2, &y, strideY: 1, c: 0.6, s: 0.8)
        #expect(abs(x[0] - 3) < 1e-15 && abs(x[2] - 4.4) < 1e-15 && x[1] == 9)
        #expect(abs(y[0] - 1) < 1e-15 && abs(y[1] - 0.8) < 1e-15)
    }
}
