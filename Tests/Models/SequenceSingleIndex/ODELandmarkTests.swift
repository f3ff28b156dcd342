import Foundation
import ModelTesting
import Modeling
import SequenceSingleIndex
import Testing

/// The theory half of the landmarks of the model's page, with its tolerances.
@Suite struct ODELandmarkTests {
    private typealias Values = Given

    /// One observable of `ode` at `times`, in t.
    private func ode(_ values: Given, _ times: [Double], _ name: String = "overlap") throws
        -> [Double]
    {
        try run("ode", values, times: times)(name)
    }

    private func tied(
        _ target: String, L: Int, gamma: Double, m0: Double, activation: String = "relu"
    ) -> Given {
        [
            "d": .integer(1000), "L": .integer(L), "student": .text("tied"), "target": .text(target),
            "activation": .text(activation), "step_size": .real(gamma), "m0": .real(m0),
        ]
    }

    private func untied(
        _ target: String, L: Int, gamma: Double, o: Double, norm: String = "global", d: Int = 1000
    ) -> Given {
        [
            "d": .integer(d), "L": .integer(L), "student": .text("untied"), "target": .text(target),
            "norm_mode": .text(norm), "step_size": .real(gamma), "init_scale": .real(o),
        ]
    }

    private func matrixModel(
        omega: Double, gamma: Double, e0: Double, m0: Double, loss: String = "half_square", a: Double = 1
    ) -> Given {
        [
            "d": .integer(1000), "L": .integer(2), "student": .text("attention"),
            "target": .text("positional_semantic"), "loss": .text(loss), "step_size": .real(gamma),
            "omega": .real(omega), "a": .real(a), "m0": .real(m0), "e0": .real(e0),
            // 2^14 points hold the tolerances for frobenius at a quarter of the cost.
            "quadrature_points": .integer(1 << 14),
        ]
    }

    private func expectClose(_ values: [Double], _ expected: [Double], _ tolerance: Double) {
        #expect(values.count == expected.count)
        for (value, target) in zip(values, expected) {
            #expect(abs(value - target) < tolerance, "\(value) is not \(target) within \(tolerance)")
        }
    }

    @Test(arguments: [1, 5])
    func landmark1TiedInverseSqrtSum(L: Int) throws {
        expectClose(try ode(tied("inversesqrtsum", L: L, gamma: 0.5, m0: 0.1), [2]), [0.668909], 1e-5)
        expectClose(try ode(tied("inversesqrtsum", L: L, gamma: 0.05, m0: 0.1), [20]), [0.788827], 1e-5)
        let large = try ode(tied("inversesqrtsum", L: L, gamma: 1.5, m0: 0.2), [1.5, 100])
        expectClose(large, [0.479424, 0.5], 1e-5)
    }

    @Test func landmark2TiedH2() throws {
        expectClose(try ode(tied("H2sum", L: 3, gamma: 0.1, m0: 0.2425), [24]), [0.731774], 1e-5)
        expectClose(try ode(tied("H2sum", L: 3, gamma: 0.1, m0: 0.2425), [2000]), [0.8469], 1e-4)
        expectClose(try ode(tied("inversesqrtH2sum", L: 6, gamma: 0.2, m0: 0.2425), [20]), [0.279477], 1e-5)
    }

    @Test(arguments: ["tied", "untied"], [1, 3, 5])
    func landmark3GrowthChangesSignAtTheCriticalStep(student: String, L: Int) throws {
        let critical = 2 / (Double.pi.squareRoot() * Double(1 + L))
        for (factor, sign) in [(1 - 1e-6, 1.0), (1 + 1e-6, -1.0)] {
            var values = tied("H2sum", L: L, gamma: critical * factor, m0: 1e-6)
            values["student"] = .text(student)
            let theory = NetworkTheory(try parameters(values))
            let drift = theory.drift(Array(repeating: 1e-6, count: student == "tied" ? 1 : L))
            #expect(drift.allSatisfy { $0 * sign > 0 })
        }
    }

    @Test func landmark4UntiedIsTiedAtTimeOverL() throws {
        let untied = untied("inversesqrtsum", L: 4, gamma: 0.5, o: 0.2)
        expectClose(try ode(untied, [5, 10, 15]), [0.5946, 0.7830, 0.8838], 5e-5)
        let m0 = Start.overlap(o: 0.2)
        for (target, activation) in [("inversesqrtsum", "relu"), ("H2sum", "relu"), ("H3sum", "tanh")] {
            for norm in ["global", "per_token"] {
                var values = tied(target, L: 4, gamma: 0.13, m0: m0, activation: activation)
                let single = try ode(values, [1, 3, 7])
                values["student"] = .text("untied")
                values["norm_mode"] = .text(norm)
                expectClose(try ode(values, [4, 12, 28]), single, 1e-8)
            }
        }
    }

    @Test func landmark5Difference() throws {
        let global = try ode(untied("2difference", L: 3, gamma: 0.5, o: 0.2), [12], "overlap_vec")
        expectClose(global, [1.109, -1.085, 0.012], 1e-3)
        let rows = try ode(untied("2difference", L: 3, gamma: 0.5, o: 0.2, norm: "per_token"), [12], "overlap_vec")
        expectClose(rows, [0.859, -0.858, 0.057], 1e-3)
        let tiedValues = tied("2difference", L: 3, gamma: 0.5, m0: 0.3)
        #expect(NetworkTheory(try parameters(tiedValues)).riskGradient([0.3])[0] == 0)
        #expect(abs(try ode(tiedValues, [100])[0]) < 1e-6)
    }

    @Test func landmark6SqrtZ1() throws {
        let untied = try ode(untied("sqrtz1", L: 5, gamma: 0.3, o: 0.1), [10, 20, 30])
        expectClose(untied, [0.7333, 0.8493, 0.8654], 1e-3)
        let m0 = Start.overlap(o: 0.1)
        let tanh = try ode(tied("sqrtz1", L: 5, gamma: 0.1, m0: m0, activation: "tanh"), [3, 6, 9, 12])
        expectClose(tanh, [0.4081, 0.6058, 0.7212, 0.7836], 1e-3)
    }

    @Test(arguments: [2, 3, 8])
    func landmark7ProductRates(L: Int) throws {
        // The part of the growth rate that is linear in gamma: a step so small that gamma^2 does not count.
        let gamma = 1e-9
        let rate = 2 * gamma * 2 * 2.0.squareRoot() * 0.28209479177 / Double(L)
        var values = tied("2product", L: L, gamma: gamma, m0: 0.1)
        let single = OriginTheory(NetworkTheory(try parameters(values))).lambdaM
        #expect(abs(single / rate - 1) < 1e-6)
        values["student"] = .text("untied")
        let rows = OriginTheory(NetworkTheory(try parameters(values))).lambdaM
        #expect(abs(rows / single - 0.5) < 1e-8)
    }

    @Test func landmark8SquareActivation() throws {
        let values = tied("inversesqrtH2sum", L: 3, gamma: 0.01, m0: 1e-7, activation: "square")
        let drift = NetworkTheory(try parameters(values)).drift([1e-7])[0] / 1e-7
        #expect(abs(drift - 0.0198599) < 1e-6)
    }

    @Test func landmark9ThirdHermiteDegree() throws {
        let down = try ode(tied("H3sum", L: 3, gamma: 0.05, m0: -0.4, activation: "tanh"), [20, 40])
        expectClose(down, [-0.4218, -0.4465], 0.004)
        let up = try ode(tied("H3sum", L: 3, gamma: 0.05, m0: 0.4, activation: "tanh"), [20, 40])
        #expect(up[0] < 0.4 && up[1] < up[0])
    }

    @Test func landmark11Risks() throws {
        func risk(_ e0: Double, _ m0: Double, _ loss: String) throws -> Double {
            var values = matrixModel(omega: 0.67, gamma: 0.1, e0: e0, m0: m0, loss: loss)
            values["quadrature_points"] = .integer(1 << 16)
            return try ode(values, [0], "risk")[0]
        }
        expectClose(
            try [risk(0, 0, "half_square"), risk(0.3, 0.4, "half_square")], [0.131752, 0.122587], 1e-6)
        expectClose(try [risk(0, 1, "half_square"), risk(1, 0, "half_square")], [0.0826822, 0.1015513], 1e-6)
        expectClose(try [risk(0.3, 0.4, "frobenius"), risk(0, 0, "frobenius")], [0.4590, 0.4788], 5e-4)
    }

    @Test func landmark12AttentionTrajectories() throws {
        let times = [15.0, 30, 45, 60]
        let half = try run("ode", matrixModel(omega: 0.67, gamma: 0.3, e0: 0.25, m0: 0.35), times: times)
        expectClose(half("positional_overlap"), [0.309, 0.354, 0.372, 0.3518], 2e-3)
        expectClose(half("overlap"), [0.438, 0.530, 0.624, 0.7229], 2e-3)
        var rough = matrixModel(omega: 0.67, gamma: 0.1, e0: 0.25, m0: 0.35, loss: "frobenius")
        rough["quadrature_points"] = .integer(1 << 16)
        let frobenius = try run("ode", rough, times: [7.5, 15, 30])
        expectClose(frobenius("positional_overlap"), [0.2748, 0.2997, 0.3470], 2e-3)
        expectClose(frobenius("overlap"), [0.3797, 0.4102, 0.4721], 2e-3)
    }

    @Test func landmark13PureTargets() throws {
        for gamma in [0.3, 1, 3] {
            let values = matrixModel(omega: 0, gamma: gamma, e0: 0, m0: 1)
            let theory = AttentionTheory(try parameters(values), points: 1 << 10)
            #expect(abs(theory.means([1, 0]).risk) < 1e-12)
            #expect(abs(theory.means([1, 0]).squaredSignal) < 1e-12)
            #expect(theory.drift([1, 0]).allSatisfy { abs($0) < 1e-10 })
        }
        expectClose(try ode(matrixModel(omega: 0, gamma: 1, e0: 0, m0: 0.2), [20]), [0.9997], 2e-3)
        let positional = try run("ode", matrixModel(omega: 1, gamma: 1, e0: 0.2, m0: 0.1), times: [20])
        expectClose(positional("positional_overlap") + positional("overlap"), [0.8753, 0.0204], 2e-3)
    }

    @Test func landmark14TraceAttention() throws {
        let values: Given = [
            "d": .integer(400), "L": .integer(4), "student": .text("attention"),
            "target": .text("inversesqrtH2sum"), "reduction": .text("trace"), "step_size": .real(0.2),
            "m0": .real(0.3), "quadrature_points": .integer(1 << 14),
        ]
        // Sampled averages once gave 0.457, 0.633, 0.782, 0.874; direct averages over 2^16 Sobol points of all
        // 8 variables, three scramblings, give these, +- 6e-4.
        expectClose(try ode(values, [6, 12, 18, 24]), [0.4520, 0.6277, 0.7792, 0.8737], 2e-3)
    }

    @Test func landmark15OrthonormalEncoding() throws {
        let left = [1, 0.5, -0.5]
        let values: Given = [
            "d": .integer(1000), "L": .integer(3), "student": .text("attention"), "target": .text("hermite"),
            "hermite_terms": matrix([[1, 1, 0, 0], [1, 0, 1, 1]]), "encoding": .text("orthonormal"),
            "U": matrix(left.map { x in [0.3, 1, 0.2].map { x * $0 } }), "step_size": .real(0.3),
            "m0": .real(0.2), "e0_vec": vector([0.3, 0.1, -0.2]),
        ]
        let record = try run("ode", values, times: [6])
        expectClose(record("positional_overlap_vec") + record("overlap"), [0.2520, 0.0342, -0.1494, 0.0659], 3e-3)
    }

    @Test func landmark16OriginNoise() throws {
        let values = matrixModel(omega: 0.67, gamma: 0.5, e0: 0, m0: 0)
        let origin = OriginTheory(AttentionTheory(try parameters(values), points: 1 << 10))
        // A direct average over 2^22 Sobol points gives these, +- 4e-6.
        expectClose([origin.squaredSignal, origin.Vm, origin.Ve[0]], [0.028517, 0.043018, 0.067534], 1e-5)
        expectClose([origin.lambdaM, origin.lambdaE[0]], [0.03282, 0.04083], 1e-5)
        expectClose([origin.Rmm, origin.Ree[0]], [-0.0727658, -0.0887922], 1e-6)
        let direct = AttentionTheory(try parameters(values), points: 64).means([0, 0])
        #expect(abs(direct.squaredSignal - origin.squaredSignal) < 1e-9)
        let std = [
            origin.standardDeviation(V: origin.Vm, lambda: origin.lambdaM, t: 20, d: 1000),
            origin.standardDeviation(V: origin.Ve[0], lambda: origin.lambdaE[0], t: 20, d: 1000),
        ]
        expectClose(std, [0.0211, 0.0292], 0.003)
        var rough = values
        rough["loss"] = .text("frobenius")
        let sampled = OriginTheory(AttentionTheory(try parameters(rough), points: 1 << 16))
        expectClose([sampled.squaredSignal, sampled.Vm, sampled.Ve[0]], [0.14872, 0.17589, 0.36666], 2e-3)
    }

    @Test(arguments: ["half_square", "frobenius"])
    func landmark19RiskIsEvenInBothOverlaps(loss: String) throws {
        let values = matrixModel(omega: 0.67, gamma: 0.5, e0: 0, m0: 0, loss: loss)
        let theory = AttentionTheory(try parameters(values), points: 1 << 12)
        let reference = theory.means([0.4, 0.3])
        for (m, e) in [(-0.4, 0.3), (0.4, -0.3), (-0.4, -0.3)] {
            let means = theory.means([m, e])
            #expect(abs(means.risk - reference.risk) < 1e-12)
            #expect(abs(means.riskSlope - reference.riskSlope * (m < 0 ? -1 : 1)) < 1e-12)
            let B = (means.B[0] - means.B[1]) * (e < 0 ? -1 : 1)
            #expect(abs(B - (reference.B[0] - reference.B[1])) < 1e-12)
        }
    }

    @Test func landmark19ConstantReductionHasNoGradient() throws {
        let values: Given = [
            "d": .integer(400), "L": .integer(3), "student": .text("attention"), "target": .text("H2sum"),
            "reduction": .text("projection"),
            "projection_right": vector(Array(repeating: 1 / 3.0.squareRoot(), count: 3)),
            "step_size": .real(0.2), "m0": .real(0.3), "encoding": .text("orthonormal"),
        ]
        let theory = AttentionTheory(try parameters(values), points: 64)
        // Rows of S sum to 1, so the uniform right vector gives a constant output.
        #expect(theory.means([0.3, 0.1, 0.2, -0.1]).squaredSignal < 1e-24)
        #expect(theory.drift([0.3, 0.1, 0.2, -0.1]).allSatisfy { abs($0) < 1e-12 })
    }
}
