import Foundation
import ModelTesting
import Modeling
import MultiIndexWeakRecovery
import Numerics
import Testing

@Suite struct ParameterTests {
    private static let offDiagonal: Given = ["M0": matrix([[0.3, 0, 0], [0, 0.2, 0.1], [0, 0.1, 0.2]])]

    static let refused = [
        Refusal("amp", point("product", 3), "link"),
        Refusal("fixed-point", point("committee3", 3, ["flip": .real(0.1)]), "flip"),
        Refusal("weak-recovery", point("ratio", 3, ["p": .integer(3)]), "p"),
        Refusal("fixed-point", point("sign_product2", 3, ["init": .text("warm")]), "m0"),
        Refusal("fixed-point", point("sign_product2", 3, ["init": .text("cold"), "m0": .real(0.1)]), "init"),
        Refusal("amp", point("sign_product2", 3, diagonal([0.1, 0.1]).with(["m0": .real(0.1)])), "M0"),
        Refusal("state-evolution", point("sign_product2", 3, ["init": .text("planted"), "m0": .real(0.1)]), "init"),
        Refusal("fixed-point", point("sign_product2", 3, diagonal([0.1, 0.1, 0.1])), "M0"),
        Refusal("fixed-point", point("sign_product2", 3, diagonal([0.1, 1])), "M0"),
        Refusal("fixed-point", point("phase_parity", 3, offDiagonal), "M0"),
        Refusal("amp", point("sign_product2", 1e-3, ["d": .integer(100)]), "alpha"),
        Refusal("amp", point("sign_product2", 1e6, ["d": .integer(10_000_000)]), "alpha"),
    ]

    @Test(arguments: refused) func whatDoesNotFitIsRefused(_ point: Refusal) {
        #expect(harness.wrongAnswer(to: point) == nil)
    }

    @Test func whatFitsIsNotRefused() throws {
        _ = try harness.run(.amp, point("phase_parity", 3, Self.offDiagonal.with(["d": .integer(50)])), times: [1])
        // What no machine holds is the engine's to refuse.
        let huge = try harness.prepare("amp", point("sign_product2", 1e5, ["d": .integer(10_000_000)]), times: [1])
        #expect(try huge.cost().memory == 1 << 60)
    }

    private static let plain = Set(["alpha", "link", "flip", "init", "damping", "max_iterations", "tolerance"])
    private static let amp = plain.union(["d", "precision", "reg", "test_size"])

    /// The parameters that a task's result is a function of.
    @Test func methodsReadWhatMatters() throws {
        let (warm, planted): (Given, Given) = (["m0": .real(0.2)], ["init": .text("planted"), "m0": .real(0.2)])
        for link in ["sign_product2", "phase_parity", "committee3"] {
            #expect(try harness.read("amp", point(link, 3)) == Self.amp.union(["init_scale"]))
            #expect(try harness.read("amp", point(link, 3, warm)) == Self.amp.union(["M0"]))
            #expect(try harness.read("amp", point(link, 3, planted)) == Self.amp.union(["M0"]))
            #expect(try harness.read("amp", point(link, 3, ["init": .text("informed")])) == Self.amp)
            for method in ["state-evolution", "fixed-point"] {
                #expect(try harness.read(method, point(link, 3)) == Self.plain.union(["cold_overlap"]))
                #expect(try harness.read(method, point(link, 3, warm)) == Self.plain.union(["M0"]))
                #expect(try harness.read(method, point(link, 3, ["init": .text("informed")])) == Self.plain)
            }
        }
        let given: Given = ["learned_overlap": .real(0.5)]
        for link in ["phase_parity", "committee3"] {
            #expect(try harness.read("weak-recovery", point(link, 3)) == ["link", "p", "flip", "alpha"])
            #expect(
                try harness.read("weak-recovery", point(link, 3, given)) == [
                    "link", "p", "flip", "alpha", "learned_overlap",
                ])
        }
        for link in ["sign_product2", "product", "ratio", "sum_of_squares", "square", "absolute"] {
            #expect(try harness.read("weak-recovery", point(link, 3, given)) == ["link", "p", "flip"])
        }
        // Flips do not move an infinite threshold.
        #expect(try harness.read("weak-recovery", point("sign_product3", 3, ["flip": .real(0.1)])) == ["link", "p"])
    }

    /// The given parameters that make axes: what is read, and what derived defaults are made of.
    @Test func methodsTouchWhatTheyLookAt() throws {
        let values = point(
            "sign_product2", 3,
            [
                "m0": .real(0.2), "d": .integer(50), "init_scale": .real(0.2), "cold_overlap": .real(0.1),
                "learned_overlap": .real(0.5), "p": .integer(2), "reg": .real(0),
            ])
        func touched(_ method: String) throws -> Set<String> {
            try harness.touched(method, values).intersection(values.keys)
        }
        #expect(try touched("amp") == ["link", "alpha", "m0", "d", "reg"])
        #expect(try touched("fixed-point") == ["link", "alpha", "m0"])
        #expect(try touched("weak-recovery") == ["link", "p"])
    }

    @Test func writingDefaultsDownChangesNoName() throws {
        let cold = point("sign_product2", 3)
        let shared: Given = ["flip": .real(0), "init": .text("cold"), "damping": .real(0)]
        for (name, value) in shared {
            for method in ["amp", "state-evolution", "fixed-point"] {
                #expect(harness.differences(method, cold, cold.with([name: value])) == [])
            }
        }
        let amp: Given = [
            "d": .integer(1000), "init_scale": .real(0.1), "precision": .text("gg"), "reg": .real(1e-6),
            "max_iterations": .integer(200), "tolerance": .real(1e-4), "test_size": .integer(20_000),
        ]
        for (name, value) in amp {
            #expect(harness.differences("amp", cold, cold.with([name: value])) == [], "\(name)")
        }
        let theory: Given = [
            "max_iterations": .integer(100_000), "tolerance": .real(1e-8), "cold_overlap": .real(1e-3),
        ]
        for (name, value) in theory {
            #expect(harness.differences("fixed-point", cold, cold.with([name: value])) == [], "\(name)")
        }
        #expect(harness.differences("weak-recovery", cold, cold.with(["p": .integer(2), "flip": .real(0)])) == [])
        #expect(
            harness.differences(
                "weak-recovery", point("sum_of_squares", 1), point("sum_of_squares", 1, ["p": .integer(2)])) == [])
        // m0 stands for a diagonal M0.
        let warm = point("phase_parity", 3, ["m0": .real(0.2)])
        #expect(harness.differences("amp", warm, warm.with(["init": .text("warm")])) == [])
        #expect(harness.differences("amp", warm, point("phase_parity", 3, diagonal([0.2, 0.2, 0.2]))) == [])
    }

    /// Every observable is put in some run; the harness refuses what is not declared.
    @Test func allObservablesArePut() throws {
        let small: Given = ["d": .integer(30), "test_size": .integer(20), "m0": .real(0.3)]
        for method in harness.model.methods.map(\.name) {
            let links = method == "weak-recovery" ? ["sign_product2", "phase_parity"] : ["sign_product2"]
            let points = links.map { point($0, 3, small) }
            #expect(harness.observablesNotPut(by: method, at: points, times: [0, 1, 2]) == [], "\(method)")
        }
    }

    /// Dimensions and sample counts below a block of eight rows and sixteen columns.
    @Test(arguments: [(2, 1.0), (3, 0.4), (17, 0.5), (16, 1.0)]) func smallSizes(d: Int, alpha: Double) throws {
        for link in ["sign_product2", "phase_parity", "committee3"] {
            let run = try harness.run(
                "amp", point(link, alpha, ["d": .integer(d), "m0": .real(0.2), "test_size": .integer(10)]),
                times: [0, 1, 2], observables: ["M", "train_error", "test_error"])
            #expect(run("train_error").filter(\.isFinite).count == 3)
        }
    }

    /// The sensing operator with its padding against sums in double precision.
    @Test(arguments: [(5, 7), (8, 16), (21, 33)]) func sensing(n: Int, d: Int) {
        var random = RandomStream(identity: TaskIdentity(high: 0x3152, low: 1))
        var copy = random
        var sensing = Sensing(n: n, d: d, width: 3, &random)
        var x = Array(repeating: Float(0), count: n * d)
        for row in 0..<n {
            x.withUnsafeMutableBufferPointer {
                copy.fillNormal(UnsafeMutableBufferPointer(rebasing: $0[row * d..<(row + 1) * d]))
            }
        }
        let estimate = (0..<d * 3).map { _ in random.normal() }
        let g = (0..<n * 3).map { _ in random.normal() }
        var fields = Array(repeating: 0.0, count: n * 3)
        var back = Array(repeating: 0.0, count: d * 3)
        sensing.fields(of: estimate, into: &fields)
        sensing.adjoint(of: g, into: &back)
        for a in 0..<3 {
            for i in 0..<n {
                let sum = (0..<d).reduce(0) { $0 + Double(x[i * d + $1]) * estimate[3 * $1 + a] }
                #expect(abs(fields[3 * i + a] - sum / Double(d).squareRoot()) < 2e-6)
            }
            for j in 0..<d {
                let sum = (0..<n).reduce(0) { $0 + Double(x[$1 * d + j]) * g[3 * $1 + a] }
                #expect(abs(back[3 * j + a] - sum / Double(d).squareRoot()) < 2e-6)
            }
        }
    }
}
