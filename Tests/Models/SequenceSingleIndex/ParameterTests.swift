import ModelTesting
import Modeling
import SequenceSingleIndex
import Testing

@Suite("Parameters")
struct ParameterTests {
    private static let base: Given = ["d": .integer(100), "L": .integer(3), "step_size": .real(0.1)]

    /// Points that do not fit together: what is set, the parameter an error names, and a word of its message.
    static let bad: [(Given, String, String)] = [
        (["L": .integer(1), "target": .text("2difference")], "target", "L >= 2"),
        (["L": .integer(2), "target": .text("sqrtdouble_staircase")], "target", "L >= 3"),
        (["student": .text("attention"), "target": .text("positional_semantic")], "target", "L = 2"),
        (["L": .integer(2), "target": .text("positional_semantic")], "target", "attention"),
        (["target": .text("hermite")], "hermite_terms", "needed by target: hermite"),
        (["target": .text("hermite"), "hermite_terms": matrix([[1, 1, 0]])], "hermite_terms", "4 numbers"),
        (["target": .text("hermite"), "hermite_terms": matrix([[1, 1.5, 0, 0]])], "hermite_terms", "whole numbers"),
        (["hermite_terms": matrix([[1, 1, 0, 0]])], "hermite_terms", "target: hermite"),
        (["loss": .text("frobenius")], "loss", "scalar"),
        (
            [
                "L": .integer(2), "student": .text("attention"), "target": .text("positional_semantic"),
                "loss": .text("square"),
            ], "loss", "half_square or frobenius"
        ),
        (["student": .text("attention"), "reduction": .text("none")], "reduction", "trace"),
        (
            [
                "L": .integer(2), "student": .text("attention"), "target": .text("positional_semantic"),
                "reduction": .text("trace"),
            ], "reduction", "none"
        ),
        (["student": .text("attention"), "reduction": .text("explicit")], "U", "needed by reduction: explicit"),
        (["student": .text("attention"), "U": matrix([[1, 0], [0, 1]])], "U", "3 x 3"),
        (
            ["student": .text("attention"), "reduction": .text("projection"), "projection_left": vector([1, 1, 0])],
            "projection_left", "unit vector"
        ),
        (
            ["student": .text("attention"), "projection_right": vector([1, 0, 0])], "projection_right",
            "projection only"
        ),
        (["student": .text("attention"), "encoding": .text("paired")], "encoding", "L = 2"),
        (["encoding": .text("orthonormal")], "encoding", "attention"),
        (
            ["student": .text("attention"), "encoding_matrix": matrix([[1], [0.5], [0]])], "encoding_matrix",
            "norm 1 (or 0)"
        ),
        (["d": .integer(5), "student": .text("attention"), "encoding": .text("orthonormal")], "d", "at least 6"),
        (["m0_vec": vector([0.1, 0.2, 0.3])], "m0_vec", "untied"),
        (["student": .text("untied"), "m0_vec": vector([0.1, 0.2])], "m0_vec", "3 entries"),
        (["student": .text("untied"), "m0_vec": vector([0.1, 0.2, 1.3])], "m0_vec", "[-1, 1]"),
        (["e0": .real(0.1)], "e0", "encoding"),
        (["student": .text("attention"), "e0": .real(0.1)], "e0", "encoding"),
        (
            ["student": .text("attention"), "encoding": .text("orthonormal"), "e0_vec": vector([0.1])],
            "e0_vec", "3 entries"
        ),
        (
            [
                "L": .integer(2), "student": .text("attention"), "encoding": .text("paired"), "e0": .real(0.8),
                "m0": .real(0.7),
            ], "m0", "exceeds 1"
        ),
        (["student": .text("attention"), "L": .integer(5000)], "L", "4096"),
        (["init": .text("random"), "m0": .real(0.1)], "init", "prescribed only"),
    ]

    static let refused = bad.flatMap { values, name, words in
        // The dimension is what simulations alone have.
        (name == "d" ? ["sgd"] : ["sgd", "ode"]).map { Refusal($0, base.with(values), name, words) }
    }

    @Test("what does not fit together is refused, with the parameter's name and a reason", arguments: refused)
    func whatDoesNotFitIsRefused(_ point: Refusal) {
        #expect(harness.wrongAnswer(to: point) == nil)
    }

    @Test("what has no default is asked for where it is read")
    func needed() {
        for (values, name) in [
            (["L": .integer(3), "step_size": .real(0.1)], "d"), (["d": .integer(9), "step_size": .real(0.1)], "L"),
            (["d": .integer(9), "L": .integer(3)], "step_size"),
        ] as [(Given, String)] {
            #expect(throws: ModelError.needed(name)) { try parameters(values) }
        }
        let theory: Given = ["L": .integer(3), "step_size": .real(0.1), "m0": .real(0.2), "eta": .real(0.3)]
        #expect(throws: Never.self) { try parameters(theory, for: .ode) }
        let attention: Given = ["L": .integer(3), "step_size": .real(0.1), "student": .text("attention")]
        #expect(throws: Never.self) { try parameters(attention, for: .closedForm) }
    }

    @Test("a student larger than the machine costs that memory in sgd and none in the chain")
    func memory() throws {
        let values = Self.base.with(["d": .integer(1_000_000_000_000), "m0": .real(0.3)])
        #expect(try harness.prepare("sgd", values, times: [0]).cost().memory > 8_000_000_000_000)
        #expect(try harness.prepare("overlap-chain", values, times: [0]).cost().memory < 1_000_000)
        #expect(try run("overlap-chain", values, times: [10], unit: .steps)("overlap") != [0.3])
    }

    @Test("derived defaults follow the target and what is given")
    func defaults() throws {
        let matrixModel = try parameters([
            "d": .integer(100), "L": .integer(2), "step_size": .real(0.1), "student": .text("attention"),
            "target": .text("positional_semantic"), "step_scaling": .text("sqrt"),
        ])
        #expect(matrixModel.loss == .halfSquare && matrixModel.encoding == .paired && matrixModel.U == nil)
        #expect(matrixModel.pi == [1, -1] && matrixModel.k == 1 && matrixModel.testSize == 2000)
        #expect(abs(matrixModel.eta - 0.2) < 1e-15 && abs(matrixModel.gamma - 0.1 * 2.0.squareRoot()) < 1e-15)
        #expect(matrixModel.start == .overlapped(o: 0.1, randomSign: false))
        let trace = try parameters(Self.base.with(["student": .text("attention"), "m0": .real(0.3)]))
        #expect(trace.loss == .square && trace.encoding == .none)
        #expect(abs((trace.U?.reduce(0, +) ?? 0) - 3.0.squareRoot()) < 1e-14)
        #expect(trace.start == .prescribed(m: [0.3], eps: []))
    }

    @Test("cost grows with d for sgd and not for the chain")
    func cost() throws {
        func seconds(_ method: String, _ d: Int) throws -> Double {
            try harness.prepare(method, Self.base.with(["d": .integer(d)]), times: [0, 1000]).cost().seconds
        }
        #expect(try seconds("sgd", 10_000) > 5 * seconds("sgd", 1000))
        #expect(try seconds("overlap-chain", 10_000) == seconds("overlap-chain", 1000))
    }

    @Test("risk on a test set: the population's value at t = 0, for networks and attention")
    func risk() throws {
        func risk(_ method: String, _ values: Given) throws -> Double {
            try run(
                method, Self.base.with(["test_size": .integer(400_000)]).with(values), times: [0],
                observables: ["risk_half"])("risk_half")[0]
        }
        for method in ["sgd", "overlap-chain"] {
            // R = (1/2) (E y^2 + E relu^2 - 2 G), G = m/2 for inversesqrtsum (28); untied: mean of m_l.
            #expect(abs(try risk(method, ["m0": .real(0.4)]) - 0.55) < 5e-3)
            #expect(
                abs(
                    try risk(method, ["student": .text("untied"), "m0_vec": vector([0.9, 0.4, -0.1])]) - 0.55) < 5e-3)
            // Landmark 11: R(0.3, 0.4) and R(1, 0).
            let attention: Given = [
                "student": .text("attention"), "L": .integer(2), "target": .text("positional_semantic"),
                "omega": .real(0.67),
            ]
            let inside = try risk(method, attention.with(["e0": .real(0.3), "m0": .real(0.4)]))
            #expect(abs(inside - 0.122587) < 1e-3)
            let frobenius = try risk(
                method, attention.with(["e0": .real(1), "loss": .text("frobenius")]))
            #expect(abs(frobenius - 0.1015513) < 1e-3)
        }
    }
}
