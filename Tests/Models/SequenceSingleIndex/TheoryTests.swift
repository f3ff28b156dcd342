import Foundation
import ModelTesting
import Modeling
import Numerics
import SequenceSingleIndex
import Testing

/// The averages behind `ode` against finite differences and against direct sampling of the model's own sample kernel.
@Suite struct TheoryTests {
    /// A running mean with its standard error.
    private struct Mean {
        var sum = 0.0
        var square = 0.0
        var count = 0.0

        mutating func add(_ x: Double) {
            sum += x
            square += x * x
            count += 1
        }

        var value: Double { sum / count }
        var error: Double { (max(square / count - value * value, 0) / count).squareRoot() }

        func agrees(with exact: Double) -> Bool { abs(value - exact) < 5 * error + 1e-12 }
    }

    static let scalarTargets = Target.allCases.filter { !$0.isMatrix && $0 != .hermite }

    private func network(
        _ target: String, _ activation: String, student: String, L: Int = 3, loss: String = "square",
        norm: String = "global"
    ) throws -> NetworkTheory {
        NetworkTheory(
            try parameters([
                "d": .integer(1000), "L": .integer(L), "student": .text(student), "target": .text(target),
                "activation": .text(activation), "step_size": .real(0.7), "m0": .real(0.1), "loss": .text(loss),
                "norm_mode": .text(norm),
            ]))
    }

    @Test(arguments: scalarTargets, Activation.allCases)
    func networkRiskGradientIsTheDerivativeOfTheRisk(target: Target, activation: Activation) throws {
        for (student, m) in [("tied", [0.37]), ("untied", [0.37, -0.62, 0.55])] {
            let theory = try network(target.rawValue, activation.rawValue, student: student)
            let gradient = theory.riskGradient(m)
            for l in m.indices {
                let h = 1e-4
                var (up, down) = (m, m)
                up[l] += h
                down[l] -= h
                let difference = (theory.meanSquaredError(up) - theory.meanSquaredError(down)) / (2 * h)
                #expect(abs(difference - gradient[l]) < 2e-7 * (1 + abs(gradient[l])))
            }
        }
    }

    @Test(arguments: scalarTargets, ["relu", "tanh", "square"])
    func networkDriftIsTheMeanOfTheUpdate(target: Target, activation: String) throws {
        // Both students at once: the tied one at m, the untied one at m_l, each with half_square to see c.
        let L = 3
        let rootL = Double(L).squareRoot()
        for (student, m) in [("tied", [0.6]), ("untied", [0.5, -0.4, 0.7])] {
            let theory = try network(target.rawValue, activation, student: student, L: L, loss: "half_square")
            let gamma = theory.parameters.gamma
            let a = student == "tied" ? Array(repeating: m[0] / rootL, count: L) : m.map { $0 / rootL }
            let rest = (1 - a.reduce(0) { $0 + $1 * $1 }).squareRoot()
            var stream = RandomStream(identity: TaskIdentity(high: 7, low: UInt64(target.rawValue.count)))
            var z = [Double](repeating: 0, count: L + 1)
            var (risk, power) = (Mean(), Mean())
            var pull = [Mean](repeating: Mean(), count: m.count)
            theory.parameters.withKernel { kernel in
                for _ in 0..<100_000 {
                    z.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
                    var h = rest * z[L]
                    for l in 0..<L { h += a[l] * z[l] }
                    let y = z.withUnsafeBufferPointer { $0.baseAddress.map(kernel.scalarTarget) ?? .nan }
                    let D = kernel.networkSignal(h: h, y: y)
                    risk.add(kernel.networkLoss(h: h, y: y))
                    power.add(D * D)
                    if student == "tied" {
                        let hs = (z[0] + z[1] + z[2]) / rootL
                        pull[0].add(-gamma * D * (hs - m[0] * h))
                    } else {
                        for l in 0..<L { pull[l].add(-gamma * D * (z[l] / rootL - m[l] * h / Double(L))) }
                    }
                }
            }
            #expect(risk.agrees(with: 0.5 * theory.meanSquaredError(m)))
            #expect(power.agrees(with: theory.squaredSignal(m)))
            let inhibition = 0.5 * gamma * gamma * theory.squaredSignal(m) / (student == "tied" ? 1 : Double(L))
            for (l, drift) in theory.drift(m).enumerated() {
                #expect(pull[l].agrees(with: drift + inhibition * m[l]))
            }
        }
    }

    @Test func perTokenNormDiffersFromGlobalOnlyInTheRadialPart() throws {
        let m = [0.5, -0.4, 0.7]
        let global = try network("sqrtz1", "relu", student: "untied")
        let rows = try network("sqrtz1", "relu", student: "untied", norm: "per_token")
        let g = global.riskGradient(m)
        let radial = zip(m, g).reduce(0) { $0 + $1.0 * $1.1 }
        for l in m.indices {
            let expected = -0.7 * (m[l] / 3 * radial - m[l] * m[l] * g[l])
            #expect(abs(global.drift(m)[l] - rows.drift(m)[l] + expected) < 1e-12)
        }
    }

    // MARK: Attention

    private static let attentionCases: [(name: String, values: Given, state: [Double])] = [
        (
            "matrix half_square",
            ["L": .integer(2), "target": .text("positional_semantic"), "omega": .real(0.67)], [0.4, 0.3]
        ),
        (
            "matrix frobenius",
            [
                "L": .integer(2), "target": .text("positional_semantic"), "omega": .real(0.5), "a": .real(0.8),
                "loss": .text("frobenius"),
            ], [0.4, 0.3]
        ),
        (
            "matrix, orthonormal",
            [
                "L": .integer(2), "target": .text("positional_semantic"), "omega": .real(0.3),
                "encoding": .text("orthonormal"),
            ], [-0.5, 0.3, 0.4]
        ),
        ("trace", ["L": .integer(2), "target": .text("H2sum"), "encoding": .text("paired")], [0.5, 0.4]),
        (
            "projection",
            [
                "L": .integer(3), "target": .text("sqrtdouble_staircase"), "reduction": .text("projection"),
                "projection_left": vector([0.6, 0.8, 0]), "projection_right": vector([0, 0.6, -0.8]),
                "loss": .text("half_square"), "encoding": .text("orthonormal"),
            ], [0.3, 0.2, -0.4, 0.1]
        ),
        (
            "explicit, sampled",
            [
                "L": .integer(4), "target": .text("2product"),
                "U": matrix([[1, 0, 0.2, 0], [0, -1, 0, 0.5], [0.3, 0, 0.1, 0], [0, 1, 0, 0.7]]),
                "encoding_matrix": matrix([[1, 0], [0.6, 0.8], [0, 1], [0, 0]]),
            ], [0.5, 0.3, -0.2]
        ),
    ]

    private func attention(_ values: Given, points: Int = 1 << 16) throws -> AttentionTheory {
        var all: Given = [
            "d": .integer(1000), "student": .text("attention"), "step_size": .real(0.3), "m0": .real(0.1),
        ]
        for (name, value) in values { all[name] = value }
        return AttentionTheory(try parameters(all), points: points)
    }

    @Test(arguments: attentionCases.indices)
    func attentionMeansAgreeWithDirectSampling(index: Int) throws {
        let (name, values, state) = Self.attentionCases[index]
        let theory = try attention(values)
        let parameters = theory.parameters
        let (L, k, m) = (parameters.L, parameters.k, state[0])
        let eps = Array(state.dropFirst())
        let g = (1 - state.reduce(0) { $0 + $1 * $1 }).squareRoot()
        var stream = RandomStream(identity: TaskIdentity(high: 9, low: UInt64(index)))
        var normals = [Double](repeating: 0, count: L * (k + 2))
        var (zStar, z, D) = (
            [Double](repeating: 0, count: L), [Double](repeating: 0, count: L), [Double](repeating: 0, count: L)
        )
        var (risk, power) = (Mean(), Mean())
        var pull = [Mean](repeating: Mean(), count: k + 1)
        parameters.withKernel { kernel in
            for _ in 0..<100_000 {
                normals.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
                for l in 0..<L {
                    zStar[l] = normals[l]
                    z[l] = m * normals[l] + g * normals[L + l]
                    for j in 0..<k { z[l] += eps[j] * (normals[(2 + j) * L + l] + parameters.pi[l * k + j]) }
                }
                let ell = zStar.withUnsafeBufferPointer { s in
                    z.withUnsafeBufferPointer { z in
                        D.withUnsafeMutableBufferPointer { D -> Double in
                            guard let s = s.baseAddress, let z = z.baseAddress, let D = D.baseAddress else {
                                return .nan
                            }
                            return kernel.attentionSignals(zStar: s, z: z, D: D)
                        }
                    }
                }
                // The first-order part of the update (22), in the mean.
                var (norm, radial, star) = (0.0, 0.0, 0.0)
                var directions = [Double](repeating: 0, count: k)
                for l in 0..<L {
                    norm += D[l] * D[l]
                    radial += D[l] * z[l]
                    star += D[l] * zStar[l]
                    for j in 0..<k { directions[j] += D[l] * (normals[(2 + j) * L + l] + parameters.pi[l * k + j]) }
                }
                risk.add(ell)
                power.add(norm)
                pull[0].add(-parameters.gamma * (star - m * radial))
                for j in 0..<k { pull[j + 1].add(-parameters.gamma * (directions[j] - eps[j] * radial)) }
            }
        }
        let means = theory.means(state)
        // The theory's own error: 2^16 Sobol points for the sampled cases.
        let slack = name.contains("frobenius") || name.contains("sampled") ? 3e-3 : 0
        #expect(abs(risk.value - means.risk) < 5 * risk.error + slack * means.risk, "\(name)")
        #expect(abs(power.value - means.squaredSignal) < 5 * power.error + slack * means.squaredSignal, "\(name)")
        let inhibition = 0.5 * parameters.gamma * parameters.gamma * means.squaredSignal
        for (j, drift) in theory.drift(state).enumerated() {
            let expected = drift + inhibition * state[j]
            #expect(abs(pull[j].value - expected) < 5 * pull[j].error + slack * 0.1, "\(name), overlap \(j)")
        }
    }

    @Test(arguments: attentionCases.indices)
    func attentionSlopesAreDerivativesOfTheRisk(index: Int) throws {
        let (name, values, state) = Self.attentionCases[index]
        let theory = try attention(values, points: 1 << 12)
        let means = theory.means(state)
        let h = 1e-4
        // The sampled norm is not smooth at every single point, the product rules are.
        let tolerance = name.contains("frobenius") ? 2e-4 : 1e-6
        func slope(_ j: Int) -> Double {
            var (up, down) = (state, state)
            up[j] += h
            down[j] -= h
            return (theory.means(up).risk - theory.means(down).risk) / (2 * h)
        }
        #expect(abs(slope(0) - means.riskSlope) < tolerance, "\(name)")
        let (L, k) = (theory.parameters.L, theory.parameters.k)
        for j in 0..<k {
            let B = (0..<L).reduce(0) { $0 + theory.parameters.pi[$1 * k + j] * means.B[$1] }
            #expect(abs(slope(j + 1) - B) < tolerance, "\(name), direction \(j)")
        }
    }

    @Test func sobolAveragesConverge() throws {
        let values = Self.attentionCases[5]
        let coarse = try attention(values.values, points: 1 << 13).means(values.state)
        let fine = try attention(values.values, points: 1 << 17).means(values.state)
        #expect(abs(coarse.risk / fine.risk - 1) < 2e-3)
        #expect(abs(coarse.squaredSignal / fine.squaredSignal - 1) < 2e-2)
        #expect(abs(coarse.riskSlope - fine.riskSlope) < 5e-3)
    }

    @Test func theProductRuleAgreesWithSobolPoints() throws {
        // The risk of trace attention at L = 3 by the 32^3 rule, against 2^16 points of R's definition.
        let values: Given = [
            "L": .integer(3), "target": .text("inversesqrtH2sum"), "encoding": .text("orthonormal"),
        ]
        let state = [0.5, 0.3, -0.2, 0.4]
        let theory = try attention(values)
        let means = theory.means(state)
        var stream = RandomStream(identity: TaskIdentity(high: 1, low: 2))
        let sequence = try #require(SobolSequence(dimension: 6, scrambledBy: &stream))
        let points = sequence.gaussianPoints(count: 1 << 16)
        var (risk, signal) = (0.0, 0.0)
        theory.parameters.withKernel { kernel in
            for p in 0..<(1 << 16) {
                let zStar = Array(points[(6 * p)..<(6 * p + 3)])
                let z = (0..<3).map { 0.5 * zStar[$0] + 0.75.squareRoot() * points[6 * p + 3 + $0] + state[$0 + 1] }
                var D = [0.0, 0, 0]
                risk += zStar.withUnsafeBufferPointer { s in
                    z.withUnsafeBufferPointer { z in
                        D.withUnsafeMutableBufferPointer { D -> Double in
                            guard let s = s.baseAddress, let z = z.baseAddress, let D = D.baseAddress else {
                                return .nan
                            }
                            return kernel.attentionSignals(zStar: s, z: z, D: D)
                        }
                    }
                }
                signal += D.reduce(0) { $0 + $1 * $1 }
            }
        }
        #expect(abs(risk / 65536 / means.risk - 1) < 1e-3)
        #expect(abs(signal / 65536 / means.squaredSignal - 1) < 2e-2)
    }

    // MARK: Runs

    @Test(arguments: ["half_square", "frobenius", "network"])
    func theTrajectoryDependsNeitherOnRecordingTimesNorOnQuanta(kind: String) throws {
        var values: Given = [
            "d": .integer(1000), "L": .integer(2), "step_size": .real(0.3), "m0": .real(0.3),
        ]
        if kind != "network" {
            values["student"] = .text("attention")
            values["target"] = .text("positional_semantic")
            values["loss"] = .text(kind)
            values["omega"] = .real(0.6)
            values["e0"] = .real(0.2)
            values["quadrature_points"] = .integer(1 << 8)
        }
        let all = try run("ode", values, times: [0, 0.1, 1, 2.5, 7])("overlap")
        let last = try run("ode", values, times: [7], quantum: 1)("overlap")
        let steps = try run("ode", values, times: [2500], unit: .steps, quantum: 1000)("overlap")
        #expect(all[4] == last[0])
        #expect(all[3] == steps[0])
    }

    @Test func aStartAtExactlyZeroIsReplacedByTheNoiseLevel() throws {
        let values: Given = [
            "d": .integer(400), "L": .integer(2), "student": .text("attention"),
            "target": .text("positional_semantic"), "omega": .real(0.67), "step_size": .real(0.5),
            "init_scale": .real(0),
        ]
        let record = try run("ode", values, times: [0, 60])
        let origin = OriginTheory(AttentionTheory(try parameters(values), points: 64))
        #expect(record("overlap")[0] == 0.5 * (origin.Vm / (2 * origin.lambdaM * 400)).squareRoot())
        #expect(record("positional_overlap")[0] == 0.5 * (origin.Ve[0] / (2 * origin.lambdaE[0] * 400)).squareRoot())
        // While everything is linear, the trajectory is the growing part of the standard deviation.
        let std = origin.standardDeviation(V: origin.Vm, lambda: origin.lambdaM, t: 200, d: 400)
        #expect(abs(record("overlap")[0] * exp(200 * origin.lambdaM) / std - 1) < 1e-5)
        // A prescribed zero is kept.
        var prescribed = values
        prescribed["init_scale"] = nil
        prescribed["m0"] = .real(0)
        #expect(abs(try run("ode", prescribed, times: [50])("overlap")[0]) < 1e-12)
        // SIE 1 leaves zero by itself.
        let linear: Given = [
            "d": .integer(400), "L": .integer(2), "step_size": .real(0.5), "init_scale": .real(0),
        ]
        #expect(try run("ode", linear, times: [0])("overlap") == [0])
    }

    @Test func theNoiseOfTiedNetworksIsThatOfTheChain() throws {
        // V_m by sampling D^2 hs^2 at m = 0.
        let theory = try network("H2sum", "relu", student: "tied")
        let origin = OriginTheory(theory)
        var stream = RandomStream(identity: TaskIdentity(high: 3, low: 1))
        var (V, rows) = (Mean(), Mean())
        theory.parameters.withKernel { kernel in
            for _ in 0..<200_000 {
                let z = (0..<3).map { _ in stream.normal() }
                let h = stream.normal()
                let y = z.withUnsafeBufferPointer { $0.baseAddress.map(kernel.scalarTarget) ?? .nan }
                let D = kernel.networkSignal(h: h, y: y)
                let hs = (z[0] + z[1] + z[2]) / 3.0.squareRoot()
                V.add(D * D * hs * hs)
                rows.add(D * D * z[0] * z[0] / 3)
            }
        }
        #expect(V.agrees(with: origin.Vm))
        #expect(rows.agrees(with: OriginTheory(try network("H2sum", "relu", student: "untied")).Vm))
    }
}
