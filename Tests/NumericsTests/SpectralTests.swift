import Foundation
import Numerics
import Randomness
import Testing

/// Whether `value` is within `tolerance` of `expected`.
private func close(_ value: Double, _ expected: Double, _ tolerance: Double) -> Bool {
    abs(value - expected) <= tolerance
}

@Suite struct PolynomialRootsTests {
    /// The coefficients of the polynomial with these roots.
    private func polynomial(_ roots: [Complex]) -> [Complex] {
        var a = [Complex(1)]
        for root in roots {
            var next = Array(repeating: Complex(0), count: a.count + 1)
            for (i, c) in a.enumerated() {
                next[i + 1] = next[i + 1] + c
                next[i] = next[i] - c * root
            }
            a = next
        }
        return a
    }

    /// The largest distance of a root, relative to its size, from the nearest that was found.
    private func error(_ roots: [Complex]) -> Double {
        let found = PolynomialRoots.roots(polynomial(roots))
        guard found.count == roots.count else { return .infinity }
        return roots.map { root in found.map { ($0 - root).magnitude }.min()! / max(root.magnitude, 1e-300) }.max()!
    }

    @Test func simpleRoots() {
        #expect(error([Complex(1), Complex(-2), Complex(3, 1), Complex(3, -1)]) < 1e-14)
        #expect(error([Complex(0.5), Complex(2), Complex(-7), Complex(11), Complex(0, 5)]) < 1e-13)
    }

    @Test func rootsOfVeryDifferentSizes() {
        #expect(error([Complex(1e-9), Complex(2e-9, 1e-9), Complex(1), Complex(3e8), Complex(-1e12)]) < 1e-13)
    }

    @Test func randomRoots() {
        var random = RandomStream(identity: TaskIdentity(high: 0x5BEC, low: 1))
        for _ in 0..<300 {
            let degree = 1 + Int(random.uniform() * 7.999)
            let roots = (0..<degree).map { _ in
                let size = exp(4 * random.normal())
                return Complex(size * random.normal(), size * random.normal())
            }
            #expect(error(roots) < 1e-9)
        }
    }

    @Test func multipleAndVanishingRoots() {
        #expect(error([Complex(2), Complex(2), Complex(-1)]) < 1e-7)
        let roots = PolynomialRoots.roots([0, 0, -6.0, 3, 0, 0])
        #expect(roots.count == 3)
        #expect(roots.contains { ($0 - Complex(2)).magnitude < 1e-15 })
        #expect(roots.filter { $0 == Complex(0) }.count == 2)
        #expect(PolynomialRoots.roots([3.0]).isEmpty)
        #expect(PolynomialRoots.roots([Double]()).isEmpty)
        #expect(PolynomialRoots.roots([0.0, 0]).isEmpty)
        // A pure power has one circle of roots.
        let circle = PolynomialRoots.roots([-16.0, 0, 0, 0, 1])
        #expect(circle.allSatisfy { close($0.magnitude, 2, 1e-14) })
    }
}

@Suite struct RectangularSpectrumTests {
    private func spectrum(_ beta: Double, _ rho: Double, _ t: Double) -> RectangularSpectrum {
        RectangularSpectrum(RectangularPrior(beta: beta, rho: rho), noise: t)
    }

    /// Landmark 1 of docs/models/bilinear-sequence-regression.md.
    @Test(arguments: [
        (1, 0.5, 0.3, 0.186291762), (2, 0.5, 0.1, 0.059598519), (2, 1, 0.5, 0.300911202), (5, 0.2, 0.01, 0.002315851),
    ])
    func errors(beta: Double, rho: Double, t: Double, expected: Double) throws {
        #expect(close(try RectangularPrior(beta: beta, rho: rho).mmse(t), expected, 1e-9))
    }

    /// Landmark 2.
    @Test func cubeIntegralsAndEdges() throws {
        #expect(close(try spectrum(1, 0.5, 0.3).cubeIntegral(), 0.0960087776, 2e-10))
        #expect(close(try spectrum(2, 0.5, 0.1).cubeIntegral(), 0.4039906183, 2e-10))
        #expect(close(try spectrum(5, 0.2, 0.01).cubeIntegral(), 24.32015203, 2e-8))
        func check(_ s: RectangularSpectrum, _ edges: [Double], _ tolerance: Double) {
            let found = s.bulks.flatMap { [$0.lowerBound, $0.upperBound] }
            #expect(found.count == edges.count && zip(found, edges).allSatisfy { close($0, $1, tolerance) }, "\(found)")
        }
        check(spectrum(2, 0.5, 0.1), [0.0130024645954, 0.179244937101, 0.204885921521, 7.691766049016], 2e-12)
        check(spectrum(1, 0.5, 0.3), [0, 9.667198395119], 2e-12)
        check(spectrum(5, 0.2, 0.01), [0.003361283, 0.019036381, 1.403696033, 11.345482045], 1e-9)
    }

    static let grid: [(Double, Double)] = [1, 1.01, 2, 10, 1e3].flatMap { beta in
        [0.005, 0.1, 0.5, 1, 3, 1e3].map { (beta, $0) }
    }

    /// The moments that are known check every integral, from the smallest noise on; mmse(t)/t decreases from its slope at
    /// 0 (relative deviation at most sqrt t), and at large t mmse = t/(1 + t) up to
    /// beta/(rho^2 t^3).
    @Test(arguments: grid) func errorsAreResolvedAndMonotone(beta: Double, rho: Double) throws {
        let prior = RectangularPrior(beta: beta, rho: rho)
        var last = prior.initialSlope * (1 + 1e-8)
        for power in stride(from: -9.0, through: 9.0, by: 0.25) {
            let t = pow(10, power)
            let slope = try prior.mmse(t) / t
            #expect(slope <= last * (1 + 1e-8), "t = \(t)")
            if power < -3 { #expect(slope > prior.initialSlope * (1 - 1.1 * t.squareRoot()), "t = \(t)") }
            if power > 4.5 {
                let allowed = 3 * max(1, beta / (rho * rho)) / (t * t * t) + 1e-10
                #expect(close(slope * t, t / (1 + t), allowed), "t = \(t)")
            }
            last = slope
        }
        #expect(try prior.mmse(0) == 0)
    }

    /// Both forms of the error, that for little and that for much noise, on either side of where they take turns.
    @Test(arguments: grid) func bothFormsAgree(beta: Double, rho: Double) throws {
        let prior = RectangularPrior(beta: beta, rho: rho)
        let (below, above) = (try prior.mmse(1 - 1e-9), try prior.mmse(1 + 1e-9))
        #expect(close(below, above, 1e-8), "\(below) \(above)")
    }

    @Test func limitOfHighRank() throws {
        for beta in [1.0, 3] {
            for t in [1e-3, 0.3, 2, 50, 1e4] {
                #expect(close(try RectangularPrior(beta: beta, rho: 1e7).mmse(t), t / (1 + t), 2e-7))
            }
        }
    }

    /// Low rank: x = beta/(rho t), error 1 - (x^2 - beta)^2/(x^2 (x+1)(x+beta)).
    @Test func limitOfLowRank() throws {
        for x in [4.0, 10] {
            let (beta, rho) = (2.0, 1e-4)
            let y = x * x - beta
            let expected = 1 - y * y / (x * x * (x + 1) * (x + beta))
            #expect(close(try RectangularPrior(beta: beta, rho: rho).mmse(beta / (rho * x)), expected, 2e-3))
        }
    }

    @Test func limitOfLongSequences() throws {
        for (rho, t) in [(0.5, 0.2), (2, 1.3)] {
            let w = RectangularPrior.transform(rho: rho, at: t)
            #expect(close(try RectangularPrior(beta: 1e7, rho: rho).mmse(t), t - t * t * w, 1e-6))
            // w is the mean of 1/(x + t) over the Marchenko-Pastur law: it solves its equation.
            #expect(close(t / rho * w * w + (1 + t - 1 / rho) * w, 1, 1e-13))
        }
    }

    /// What a sampled matrix knows: eigenvalues have the density's distribution, and the overlaps of its singular vectors with
    /// S give the error without any theory of the denoiser (landmark 9).
    @Test(arguments: [(300, 300, 60, 0.3), (200, 400, 100, 0.1), (240, 480, 300, 0.8)])
    func sampledMatrices(m: Int, M: Int, r: Int, t: Double) throws {
        var random = RandomStream(identity: TaskIdentity(high: 0x5BEC, low: UInt64(m + M)))
        var (U, V) = (Array(repeating: 0.0, count: m * r), Array(repeating: 0.0, count: r * M))
        U.withUnsafeMutableBufferPointer { random.fillNormal($0) }
        V.withUnsafeMutableBufferPointer { random.fillNormal($0) }
        var S = Array(repeating: 0.0, count: m * M)
        BLAS.gemm(
            m: m, n: M, k: r, alpha: 1 / Double(r).squareRoot(), U, leadingA: r, V, leadingB: M, &S, leadingC: M)
        let Y = S.map { $0 + t.squareRoot() * random.normal() }
        let p = Double(m * M)
        let prior = RectangularPrior(beta: Double(M) / Double(m), rho: Double(r) / Double(m))
        let mmse = try prior.mmse(t)

        var svd = SingularValues(rows: m, columns: M)
        try svd.decompose(Y)
        let norm = S.reduce(0) { $0 + $1 * $1 }
        var (known, found) = (0.0, 0.0)
        let spectrum = RectangularSpectrum(prior, noise: t)
        for k in 0..<m {
            var uSv = 0.0
            for i in 0..<m {
                var row = 0.0
                for j in 0..<M { row += S[i * M + j] * svd.right[k * M + j] }
                uSv += svd.left[i * m + k] * row
            }
            known += uSv * uSv
            let sigma = svd.values[k]
            found += pow(uSv - sigma * spectrum.shrinkage(lambda: sigma * sigma / Double(M)), 2)
        }
        // The signal's norm fluctuates by a few per cent; errors are of what is left.
        #expect(close((norm - known) / p, mmse, 0.015 * mmse))
        // The shrinkage is nearly the best factor of each singular value.
        #expect(found / p < 0.01 * mmse)

        var denoiser = RectangularDenoiser(rows: m, columns: M, rank: r)
        var estimate = Y
        try estimate.withUnsafeMutableBufferPointer {
            try denoiser.denoise(UnsafePointer($0.baseAddress!), noise: t, into: $0.baseAddress!)
        }
        let error = zip(estimate, S).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / p
        #expect(close(error, mmse, 0.025 * mmse), "\(error) \(mmse)")

        // Eigenvalues lie in the bulks, each with its mass.
        let eigenvalues = svd.values.map { $0 * $0 / Double(M) }
        for bulk in spectrum.bulks {
            let rule = GaussLegendre(count: 400, from: 0, to: .pi)
            let half = 0.5 * (bulk.upperBound - bulk.lowerBound)
            let mass = zip(rule.nodes, rule.weights).reduce(0) { sum, node in
                let lambda = bulk.lowerBound + half * (1 - cos(node.0))
                return sum + node.1 * half * sin(node.0) * spectrum.density(lambda: lambda)
            }
            let margin = 0.1 * (bulk.upperBound - bulk.lowerBound)
            let inside = eigenvalues.filter { $0 > bulk.lowerBound - margin && $0 < bulk.upperBound + margin }
            if spectrum.bulks.count == 1 {
                #expect(inside.count == m)
                #expect(close(mass, 1, 1e-3))
            }
        }
    }

    /// Outside of the bulk the shrinkage goes on from its value at the edge.
    @Test func shrinkageIsContinuousAtTheEdges() {
        for s in [spectrum(2, 0.5, 0.1), spectrum(1, 0.5, 0.3), spectrum(1, 2, 4)] {
            for bulk in s.bulks {
                let width = bulk.upperBound - bulk.lowerBound
                let at = s.shrinkage(lambda: bulk.upperBound - 1e-9 * width)
                #expect(close(s.shrinkage(lambda: bulk.upperBound * (1 + 1e-7)), at, 0.02))
                #expect(s.density(lambda: bulk.upperBound * (1 + 1e-6)) == 0)
                if bulk.lowerBound > 0 {
                    let below = s.shrinkage(lambda: bulk.lowerBound + 1e-9 * width)
                    #expect(close(s.shrinkage(lambda: bulk.lowerBound * (1 - 1e-7)), below, 0.02))
                }
            }
        }
    }

    /// The form of the shrinkage that has no cancellation is 1 + t ((1-c)/lambda + 2 Re nu).
    @Test func bothFormsOfTheShrinkageAgree() {
        for (beta, rho, t) in [(1.0, 0.5, 0.3), (2, 0.5, 0.1), (5, 0.2, 0.01), (2, 3, 7)] {
            let s = spectrum(beta, rho, t)
            for bulk in s.bulks {
                let lambda = 0.3 * bulk.lowerBound + 0.7 * bulk.upperBound
                guard let root = s.root(lambda: lambda) else {
                    Issue.record("no root")
                    continue
                }
                let Q = 1 + (1 / rho) * root
                let P = 1 + (1 / rho - 1) * root - t * (root * Q)
                let nu = root * Q / P
                #expect(close(s.shrinkage(lambda: lambda), 1 + t * ((1 - 1 / beta) / lambda + 2 * nu.real), 1e-12))
                #expect(close(s.density(lambda: lambda), beta * nu.imaginary / .pi, 1e-12))
            }
        }
    }
}

@Suite struct SymmetricSpectrumTests {
    private func spectrum(_ kappa: Double, _ t: Double) -> SymmetricSpectrum {
        SymmetricSpectrum(WishartPrior(kappa: kappa), noise: t)
    }

    /// Landmarks 1 and 2 of docs/models/extensive-width-quadratic.md.
    @Test func errorsAndCubeIntegrals() throws {
        for (kappa, t, expected) in [
            (0.5, 0.3, 0.095008063), (2, 0.2, 0.265247613), (1, 0.5, 0.287807102), (0.1, 0.05, 0.000949694),
            (0.5, 0.01, 0.003730985),
        ] { #expect(close(kappa * (try WishartPrior(kappa: kappa).mmse(t)), expected, 1e-9)) }
        for (kappa, t, expected) in [
            (0.5, 0.3, 0.092864136), (2, 0.2, 0.127999419), (0.1, 0.05, 1.231145271), (0.5, 0.01, 1.928671753),
        ] { #expect(close(try spectrum(kappa, t).cubeIntegral(), expected, 2e-9)) }
        let t = 1e6
        #expect(close(try spectrum(1, t).cubeIntegral() * t, 3 / (4 * .pi * .pi), 1e-5))
    }

    /// Landmark 3.
    @Test func edges() {
        for (s, edges) in [
            (spectrum(0.5, 0.3), [-0.866249951, 5.916060410]),
            (spectrum(0.5, 0.01), [-0.145833117, 0.135503777, 0.188973544, 5.831355797]),
            (spectrum(0.1, 0.05), [-0.424805481, 0.423693531, 4.682757961, 17.328353989]),
        ] {
            let found = s.bulks.flatMap { [$0.lowerBound, $0.upperBound] }
            #expect(found.count == edges.count && zip(found, edges).allSatisfy { close($0, $1, 1e-9) }, "\(found)")
        }
    }

    @Test(arguments: [0.005, 0.1, 0.5, 0.99, 1, 2, 100, 1e4]) func errorsAreResolvedAndMonotone(kappa: Double) throws {
        let prior = WishartPrior(kappa: kappa)
        var last = prior.initialSlope * (1 + 1e-8)
        for power in stride(from: -9.0, through: 9.0, by: 0.25) {
            let t = pow(10, power)
            let slope = try prior.mmse(t) / t
            #expect(slope <= last * (1 + 1e-8), "t = \(t)")
            if power < -3, t * kappa < 1e-3 {
                #expect(slope > prior.initialSlope * (1 - 2 * (t * max(kappa, 1)).squareRoot()), "t = \(t)")
            }
            let tau = kappa * t
            if tau > 1e5 { #expect(close(kappa * slope * t, 1 - 1 / tau, 100 / (min(1, kappa) * tau * tau) + 1e-11)) }
            last = slope
        }
        let turn = 1 / kappa
        #expect(close(kappa * (try prior.mmse(turn * (1 - 1e-9))), kappa * (try prior.mmse(turn * (1 + 1e-9))), 1e-8))
    }

    /// Wide networks: a shifted GOE, R = tau/(1 + tau); narrow ones: R = 1 - (1 - tau)^2 with tau = kappa^2 t < 1.
    @Test func limits() throws {
        for tau in [0.1, 1, 20] {
            #expect(close(1e6 * (try WishartPrior(kappa: 1e6).mmse(tau * 1e-6)), tau / (1 + tau), 1e-4))
        }
        let kappa = 1e-4
        for tau in [0.2, 0.6] {
            let R = kappa * (try WishartPrior(kappa: kappa).mmse(tau / (kappa * kappa)))
            #expect(close(R, 1 - (1 - tau) * (1 - tau), 5e-3))
        }
    }

    /// Landmark 8: the overlaps of a sampled matrix's eigenvectors with S, and the denoiser.
    @Test(arguments: [(400, 200, 0.3), (300, 300, 0.5), (300, 60, 0.05)]) func sampledMatrices(
        d: Int, m: Int, t: Double
    ) throws {
        var random = RandomStream(identity: TaskIdentity(high: 0x5BED, low: UInt64(d + m)))
        var W = Array(repeating: 0.0, count: m * d)
        W.withUnsafeMutableBufferPointer { random.fillNormal($0) }
        var S = Array(repeating: 0.0, count: d * d)
        BLAS.gemm(
            .transposed, .none, m: d, n: d, k: m, alpha: 1 / Double(m), W, leadingA: d, W, leadingB: d, &S, leadingC: d)
        var Y = S
        for i in 0..<d {
            for j in 0...i {
                let noise = (t / Double(d)).squareRoot() * random.normal()
                Y[i * d + j] += i == j ? 2.0.squareRoot() * noise : noise
                if i != j { Y[j * d + i] = Y[i * d + j] }
            }
        }
        let prior = WishartPrior(kappa: Double(m) / Double(d))
        let mmse = try prior.mmse(t)
        let (values, vectors) = try LAPACK.symmetricEigen(d, Y, vectors: true)
        let spectrum = SymmetricSpectrum(prior, noise: t)
        var (known, off) = (0.0, 0.0)
        for k in 0..<d {
            var oSo = 0.0
            for i in 0..<d {
                var row = 0.0
                for j in 0..<d { row += S[i * d + j] * vectors[k * d + j] }
                oSo += vectors[k * d + i] * row
            }
            known += oSo * oSo
            off += pow(oSo - spectrum.denoised(values[k]), 2)
        }
        let norm = S.reduce(0) { $0 + $1 * $1 }
        #expect(close((norm - known) / Double(d), mmse, 0.02 * mmse), "\((norm - known) / Double(d)) \(mmse)")
        #expect(off / Double(d) < 0.02 * mmse, "\(off / Double(d))")
        let estimate = try SymmetricDenoiser(dimension: d, width: m).denoise(Y, noise: t)
        let error = zip(estimate, S).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(d)
        #expect(close(error, mmse, 0.03 * mmse), "\(error) \(mmse)")
        // An outlier is kept by one rule and bounded by the other.
        var spiked = Y
        spiked[0] += 50
        let ends = (spectrum.bulks.first!.lowerBound, spectrum.bulks.last!.upperBound)
        for (outliers, isBounded) in [(SymmetricDenoiser.Outliers.edge, true), (.branch, false)] {
            let denoiser = SymmetricDenoiser(dimension: d, width: m, outliers: outliers)
            let top = try LAPACK.symmetricEigen(d, denoiser.denoise(spiked, noise: t)).values.last!
            #expect(isBounded ? top < ends.1 : top > 40)
            let plain = zip(try denoiser.denoise(Y, noise: t), estimate).reduce(0) { $0 + pow($1.0 - $1.1, 2) }
            #expect(plain / Double(d) < 0.01 * mmse)
        }
        #expect(values.first! > spectrum.bulks.first!.lowerBound - 0.1)
        #expect(values.last! < spectrum.bulks.last!.upperBound * 1.1)
    }
}

@Suite struct DenoisingTableTests {
    @Test func crossingsSolveTheirEquation() throws {
        let prior = RectangularPrior(beta: 2, rho: 0.5)
        let table = DenoisingTable(prior)
        for (slope, offset) in [(0.45, 0.0), (0.3, 0.1), (1.7, 0.5), (1e-4, 0), (1e-4, 3), (5, 1e-12), (0.6249, 0)] {
            guard case .at(let t, let mmse) = try table.crossing(slope: slope, offset: offset) else {
                Issue.record("none for \(slope), \(offset)")
                continue
            }
            #expect(close(slope * t - offset, try prior.mmse(t), 1e-11 * max(1, t)))
            #expect(close(mmse, try prior.mmse(t), 1e-12))
            // Another table, asked for this alone, gives the same bits.
            #expect(
                try DenoisingTable(prior).crossing(slope: slope, offset: offset) == .at(t: t, mmse: mmse))
        }
        // From the slope at 0 on, nothing is left; and between, what is left is below the smallest noise.
        #expect(try table.crossing(slope: 0.625, offset: 0) == .zero)
        #expect(try table.crossing(slope: 2, offset: 0) == .zero)
        // At and around the very slope, for priors whose slope has rounding errors.
        for rho in [0.1, 0.2, 0.3, 0.7, 1, 2] {
            let table = DenoisingTable(RectangularPrior(beta: 1, rho: rho))
            for change in [-1e-4, -1e-7, -1e-10, 0, 1e-16, 1e-9] {
                let slope = table.prior.initialSlope * (1 + change)
                if case .at(_, let mmse) = try table.crossing(slope: slope, offset: 0) {
                    #expect(mmse < 1e-3 && change < 0)
                }
            }
        }
    }

    @Test func tablesAreShared() {
        let tables = DenoisingTables<WishartPrior>()
        let first = tables.table(WishartPrior(kappa: 0.5))
        #expect(first === tables.table(WishartPrior(kappa: 0.5)))
        #expect(first !== tables.table(WishartPrior(kappa: 0.6)))
    }
}

@Suite struct SingularValuesTests {
    @Test(arguments: [(1, 1), (3, 3), (5, 17), (40, 64)]) func rebuildsTheMatrix(m: Int, M: Int) throws {
        var random = RandomStream(identity: TaskIdentity(high: 0x5BEE, low: UInt64(m)))
        let A = (0..<m * M).map { _ in random.normal() }
        var svd = SingularValues(rows: m, columns: M)
        try svd.decompose(A)
        for i in 0..<m {
            for j in 0..<M {
                let sum = (0..<m).reduce(0) {
                    $0 + svd.left[i * m + $1] * svd.values[$1] * svd.right[$1 * M + j]
                }
                #expect(close(sum, A[i * M + j], 1e-12))
            }
        }
        #expect(zip(svd.values, svd.values.dropFirst()).allSatisfy { $0 >= $1 && $1 >= 0 })
    }

    @Test func numbersThatAreNotFinite() {
        var svd = SingularValues(rows: 2, columns: 2)
        #expect(throws: LAPACKError.self) { try svd.decompose([1, .nan, 0, 1]) }
    }
}
