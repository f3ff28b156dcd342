import Modeling
import Models
import Testing

@Suite("SSI parameters and rules")
struct SSIParameterTests {
    private static let base: [String: ParameterValue] = ["d": .integer(100), "L": .integer(3), "step_size": .real(0.1)]

    /// Points that do not fit together: what is set, the parameter an error names, and a word of its message.
    static let bad: [([String: ParameterValue], String, String)] = [
        (["L": .integer(1), "target": .text("2difference")], "target", "L >= 2"),
        (["L": .integer(2), "target": .text("sqrtdouble_staircase")], "target", "L >= 3"),
        (["student": .text("attention"), "target": .text("positional_semantic")], "target", "L = 2"),
        (["L": .integer(2), "target": .text("positional_semantic")], "target", "attention"),
        (["target": .text("hermite")], "hermite_terms", "needs hermite_terms"),
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
        (["student": .text("attention"), "reduction": .text("explicit")], "U", "needs the matrix"),
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
            ["student": .text("attention"), "encoding": .text("orthonormal"), "e0_vec": vector([0.1])], "e0",
            "3 entries"
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

    @Test("what does not fit together is refused, with the parameter's name and a reason")
    func refused() {
        for (values, name, word) in Self.bad {
            let point = ssiPoint(Self.base.merging(values) { $1 })
            do {
                _ = try SSIParameters(point)
                Issue.record("accepted: \(values)")
            } catch ModelError.parameter(let found, let what) {
                #expect(found == name && what.contains(word), "\(values): '\(found)' \(what)")
            } catch {
                Issue.record("\(error)")
            }
            // The job check finds the same with nothing but the constraint's own parameters.
            let violations = SequenceSingleIndex().constraints(method: "sgd").compactMap { constraint in
                var part = ParameterPoint()
                for parameter in constraint.parameters { part[parameter] = point[parameter] }
                return constraint.violation(part)
            }
            #expect(violations.contains { $0.contains(word) }, "\(values)")
        }
    }

    @Test("a student larger than the machine is refused by sgd and no matter to the chain")
    func memory() throws {
        let values = Self.base.merging(["d": .integer(1_000_000_000_000), "m0": .real(0.3)]) { $1 }
        #expect {
            _ = try runSSI("sgd", values, times: [0])
        } throws: { "\($0)".contains("overlap-chain") }
        #expect(try runSSI("overlap-chain", values, times: [10], unit: .steps)("overlap") != [0.3])
    }

    @Test("derived defaults follow the target and what is given")
    func defaults() throws {
        let matrixModel = try SSIParameters(
            ssiPoint([
                "d": .integer(100), "L": .integer(2), "step_size": .real(0.1), "student": .text("attention"),
                "target": .text("positional_semantic"), "step_scaling": .text("sqrt"),
            ]))
        #expect(matrixModel.loss == .halfSquare && matrixModel.encoding == .paired && matrixModel.U == nil)
        #expect(matrixModel.pi == [1, -1] && matrixModel.k == 1 && matrixModel.testSize == 2000)
        #expect(abs(matrixModel.eta - 0.2) < 1e-15 && abs(matrixModel.gamma - 0.1 * 2.0.squareRoot()) < 1e-15)
        #expect(matrixModel.initialisation == .overlapped(o: 0.1, randomSign: false))
        let trace = try SSIParameters(
            ssiPoint(Self.base.merging(["student": .text("attention"), "m0": .real(0.3)]) { $1 }))
        #expect(trace.loss == .square && trace.encoding == .none)
        #expect(abs((trace.U?.reduce(0, +) ?? 0) - 3.0.squareRoot()) < 1e-14)
        #expect(trace.initialisation == .prescribed(m: [0.3], eps: []))
    }

    @Test("axes a method does not see are left out, and kept when the student is itself an axis")
    func parametersUsed() {
        let model = SequenceSingleIndex()
        func used(_ given: Set<String>, _ fixed: [String: ParameterValue], _ method: String = "sgd") -> Set<String> {
            model.parametersUsed(
                by: method, in: JobContext(timeUnit: .scaled, given: given, fixed: ParameterPoint(fixed)))
        }
        let tied = used(["d", "norm_mode", "omega", "e0"], [:])
        #expect(tied.isSuperset(of: ["d", "L", "step_size", "activation", "target", "eta"]))
        #expect(tied.isDisjoint(with: ["norm_mode", "omega", "a", "U", "encoding", "hermite_terms"]))
        // An axis over students: nothing that hangs on the student may be dropped.
        let axis = used(["student", "norm_mode", "target", "omega"], [:])
        #expect(
            axis.isSuperset(
                of: ["norm_mode", "activation", "encoding", "omega", "a"]))
        let attention = used(
            ["student", "target", "omega", "a", "activation"],
            ["student": .text("attention"), "target": .text("positional_semantic")])
        #expect(attention.isSuperset(of: ["omega", "a"]))
        #expect(attention.isDisjoint(with: ["activation", "norm_mode", "U"]))
        // The start: given overlaps make it prescribed, whatever their values.
        #expect(used(["m0"], [:]).contains("m0") && !used(["m0"], [:]).contains("init_scale"))
        #expect(used([], [:]).contains("init_scale") && !used([], [:]).contains("m0"))
        #expect(used(["init"], [:]).isSuperset(of: ["init_scale", "random_sign"]))
    }

    @Test("cost grows with d for sgd and not for the chain; every method has its specification's parameters")
    func cost() throws {
        let model = SequenceSingleIndex()
        let times = RecordingTimes(unit: .steps, values: [0, 1000])
        func seconds(_ method: String, _ d: Int) throws -> Double {
            try model.cost(
                method: method, at: ssiPoint(Self.base.merging(["d": .integer(d)]) { $1 }), times: times
            ).seconds
        }
        #expect(try seconds("sgd", 10_000) > 5 * seconds("sgd", 1000))
        #expect(try seconds("overlap-chain", 10_000) == seconds("overlap-chain", 1000))
        let names = Set(model.parameters.map(\.name))
        #expect(names.count == model.parameters.count)
        for method in model.methods {
            #expect(names.isSuperset(of: method.costParameters), "\(method.name)")
            #expect(
                names.isSuperset(
                    of: model.parametersUsed(
                        by: method.name,
                        in: JobContext(
                            timeUnit: .scaled, given: [], fixed: ParameterPoint()))))
        }
    }

    @Test("risk on a test set: the population's value at t = 0, for networks and attention")
    func risk() throws {
        func risk(_ method: String, _ values: [String: ParameterValue]) throws -> Double {
            try runSSI(
                method, Self.base.merging(["test_size": .integer(400_000)]) { $1 }.merging(values) { $1 }, times: [0],
                observables: ["risk_half"])("risk_half")[0]
        }
        for method in ["sgd", "overlap-chain"] {
            // R = (1/2) (E y^2 + E relu^2 - 2 G), G = m/2 for inversesqrtsum (sheet, section 4.2); untied: mean of m_l.
            #expect(abs(try risk(method, ["m0": .real(0.4)]) - 0.55) < 5e-3)
            #expect(
                abs(
                    try risk(method, ["student": .text("untied"), "m0_vec": vector([0.9, 0.4, -0.1])]) - 0.55) < 5e-3)
            // Landmark 11: R(0.3, 0.4) and R(1, 0).
            let attention: [String: ParameterValue] = [
                "student": .text("attention"), "L": .integer(2), "target": .text("positional_semantic"),
                "omega": .real(0.67),
            ]
            let inside = try risk(method, attention.merging(["e0": .real(0.3), "m0": .real(0.4)]) { $1 })
            #expect(abs(inside - 0.122587) < 1e-3)
            let frobenius = try risk(
                method, attention.merging(["e0": .real(1), "loss": .text("frobenius")]) { $1 })
            #expect(abs(frobenius - 0.1015513) < 1e-3)
        }
    }
}
