import Foundation
import Modeling
import Sweep
import Testing

@Suite("Expressions")
struct ExpressionTests {
    /// The value of an expression with L = 4, d = 100, step_size = 0.5.
    private func value(_ text: String) throws -> Double {
        let grid = try job(BadJob.having("  d: 100\n  step_size: 0.5\n  L: 4\n  bias: {expr: \"\(text)\"}")).grids[0]
        guard case .real(let value)? = grid.fixed["bias"] else { return .nan }
        return value
    }

    @Test(arguments: [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("-2^2", -4), ("2^3^2", 512), ("2**-1", 0.5), ("7 % 3", 1), ("-7 % 3", 2),
        ("2 - 3 - 4", -5), ("16 / 4 / 2", 2), ("- - 3", 3), ("+4", 4), (".5e1", 5), ("1e-2 * d", 1), ("2 * -L", -8),
        ("sqrt(L)", 2), ("abs(-3)", 3), ("sign(-0.1)", -1), ("floor(-0.5)", -1), ("ceil(0.5)", 1),
        ("round(2.5)", 2), ("min(3, L, 9)", 3), ("max(3, L)", 4), ("pow(L, 0.5)", 2), ("log2(8)", 3),
        ("log10(1000)", 3),
        ("if(L > 3, 10, 20)", 10), ("if(student == 'tied' and not random_sign, 1, 2)", 1), ("gamma * 2", 1),
        ("if(1 < L <= 4 < d, 1, 0)", 1), ("if(L < 4 or d != 100, 1, 0)", 0), ("if(!(L < 4) && true, 1, 0)", 1),
    ])
    func `arithmetic`(text: String, expected: Double) throws {
        #expect(try value(text) == expected)
    }

    @Test(arguments: ["==", "!=", "<", "<=", ">", ">="])
    func `no comparison with NaN holds, on either side`(comparison: String) throws {
        for text in ["sqrt(-1) \(comparison) 1", "1 \(comparison) sqrt(-1)", "sqrt(-1) \(comparison) sqrt(-1)"] {
            #expect(try value("if(\(text), 1, 0)") == 0)
            #expect(try value("if(not (\(text)), 1, 0)") == 1)
        }
        #expect(try value("if(student != 'untied' and L != 3 and random_sign != true, 1, 0)") == 1)
        #expect(try value("if(L != 4 or student != 'tied' or random_sign != false, 1, 0)") == 0)
    }

    @Test func `functions`() throws {
        let x = 0.7
        for (text, expected) in [
            ("exp(0.7)", exp(x)), ("log(0.7)", log(x)), ("tanh(0.7)", tanh(x)), ("sin(0.7)", sin(x)),
            ("cos(0.7)", cos(x)),
            ("tan(0.7)", tan(x)), ("asin(0.7)", asin(x)), ("acos(0.7)", acos(x)), ("atan(0.7)", atan(x)),
            ("sinh(0.7)", sinh(x)), ("cosh(0.7)", cosh(x)), ("erf(0.7)", erf(x)), ("expm1(0.7)", expm1(x)),
            ("log1p(0.7)", log1p(x)), ("cbrt(0.7)", cbrt(x)), ("2 * pi", 2 * Double.pi),
        ] {
            #expect(try value(text) == expected)
        }
    }

    @Test func `over axes, with expressions of expressions, as computed point by point`() throws {
        let grid = try job(
            BadJob.having(
                """
                  d: [10, 100, 1000]
                  bias: {linspace: [0, 1, 700]}
                  mixing: {expr: "step_size / 2"}
                  step_size: {expr: "0.05 * sqrt(L) + 0.1 * bias"}
                  L: [1, 2]
                  init_scale: {expr: "d * L"}
                """)
        ).grids[0]
        #expect(grid.derived.map(\.name) == ["mixing", "step_size", "init_scale"])
        #expect(grid.derived.map(\.axes) == [[1, 2], [1, 2], [0, 2]])
        let all = grid.derived.map(\.values)
        for point in stride(from: 0, to: grid.pointCount, by: 7) {
            let its = grid.point(at: point)
            let step = 0.05 * Double(try its.integer("L")).squareRoot() + 0.1 * (try its.real("bias"))
            #expect(try its.real("step_size") == step)
            #expect(try its.real("mixing") == step / 2)
            #expect(try its.real("init_scale") == Double(its.integer("d") * its.integer("L")))
            let indices = grid.indices(of: point)
            #expect(all[1][indices[1] * 2 + indices[2]] == .real(step))
            #expect(all[2][indices[0] * 2 + indices[2]] == its["init_scale"])
        }
    }

    @Test func `integers from expressions are whole`() throws {
        let grid = try job(BadJob.having("  d: {expr: \"100 * (0.1 + 0.2) * L\"}\n  step_size: 0.1\n  L: [1, 2]"))
            .grids[0]
        #expect(grid.derived[0].values == [.integer(30), .integer(60)])
    }

    @Test func `texts and flags from expressions`() throws {
        let grid = try job(
            BadJob.adding(
                "  L: [2, 4]\n  student: {expr: \"if(L > 2, 'tied', 'untied')\"}\n  random_sign: {expr: \"L == 2\"}")
        ).grids[0]
        #expect(grid.derived.map(\.values) == [[.text("untied"), .text("tied")], [.flag(true), .flag(false)]])
    }

    @Test func `where, in several conditions, on every axis order and length`() throws {
        let grid = try job(
            BadJob.adding(
                """
                  L: {range: [1, 9, 1]}
                  student: [tied, untied]
                  bias: {linspace: [0, 1, 67]}
                where: ["bias * L < 3 or student == 'untied'", "L % 3 != 0"]
                """)
        ).grids[0]
        var count = 0
        for point in 0..<grid.pointCount {
            let its = grid.point(at: point)
            let (L, bias) = (try its.integer("L"), try its.real("bias"))
            let isIn = (bias * Double(L) < 3 || its["student"] == .text("untied")) && L % 3 != 0
            #expect(grid.isIncluded(point) == isIn)
            if isIn { count += 1 }
        }
        #expect(grid.includedCount == count)
    }

    @Test func `a point is in when any point that projects onto it is`() throws {
        // The closed form has the axis L alone; bias is left out of its grid, and the zipped noise merges.
        let grid = try job(
            BadJob.adding(
                """
                  bias: [1, 2, 3]
                  L: [2, 2, 4, 8]
                  noise: [0, 1, 2, 3]
                zip: [[L, noise]]
                where: "bias * L <= 8 and noise != 0"
                """, methods: "[closed-form, sgd]")
        ).grids[0]
        #expect(grid.axes.map(\.count) == [3])
        #expect((0..<3).map(grid.isIncluded) == [true, true, true])
        let fewer = try job(
            BadJob.adding("  bias: [1, 2, 3]\n  L: [2, 4, 8]\nwhere: \"bias + L <= 5\"", methods: "[closed-form, sgd]"))
        #expect((0..<3).map(fewer.grids[0].isIncluded) == [true, true, false])
        #expect(fewer.grids[0].includedCount == 2)
        #expect(fewer.grids[1].includedCount == 4)
    }

    @Test func `excluded points may break constraints and ranges`() throws {
        #expect(
            throws: Never.self,
            performing: {
                try job(
                    BadJob.adding(
                        "  student: [tied, attention]\n  L: [1, 2]\nwhere: \"student != 'attention' or L > 1\""))
            })
        let grid = try job(
            BadJob.adding("  L: [1, 2, 4]\n  noise: {expr: \"2 - L\"}\nwhere: \"L <= 2\"")
        ).grids[0]
        #expect(grid.includedCount == 2)
    }
}
