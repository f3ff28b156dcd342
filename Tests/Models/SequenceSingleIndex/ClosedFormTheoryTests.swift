import Foundation
import ModelTesting
import Modeling
import Numerics
import SequenceSingleIndex
import Testing

/// Methods `closed-form` and `closed-form-trajectory` of network students against (32) to (39) and the ODE.
@Suite struct ClosedFormTheoryTests {
    private func values(
        _ target: String, L: Int, gamma: Double, m0: Double = 0.2, student: String = "tied",
        activation: String = "relu", loss: String = "square"
    ) -> Given {
        [
            "d": .integer(1000), "L": .integer(L), "student": .text(student), "target": .text(target),
            "activation": .text(activation), "step_size": .real(gamma), "m0": .real(m0), "loss": .text(loss),
        ]
    }

    private func thresholds(_ values: Given) throws -> NetworkThresholds {
        NetworkThresholds(NetworkTheory(try parameters(values)))
    }

    @Test(arguments: [
        "sum", "inversesqrtsum", "sqrtz1", "2difference", "2product", "2squaredifference", "H2sum", "inversesqrtH2sum",
    ])
    func trajectoriesSolveTheODE(target: String) throws {
        let times = [0.0, 0.3, 2, 11, 60]
        for activation in ["relu", "identity"] {
            for (gamma, loss) in [(0.07, "square"), (0.9, "half_square")] {
                var point = values(target, L: 3, gamma: gamma, activation: activation, loss: loss)
                try expectSame(point, times)
                point["m0"] = .real(-0.3)
                try expectSame(point, times)
            }
        }
    }

    @Test func activationsOfDegreeTwoHaveBernoulliTrajectories() throws {
        for activation in ["square", "H2"] {
            try expectSame(values("inversesqrtH2sum", L: 3, gamma: 0.004, activation: activation), [0, 3, 30, 300])
        }
    }

    @Test func untiedTrajectoriesSolveTheODE() throws {
        let times = [0.0, 1, 7, 40, 200]
        for target in ["sum", "sqrtz1", "2difference", "H2sum", "inversesqrtH2sum"] {
            var point = values(target, L: 3, gamma: 0.2, student: "untied")
            point["m0"] = nil
            point["m0_vec"] = vector([0.3, -0.1, 0.2])
            try expectSame(point, times)
        }
        var rows = values("H2sum", L: 3, gamma: 0.2, student: "untied")
        rows["norm_mode"] = .text("per_token")
        try expectSame(rows, times)
        let overlaps = try run(
            "closed-form-trajectory", values("sqrtz1", L: 3, gamma: 0.2, student: "untied"), times: times)
        let ode = try run("ode", values("sqrtz1", L: 3, gamma: 0.2, student: "untied"), times: times)
        for (x, y) in zip(overlaps("overlap_vec"), ode("overlap_vec")) { #expect(abs(x - y) < 1e-7) }
    }

    private func expectSame(_ point: Given, _ times: [Double]) throws {
        let exact = try run("closed-form-trajectory", point, times: times)("overlap")
        let ode = try run("ode", point, times: times)("overlap")
        for (x, y) in zip(exact, ode) { #expect(abs(x - y) < 1e-7, "\(x) against \(y) by the ODE: \(point)") }
    }

    @Test func whereThereIsNoClosedFormThePointIsRefused() {
        func violation(_ target: String, _ extra: Given = [:]) -> String? {
            let point = values(target, L: 3, gamma: 0.1).with(extra)
            do {
                _ = try harness.prepare("closed-form-trajectory", point)
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(violation("H2sum") == nil)
        #expect(violation("sqrtz1", ["student": .text("untied")]) == nil)
        #expect(violation("sqrtdouble_staircase")?.contains("Use method ode") == true)
        #expect(violation("H3sum", ["activation": .text("tanh")]) != nil)
        #expect(violation("H2sum", ["activation": .text("tanh")]) != nil)
        #expect(violation("2product", ["student": .text("untied")]) != nil)
        #expect(violation("sum", ["student": .text("attention")])?.contains("Use method ode") == true)
    }

    @Test func landmarks1And2ByClosedForm() throws {
        func m(_ target: String, _ L: Int, _ gamma: Double, _ m0: Double, _ t: Double) throws -> Double {
            try run("closed-form-trajectory", values(target, L: L, gamma: gamma, m0: m0), times: [t])("overlap")[0]
        }
        #expect(abs(try m("inversesqrtsum", 4, 0.5, 0.1, 2) - 0.668909) < 1e-6)
        #expect(abs(try m("inversesqrtsum", 4, 0.05, 0.1, 20) - 0.788827) < 1e-6)
        #expect(abs(try m("inversesqrtsum", 4, 1.5, 0.2, 1.5) - 0.479424) < 1e-6)
        #expect(abs(try m("H2sum", 3, 0.1, 0.2425, 24) - 0.731774) < 1e-6)
        #expect(abs(try m("inversesqrtH2sum", 6, 0.2, 0.2425, 20) - 0.279477) < 1e-6)
        // c gamma = 1: 1/(1-m) = 1/(1-m_0) + t.
        #expect(abs(1 / (1 - (try m("inversesqrtsum", 2, 1, 0.1, 3))) - (1 / 0.9 + 3)) < 1e-9)
    }

    @Test(arguments: [1, 3, 5, 12])
    func landmark3CriticalStepOfH2sum(L: Int) throws {
        let expected = 2 / (Double.pi.squareRoot() * Double(1 + L))
        for student in ["tied", "untied"] {
            let square = try thresholds(values("H2sum", L: L, gamma: 0.1, student: student))
            #expect(abs(square.criticalStep - expected) < 1e-10)
            #expect(abs(square.gainAtEqualStep - Double(L)) < 1e-10)
            #expect(abs(square.criticalStepRatio - 1) < 1e-10)
            #expect(abs(square.gainAtBestSteps - Double(L)) < 1e-10)
            let half = try thresholds(values("H2sum", L: L, gamma: 0.1, student: student, loss: "half_square"))
            #expect(abs(half.criticalStep - 2 * expected) < 1e-10)
        }
        // kap = 1/sqrt(L): gamma_crit = 2 kap/(sqrt(pi) (1 + kap^2 L)).
        let kap = 1 / Double(L).squareRoot()
        let other = try thresholds(values("inversesqrtH2sum", L: L, gamma: 0.1))
        #expect(abs(other.criticalStep - kap / Double.pi.squareRoot()) < 1e-10)
    }

    @Test func theGrowthRateVanishesAtTheCriticalStepOfEveryStudent() throws {
        for target in ["H2sum", "inversesqrtH2sum", "2product"] {
            for student in ["tied", "untied"] {
                for activation in ["relu", "square", "H2", "sigmoid"] where activation != "sigmoid" {
                    var point = values(target, L: 4, gamma: 0.1, student: student, activation: activation)
                    let critical = try thresholds(point).criticalStep
                    #expect(critical > 0)
                    point["step_size"] = .real(critical)
                    #expect(abs(try thresholds(point).growthRate) < 1e-12)
                    point["step_size"] = .real(0.5 * critical)
                    #expect(try thresholds(point).growthRate > 1e-4)
                }
            }
        }
        #expect(abs(try thresholds(values("inversesqrtsum", L: 3, gamma: 0.1)).criticalStep - 1) < 1e-8)
        let half = values("inversesqrtsum", L: 3, gamma: 0.1, student: "untied", loss: "half_square")
        #expect(abs(try thresholds(half).criticalStep - 2) < 1e-8)
        #expect(try thresholds(values("sqrtz1", L: 3, gamma: 0.1)).criticalStep.isNaN)
    }

    @Test(arguments: [2, 3, 7])
    func gainsOfTheOtherTargets(L: Int) throws {
        let product = try thresholds(values("2product", L: L, gamma: 0.1))
        #expect(abs(product.gainAtEqualStep - 2) < 1e-9)
        #expect(abs(product.criticalStepRatio - 2 / Double(L)) < 1e-9)
        #expect(abs(product.gainAtBestSteps - 4 / Double(L)) < 1e-9)
        for target in ["2difference", "2squaredifference"] {
            #expect(abs(try thresholds(values(target, L: L, gamma: 0.1)).gainAtEqualStep) < 1e-12)
        }
        let linear = try thresholds(values("inversesqrtsum", L: L, gamma: 0.1))
        #expect(abs(linear.gainAtEqualStep - Double(L)) < 1e-9)
        let cubic = try thresholds(values("H3sum", L: L, gamma: 0.1, activation: "tanh"))
        #expect(abs(cubic.gainAtEqualStep - Double(L)) < 1e-6)
    }

    @Test func informationExponents() throws {
        let table = [
            ("sum", 1), ("inversesqrtsum", 1), ("sqrtz1", 1), ("2difference", 1), ("2product", 2),
            ("2squaredifference", 2), ("H2sum", 2), ("inversesqrtH2sum", 2), ("H3sum", 3), ("sqrtdouble_staircase", 1),
        ]
        for (target, exponent) in table {
            #expect(try thresholds(values(target, L: 4, gamma: 0.1)).informationExponent == exponent)
        }
        // He_1(z_1) He_4(z_2) + He_2(z_3) He_2(z_4), plus a constant.
        var point = values("hermite", L: 4, gamma: 0.1)
        point["hermite_terms"] = matrix([[1, 1, 4, 0, 0], [1, 0, 0, 2, 2], [0.7, 0, 0, 0, 0]])
        #expect(try thresholds(point).informationExponent == 4)
    }

    @Test func hittingTimesAgreeWithTheFormulaAndGiveTheGain() throws {
        // t_eta = ln[eta^2 (A - B m_0^2)/(m_0^2 (A - B eta^2))]/(2A) at kap = 1, L = 3.
        let (A, B, m0, eta) = (0.1 * 2 / Double.pi.squareRoot() - 0.04, 0.18 / Double.pi.squareRoot(), 0.05, 0.6)
        let expected = log(eta * eta * (A - B * m0 * m0) / (m0 * m0 * (A - B * eta * eta))) / (2 * A)
        #expect(abs(A - 0.0728379) < 1e-7 && abs(B - 0.1015541) < 1e-7)
        var point = values("H2sum", L: 3, gamma: 0.1, m0: m0)
        point["eta"] = .real(eta)
        let tied = try thresholds(point)
        #expect(abs(tied.hittingTime / expected - 1) < 1e-10)
        #expect(abs(tied.plateau - (A / B).squareRoot()) < 1e-12)
        point["student"] = .text("untied")
        let untied = try thresholds(point)
        // The gain identity: exactly L.
        #expect(abs(untied.hittingTime / tied.hittingTime - 3) < 1e-8)
        #expect(untied.plateau == tied.plateau)
        point["eta"] = .real(0.9)
        #expect(try thresholds(point).hittingTime == .infinity)
        // A cubic target learned with negative overlap, seen through the norm.
        var cubic = values("H3sum", L: 2, gamma: 0.02, m0: -0.5, student: "untied", activation: "tanh")
        cubic["eta"] = .real(0.52)
        let time = try thresholds(cubic).hittingTime
        #expect(abs(try run("ode", cubic, times: [time])("overlap")[0] - 0.52) < 1e-7)
        #expect(abs(try run("ode", cubic, times: [1e5])("overlap")[0] - (try thresholds(cubic).plateau)) < 1e-6)
    }

    @Test func plateausOfLinearTargets() throws {
        #expect(abs(try thresholds(values("inversesqrtsum", L: 3, gamma: 1.5)).plateau - 0.5) < 1e-12)
        #expect(abs(try thresholds(values("inversesqrtsum", L: 3, gamma: 0.5)).plateau - 1) < 1e-9)
        let point = values("sqrtz1", L: 5, gamma: 0.3)
        let late = try run("ode", point, times: [500])("overlap")[0]
        #expect(abs(try thresholds(point).plateau - late) < 1e-8)
    }

    @Test func theMethodPutsEveryNumberThatApplies() throws {
        let record = try run("closed-form", values("H2sum", L: 3, gamma: 0.1, m0: 0.05), times: [])
        for name in [
            "sie", "R_mm", "squared_signal", "V_m", "growth_rate", "gamma_crit", "m_inf", "t_eta", "gain_equal_steps",
            "gamma_crit_ratio", "gain_best_steps",
        ] { #expect(record(name).first?.isFinite == true, "\(name)") }
        #expect(record("region")[0].isNaN && record("R_ee")[0].isNaN)
        #expect(abs(record("growth_rate")[0] - 0.0728379) < 1e-7)
        // E_0[D^2] = 4 c^2 (1/2 + kap^2 L/2).
        #expect(abs(record("squared_signal")[0] - 8) < 1e-10)
    }
}
