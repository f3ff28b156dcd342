import Foundation
import ModelTesting
import Modeling
import SequenceSingleIndex
import Testing

/// The paired L = 2 matrix model at the origin and on the arc, (43) to (48); landmarks 10, 11, 16.
@Suite struct PhaseDiagramTests {
    @Test func landmark10Constants() {
        let k = PairConstants.shared
        let root2 = 2.0.squareRoot()
        let table: [(Double, Double)] = [
            (k.s0, 1 - 1 / (2 * root2)), (k.s2, 0.455067343), (k.M[0], 1 / (4 * root2)), (k.M[1], -0.106287501),
            (k.M[2], -0.035798307), (k.M2, 0.055125584), (k.V1, 1 / (2 * root2)), (k.V2, 0.523736922),
            (k.p1, 0.785559029), (k.p2, 0.663509904), (k.U1, 0.214440971), (k.U2, 0.325399588), (k.X, 0.002978568),
            (k.g2, 0.101050838), (k.d1, 0.162174124), (k.d2, 0.353553391), (k.fd2, 0.099694337),
        ]
        for (index, (value, expected)) in table.enumerated() {
            #expect(abs(value - expected) < 2e-9, "constant \(index): \(value) is not \(expected)")
        }
    }

    @Test func landmark10Boundaries() throws {
        let table = [
            (0.76, 0.76046, 0.98637, 0.92671, 0.97043, 0.97412), (0.80, 0.78245, 0.84166, 0.85690, 0.91751, 0.94687),
            (0.90, 0.83480, 0.62381, 0.72661, 0.81209, 0.88777), (1.00, 0.88080, 0.50821, 0.64096, 0.73761, 0.84161),
        ]
        for (a, A, kP, trans, glob, kS) in table {
            let diagram = PhaseDiagram(a: a, omega: 0.5)
            #expect(abs(diagram.A - A) < 1e-5)
            #expect(abs(try #require(diagram.omegaKP) - kP) < 1e-5)
            #expect(abs(try #require(diagram.omegaTrans) - trans) < 1e-5)
            #expect(abs(try #require(diagram.omegaGlob) - glob) < 1e-5)
            #expect(abs(try #require(diagram.omegaKS) - kS) < 1e-5)
        }
        #expect(PhaseDiagram(a: 0.7243, omega: 0.5).omegaTrans == nil)
        #expect(PhaseDiagram(a: 0.7245, omega: 0.5).omegaTrans != nil)
        #expect(PhaseDiagram(a: 0.7396, omega: 0.5).omegaGlob == nil)
        #expect(PhaseDiagram(a: 0.7398, omega: 0.5).omegaGlob != nil)
        // Where the positional minimum and the positional start appear together.
        let crossing = PhaseDiagram(a: 0.79015, omega: 0.5)
        #expect(abs(try #require(crossing.omegaKP) - 0.87298) < 1e-4)
        #expect(abs(try #require(crossing.omegaTrans) - 0.87298) < 1e-4)
    }

    @Test func landmark11HessianAndEndpointRisks() {
        let diagram = PhaseDiagram(a: 1, omega: 0.67)
        #expect(abs(diagram.Rmm + 0.0727658) < 1e-7)
        #expect(abs(diagram.Ree + 0.0887922) < 1e-7)
        #expect(abs(diagram.riskAtOrigin - 0.131752) < 1e-6)
        #expect(abs(diagram.riskSemantic - 0.0826822) < 1e-7)
        #expect(abs(diagram.riskPositional - 0.1015513) < 1e-7)
    }

    @Test func curvaturesAreSecondDerivativesOfTheRisk() throws {
        for (a, omega) in [(1.0, 0.67), (0.8, 0.3)] {
            let diagram = PhaseDiagram(a: a, omega: omega)
            let theory = try attention(omega: omega, a: a)
            func R(_ e: Double, _ m: Double) -> Double { theory.means([m, e]).risk }
            let h = 0.02
            func second(_ f: (Double) -> Double) -> Double {
                (-f(2 * h) + 16 * f(h) - 30 * f(0) + 16 * f(-h) - f(-2 * h)) / (12 * h * h)
            }
            #expect(abs(second { R($0, 0) } - diagram.Ree) < 2e-5)
            #expect(abs(second { R(0, $0) } - diagram.Rmm) < 2e-5)
            #expect(abs(second { R(sin($0), cos($0)) } - diagram.kS) < 1e-4)
            #expect(abs(second { R(cos($0), sin($0)) } - diagram.kP) < 1e-4)
            let risks = diagram.risksOnArc()
            let angles = PairArc.shared.angles
            for i in stride(from: 0, through: angles.count - 1, by: 90) {
                #expect(abs(risks[i] - R(sin(angles[i]), cos(angles[i]))) < 1e-7)
            }
            let origin = OriginTheory(theory)
            #expect(abs(origin.Rmm - diagram.Rmm) < 1e-6 && abs(origin.Ree[0] - diagram.Ree) < 1e-6)
        }
    }

    private func attention(omega: Double, a: Double, loss: String = "half_square") throws -> AttentionTheory {
        AttentionTheory(
            try parameters([
                "d": .integer(1000), "L": .integer(2), "student": .text("attention"),
                "target": .text("positional_semantic"), "omega": .real(omega), "a": .real(a), "loss": .text(loss),
                "step_size": .real(0.1), "m0": .real(0.1),
            ]), points: 1 << 16)
    }

    @Test(arguments: [
        (1.0, 0.48, PhaseDiagram.Region.uniqueSemantic), (1.0, 0.52, .globalSemantic),
        (1.0, 0.67, .globalSemanticPositionalDynamics), (1.0, 0.80, .globalPositional), (1.0, 0.86, .uniquePositional),
        (0.76, 0.95, .uniqueSemanticPositionalStart), (0.76, 0.90, .uniqueSemantic), (0.76, 0.98, .insideArc),
        (0.76, 0.99, .uniquePositional), (0.9, 0.75, .globalSemanticPositionalDynamics),
    ])
    func regions(a: Double, omega: Double, region: PhaseDiagram.Region) throws {
        let diagram = PhaseDiagram(a: a, omega: omega)
        #expect(diagram.region(of: diagram.minima()) == region)
    }

    @Test func theMinimumInsideTheArc() throws {
        let diagram = PhaseDiagram(a: 0.76, omega: 0.98)
        let minimum = try #require(diagram.minima().first)
        #expect(diagram.minima().count == 1)
        // The risk there is flat to 1e-6 over 5 degrees around 74.7.
        #expect(abs(minimum.theta * 180 / .pi - 74.7) < 0.3)
        #expect(abs(minimum.risk - 0.09433) < 5e-6)
        #expect(diagram.outcome(of: diagram.minima()) == minimum.theta)
    }

    @Test func theRegionsMeetAtTheBoundaries() throws {
        // Walking up in omega at a = 1, the region changes exactly at the four boundaries.
        let diagram = PhaseDiagram(a: 1, omega: 0)
        let boundaries = try [diagram.omegaKP, diagram.omegaTrans, diagram.omegaGlob, diagram.omegaKS].map {
            try #require($0)
        }
        for (index, boundary) in boundaries.enumerated() {
            let order: [PhaseDiagram.Region] = [
                .uniqueSemantic, .globalSemantic, .globalSemanticPositionalDynamics, .globalPositional,
                .uniquePositional,
            ]
            for (shift, expected) in [(-1e-3, order[index]), (1e-3, order[index + 1])] {
                let near = PhaseDiagram(a: 1, omega: boundary + shift)
                #expect(near.region(of: near.minima()) == expected)
            }
        }
    }

    @Test(arguments: [(0.52, false), (0.67, true), (0.86, true)])
    func theODEEndsWhereTheDiagramSays(omega: Double, positional: Bool) throws {
        let values: Given = [
            "d": .integer(1_000_000), "L": .integer(2), "student": .text("attention"),
            "target": .text("positional_semantic"), "omega": .real(omega), "step_size": .real(0.02),
            "init_scale": .real(0),
        ]
        let diagram = try run("closed-form", values, times: [])
        #expect(diagram("e_found")[0] == (positional ? 1 : 0))
        let end = try run("ode", values, times: [60_000])
        // gamma = 0.02 shifts the end a little inwards.
        #expect(abs(end("overlap")[0] - diagram("m_found")[0]) < 0.05)
        #expect(abs(end("positional_overlap")[0] - diagram("e_found")[0]) < 0.05)
    }

    @Test func frobeniusTransition() throws {
        let A = PhaseDiagram(a: 1, omega: 0).A
        let omega = try #require(try FrobeniusTransition.shared.omega(A11: A, points: 1 << 18))
        #expect(abs(omega - 0.6278) < 6e-4, "\(omega)")
        // The identities against second differences of the same sampled risk.
        let theory = try attention(omega: 0.67, a: 1, loss: "frobenius")
        let origin = OriginTheory(theory)
        let h = 0.1
        func second(_ f: (Double) -> Double) -> Double {
            (-f(2 * h) + 16 * f(h) - 30 * f(0) + 16 * f(-h) - f(-2 * h)) / (12 * h * h)
        }
        #expect(abs(second { theory.means([0, $0]).risk } - origin.Ree[0]) < 5e-3)
        #expect(abs(second { theory.means([$0, 0]).risk } - origin.Rmm) < 5e-3)
    }

    @Test func traceReductionAtTheOrigin() throws {
        // g = 4/3 + He_4(z_1) + 2 He_4(z_2): the encoding makes a positional direction unstable at SIE 4.
        func origin(_ constant: Double) throws -> OriginTheory {
            let terms = [[constant, 0, 0], [1, 4, 0], [2, 0, 4]]
            return OriginTheory(
                AttentionTheory(
                    try parameters([
                        "d": .integer(1000), "L": .integer(2), "student": .text("attention"),
                        "target": .text("hermite"), "hermite_terms": matrix(terms), "encoding": .text("paired"),
                        "step_size": .real(0.1), "m0": .real(0.1),
                    ]), points: 64))
        }
        let shifted = try origin(4.0 / 3)
        #expect(shifted.Rmm == 0)
        #expect(abs(shifted.Ree[0] + 0.295329) < 1e-6)
        #expect(abs(try origin(0).Ree[0] - 1.038004107) < 1e-6)
        // R_mm = -2c <C_2(g), C_2(f)>: C_2(H2) on one token, E[f (z_1^2-1)] = 0.099686775.
        let H2 = OriginTheory(
            AttentionTheory(
                try parameters([
                    "d": .integer(1000), "L": .integer(2), "student": .text("attention"), "target": .text("H2sum"),
                    "step_size": .real(0.1), "m0": .real(0.1),
                ]), points: 64))
        #expect(abs(H2.Rmm + 2 * 2 * 2.0.squareRoot() * 0.099686775) < 1e-6)
    }

    @Test func aPointOfThePhaseDiagramIsOneFile() throws {
        let values: Given = [
            "d": .integer(100), "L": .integer(2), "student": .text("attention"),
            "target": .text("positional_semantic"), "omega": .real(0.67), "a": .real(1), "step_size": .real(0.5),
        ]
        let record = try run("closed-form", values, times: [])
        #expect(record("region") == [4] && record("minima") == [2] && record("steepest_positional") == [1])
        #expect(record("m_global") == [1] && abs(record("e_found")[0] - 1) < 1e-12)
        #expect(abs(record("growth_rate")[0] - 0.03282) < 1e-5)
        #expect(abs(record("growth_rate_positional")[0] - 0.04083) < 1e-5)
        #expect(abs(record("gamma_crit")[0] - 2 * 0.0727658 / record("squared_signal")[0]) < 1e-5)
        #expect(record("t_eta")[0].isNaN && record("sie")[0].isNaN)
    }
}
