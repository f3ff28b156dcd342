import Foundation
import ModelTesting
import Modeling
import Numerics
import SequenceSingleIndex
import Testing

private let scalarTargets = Target.allCases.filter { !$0.isMatrix }

private func jobValues(_ target: Target, L: Int) -> Given {
    var values: Given = [
        "d": .integer(30), "L": .integer(L), "step_size": .real(0.1), "target": .text(target.rawValue),
        "m0": .real(0.4),
        "omega": .real(0.3), "a": .real(0.8),
    ]
    if target == .hermite {
        values["hermite_terms"] = matrix([
            [4.0 / 3] + Array(repeating: 0, count: L), [1, 4] + Array(repeating: 0, count: L - 1),
            [0.5, 1, 3] + Array(repeating: 0, count: L - 2),
        ])
    }
    return values
}

@Suite("gradients against finite differences")
struct GradientTests {
    @Test("networks: D = d ell/d h for every activation, loss and scalar target", arguments: Activation.allCases)
    func network(activation: Activation) throws {
        var random = RandomStream(identity: TaskIdentity(high: 1, low: 7))
        for target in scalarTargets {
            for loss in ["square", "half_square"] {
                var values = jobValues(target, L: 3)
                values["activation"] = .text(activation.rawValue)
                values["loss"] = .text(loss)
                let parameters = try parameters(values)
                let reference = Reference(values, directions: 0, &random)
                parameters.withKernel { kernel in
                    for _ in 0..<20 {
                        let zStar = (0..<3).map { _ in random.normal() }
                        let h = random.normal() + 1e-3
                        let y = kernel.scalarTarget(zStar)
                        let expected = reference.signals(zStar, [h])[0]
                        let D = kernel.networkSignal(h: h, y: y)
                        #expect(abs(D - expected) < 1e-7 * (1 + abs(expected)), "\(target) \(loss)")
                        let ell = reference.loss(zStar, [h])
                        #expect(abs(kernel.networkLoss(h: h, y: y) - ell) < 1e-12 * (1 + ell), "\(target) \(loss)")
                    }
                }
            }
        }
        #expect(Activation.relu.derivative(0) == 0)
    }

    /// Attention outputs to check: L, target, loss and what selects the reduction.
    private static let attention: [(Int, Target, String, Given)] = {
        var cases: [(Int, Target, String, Given)] = [
            (2, .positionalSemantic, "half_square", [:]), (2, .positionalSemantic, "frobenius", [:]),
        ]
        for L in 2...4 {
            var rows: [[Double]] = []
            for i in 0..<L { rows.append((0..<L).map { Double((3 * i + 5 * $0) % 7) / 3 - 1 }) }
            let U = matrix(rows)
            let left = vector([0.6, 0.8] + Array(repeating: 0.0, count: L - 2))
            for loss in ["square", "half_square"] {
                cases.append((L, .inverseSqrtH2sum, loss, ["reduction": .text("trace")]))
                cases.append((L, .product2, loss, ["reduction": .text("projection"), "projection_left": left]))
                cases.append((L, .hermite, loss, ["U": U]))
            }
        }
        return cases
    }()

    @Test("attention: D_l = d ell/d z_l for every reduction, loss and length")
    func attention() throws {
        var random = RandomStream(identity: TaskIdentity(high: 1, low: 8))
        for (L, target, loss, more) in Self.attention {
            var values = jobValues(target, L: L).with(more)
            values["student"] = .text("attention")
            values["loss"] = .text(loss)
            let parameters = try parameters(values)
            let reference = Reference(values, directions: parameters.k, &random)
            parameters.withKernel { kernel in
                for _ in 0..<50 {
                    let zStar = (0..<L).map { _ in random.normal() }
                    let z = (0..<L).map { _ in 1.5 * random.normal() }
                    var D = Array(repeating: 0.0, count: L)
                    let ell = kernel.attentionSignals(zStar: zStar, z: z, D: &D)
                    let expected = reference.signals(zStar, z)
                    for l in 0..<L {
                        #expect(abs(D[l] - expected[l]) < 1e-7 * (1 + abs(expected[l])), "\(L) \(target) \(loss)")
                    }
                    #expect(abs(ell - reference.loss(zStar, z)) < 1e-12 * (1 + ell))
                    #expect(abs(ell - kernel.attentionLoss(zStar: zStar, z: z)) < 1e-12 * (1 + ell))
                }
            }
        }
    }

    @Test("the assembled gradient in R^d is the derivative of the loss in w")
    func assembled() throws {
        var random = RandomStream(identity: TaskIdentity(high: 1, low: 9))
        for (name, values) in cases {
            var values = values.with(["d": .integer(12)])
            if values["m0"] == nil { values["m0"] = .real(0.35) }
            let reference = Reference(values, directions: try encodingDirections(values), &random)
            for _ in 0..<3 {
                let X = reference.sample(&random)
                let slope = reference.gradient(X)
                let zStar = X.map { dot($0, reference.teacher) }
                for r in slope.indices {
                    for i in 0..<12 {
                        var (up, down) = (reference.w, reference.w)
                        up[r][i] += 1e-5
                        down[r][i] -= 1e-5
                        let expected =
                            (reference.loss(zStar, reference.fields(X, up))
                                - reference.loss(zStar, reference.fields(X, down))) / 2e-5
                        #expect(abs(slope[r][i] - expected) < 1e-7 * (1 + abs(expected)), "\(name)")
                    }
                }
            }
        }
    }

    @Test("landmark 19: rows of S sum to 1, so a constant U gives f = L U_11 and no gradient; z_i z_j may be huge")
    func constantReduction() throws {
        var values = jobValues(.sum, L: 3)
        values["student"] = .text("attention")
        values["U"] = matrix(Array(repeating: [0.7, 0.7, 0.7], count: 3))
        try parameters(values).withKernel { kernel in
            var random = RandomStream(identity: TaskIdentity(high: 1, low: 10))
            for scale in [1.0, 30, 1e4] {
                let z = (0..<3).map { _ in scale * random.normal() }
                let zStar = (0..<3).map { _ in random.normal() }
                var D = [1.0, 1, 1]
                let ell = kernel.attentionSignals(zStar: zStar, z: z, D: &D)
                let y = zStar.reduce(0, +)
                #expect(abs(ell - (2.1 - y) * (2.1 - y)) < 1e-12 * (1 + ell))
                for signal in D { #expect(abs(signal) < 1e-12 * scale) }
            }
        }
    }

    @Test("landmark 19: R(e, m) = R(-e, m) = R(e, -m) for the matrix model, both losses; risk at the origin")
    func symmetries() throws {
        for loss in ["half_square", "frobenius"] {
            var values = jobValues(.positionalSemantic, L: 2)
            values["student"] = .text("attention")
            values["loss"] = .text(loss)
            values["omega"] = .real(0.67)
            values["a"] = .real(1)
            let parameters = try parameters(values)
            let starts = [(0.3, 0.4), (-0.3, 0.4), (0.3, -0.4), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0)]
            var random = RandomStream(identity: TaskIdentity(high: 1, low: 11))
            var losses = Array(repeating: [Double](), count: starts.count)
            parameters.withKernel { kernel in
                for _ in 0..<200_000 {
                    let x = (0..<4).map { _ in random.normal() }
                    for (index, (e, m)) in starts.enumerated() {
                        let rest = max(0, 1 - m * m - e * e).squareRoot()
                        // Along the encoding: components of w off w* that are e of v; the sum is Gaussian.
                        let off = (rest * rest + e * e).squareRoot()
                        let z = [m * x[0] + off * x[2] + e, m * x[1] + off * x[3] - e]
                        losses[index].append(kernel.attentionLoss(zStar: [x[0], x[1]], z: z))
                    }
                }
            }
            let risks = losses.map(Moments.init)
            for other in risks[1...2] {
                #expect(
                    abs(risks[0].mean - other.mean)
                        < 4.5 * (risks[0].error * risks[0].error + other.error * other.error).squareRoot())
            }
            // Landmark 11.
            let expected =
                loss == "frobenius"
                ? [(0, 0.4590), (3, 0.4788)] : [(0, 0.122587), (3, 0.131752), (4, 0.0826822), (5, 0.1015513)]
            for (index, value) in expected {
                #expect(abs(risks[index].mean - value) < 4.5 * risks[index].error + 5e-5, "\(loss) \(starts[index])")
            }
        }
    }

    @Test("targets have the mean and second moment of table (2)")
    func targetMoments() throws {
        let L = 3
        let table: [(Target, Double)] = [
            (.sum, 3), (.inverseSqrtSum, 1), (.sqrtZ1, 3), (.difference2, 2), (.product2, 1), (.squareDifference2, 2),
            (.H2sum, 3), (.inverseSqrtH2sum, 1), (.H3sum, 1), (.sqrtDoubleStaircase, 9),
        ]
        var random = RandomStream(identity: TaskIdentity(high: 1, low: 12))
        for (target, second) in table {
            let parameters = try parameters(jobValues(target, L: L))
            var y: [Double] = []
            parameters.withKernel { kernel in
                for _ in 0..<100_000 {
                    let z = (0..<L).map { _ in random.normal() }
                    y.append(kernel.scalarTarget(z))
                    let expected = referenceTarget(target.rawValue, [], z)
                    if y.count < 100 { #expect(abs(y[y.count - 1] - expected) < 1e-12 * (1 + abs(expected))) }
                }
            }
            #expect(abs(Moments(y).mean) < 4.5 * Moments(y).error, "\(target)")
            let squares = Moments(y.map { $0 * $0 })
            #expect(abs(squares.mean - second) < 4.5 * squares.error, "\(target)")
        }
    }

    @Test("landmark 16: E|D|^2, V_m and V_e at the origin for both losses")
    func originNoise() throws {
        for (loss, expected) in [
            ("half_square", [0.02851, 0.04299, 0.06752]), ("frobenius", [0.14867, 0.17577, 0.36651]),
        ] {
            var values = jobValues(.positionalSemantic, L: 2)
            values["student"] = .text("attention")
            values["loss"] = .text(loss)
            values["omega"] = .real(0.67)
            values["a"] = .real(1)
            var random = RandomStream(identity: TaskIdentity(high: 1, low: 13))
            var samples: [[Double]] = [[], [], []]
            try parameters(values).withKernel { kernel in
                for _ in 0..<400_000 {
                    let x = (0..<4).map { _ in random.normal() }
                    var D = [0.0, 0]
                    _ = kernel.attentionSignals(zStar: [x[0], x[1]], z: [x[2], x[3]], D: &D)
                    let norm = D[0] * D[0] + D[1] * D[1]
                    let along = D[0] * x[0] + D[1] * x[1]
                    samples[0].append(norm)
                    samples[1].append(along * along)
                    samples[2].append((D[0] - D[1]) * (D[0] - D[1]) + norm)
                }
            }
            for (values, expected) in zip(samples, expected) {
                let found = Moments(values)
                #expect(abs(found.mean - expected) < 4.5 * found.error + 1e-5, "\(loss): \(found.mean) \(expected)")
            }
        }
    }
}
