import Foundation
import ModelTesting
import Modeling
import MultiIndexWeakRecovery
import Numerics
import Testing

@Suite struct ParameterTests {
    private func refused(_ method: String, _ values: Given) -> String? {
        do {
            _ = try record(method, values, times: [1])
            return nil
        } catch ModelError.parameter(let name, _) {
            return name
        } catch ModelError.conflict(let name, _) {
            return name
        } catch {
            return "\(error)"
        }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        #expect(refused("amp", point("product", 3)) == "link")
        #expect(refused("fixed-point", point("committee3", 3, ["flip": .real(0.1)])) == "flip")
        #expect(refused("weak-recovery", point("ratio", 3, ["p": .integer(3)])) == "p")
        #expect(refused("fixed-point", point("sign_product2", 3, ["init": .text("warm")])) == "m0")
        #expect(
            refused("fixed-point", point("sign_product2", 3, ["init": .text("cold"), "m0": .real(0.1)])) == "init")
        #expect(
            refused("amp", point("sign_product2", 3, diagonal([0.1, 0.1]).merging(["m0": .real(0.1)]) { $1 })) == "M0")
        #expect(
            refused("state-evolution", point("sign_product2", 3, ["init": .text("planted"), "m0": .real(0.1)]))
                == "init")
        #expect(refused("fixed-point", point("sign_product2", 3, diagonal([0.1, 0.1, 0.1]))) == "M0")
        #expect(refused("fixed-point", point("sign_product2", 3, diagonal([0.1, 1]))) == "M0")
        let off = matrix([[0.3, 0, 0], [0, 0.2, 0.1], [0, 0.1, 0.2]])
        #expect(refused("fixed-point", point("phase_parity", 3, ["M0": off])) == "M0")
        #expect(refused("amp", point("phase_parity", 3, ["M0": off, "d": .integer(50)])) == nil)
        #expect(refused("amp", point("sign_product2", 1e-3, ["d": .integer(100)])) == "alpha")
        #expect(refused("amp", point("sign_product2", 1e6, ["d": .integer(10_000_000)])) == "alpha")
        // What no machine holds is the engine's to refuse.
        let huge = try harness.prepare("amp", point("sign_product2", 1e5, ["d": .integer(10_000_000)]), times: [1])
        #expect(try huge.cost().memory == 1 << 60)
    }

    private static let plain = Set(["alpha", "link", "flip", "init", "damping", "max_iterations", "tolerance"])
    private static let amp = plain.union(["d", "precision", "reg", "test_size"])

    /// The parameters that a task's result is a function of.
    @Test func methodsReadWhatMatters() throws {
        func read(_ method: String, _ values: Given) throws -> Set<String> {
            Set(try harness.prepare(method, values).readings.map(\.name))
        }
        let (warm, planted): (Given, Given) = (["m0": .real(0.2)], ["init": .text("planted"), "m0": .real(0.2)])
        for link in ["sign_product2", "phase_parity", "committee3"] {
            #expect(try read("amp", point(link, 3)) == Self.amp.union(["init_scale"]))
            #expect(try read("amp", point(link, 3, warm)) == Self.amp.union(["M0"]))
            #expect(try read("amp", point(link, 3, planted)) == Self.amp.union(["M0"]))
            #expect(try read("amp", point(link, 3, ["init": .text("informed")])) == Self.amp)
            for method in ["state-evolution", "fixed-point"] {
                #expect(try read(method, point(link, 3)) == Self.plain.union(["cold_overlap"]))
                #expect(try read(method, point(link, 3, warm)) == Self.plain.union(["M0"]))
                #expect(try read(method, point(link, 3, ["init": .text("informed")])) == Self.plain)
            }
        }
        let given: Given = ["learned_overlap": .real(0.5)]
        for link in ["phase_parity", "committee3"] {
            #expect(try read("weak-recovery", point(link, 3)) == ["link", "p", "flip", "alpha"])
            #expect(
                try read("weak-recovery", point(link, 3, given)) == ["link", "p", "flip", "alpha", "learned_overlap"])
        }
        for link in ["sign_product2", "product", "ratio", "sum_of_squares", "square", "absolute"] {
            #expect(try read("weak-recovery", point(link, 3, given)) == ["link", "p", "flip"])
        }
        // Flips do not move an infinite threshold.
        #expect(try read("weak-recovery", point("sign_product3", 3, ["flip": .real(0.1)])) == ["link", "p"])
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
            Set(try harness.prepare(method, values).touched).intersection(values.keys)
        }
        #expect(try touched("amp") == ["link", "alpha", "m0", "d", "reg"])
        #expect(try touched("fixed-point") == ["link", "alpha", "m0"])
        #expect(try touched("weak-recovery") == ["link", "p"])
    }

    @Test func writingDefaultsDownChangesNoName() throws {
        func same(_ method: String, _ values: Given, _ more: Given) throws -> Bool {
            try harness.prepare(method, values).readings
                == harness.prepare(method, values.merging(more) { $1 }).readings
        }
        let cold = point("sign_product2", 3)
        let shared: Given = ["flip": .real(0), "init": .text("cold"), "damping": .real(0)]
        for (name, value) in shared {
            for method in ["amp", "state-evolution", "fixed-point"] { #expect(try same(method, cold, [name: value])) }
        }
        let amp: Given = [
            "d": .integer(1000), "init_scale": .real(0.1), "precision": .text("gg"), "reg": .real(1e-6),
            "max_iterations": .integer(200), "tolerance": .real(1e-4), "test_size": .integer(20_000),
        ]
        for (name, value) in amp { #expect(try same("amp", cold, [name: value]), "\(name)") }
        let theory: Given = [
            "max_iterations": .integer(100_000), "tolerance": .real(1e-8), "cold_overlap": .real(1e-3),
        ]
        for (name, value) in theory { #expect(try same("fixed-point", cold, [name: value]), "\(name)") }
        #expect(try same("weak-recovery", cold, ["p": .integer(2), "flip": .real(0)]))
        #expect(try same("weak-recovery", point("sum_of_squares", 1), ["p": .integer(2)]))
        // m0 stands for a diagonal M0.
        let warm = point("phase_parity", 3, ["m0": .real(0.2)])
        #expect(try same("amp", warm, ["init": .text("warm")]))
        #expect(
            try harness.prepare("amp", warm).readings
                == harness.prepare("amp", point("phase_parity", 3, diagonal([0.2, 0.2, 0.2]))).readings)
    }

    /// Every observable is put in some run; the harness refuses what is not declared.
    @Test func allObservablesArePut() throws {
        let small: Given = ["d": .integer(30), "test_size": .integer(20), "m0": .real(0.3), "p": .integer(2)]
        for spec in harness.model.methods {
            var put: Set<String> = []
            for link in spec.name == "weak-recovery" ? ["sign_product2", "phase_parity"] : ["sign_product2"] {
                let recording = try record(spec.name, point(link, 3, small.filter { $0.key != "p" }), times: [0, 1, 2])
                put.formUnion(try #require(recording.sink.audit).put)
            }
            #expect(put == Set(spec.observables.map(\.name)), "\(spec.name)")
        }
    }

    /// Dimensions and sample counts below a block of eight rows and sixteen columns.
    @Test(arguments: [(2, 1.0), (3, 0.4), (17, 0.5), (16, 1.0)]) func smallSizes(d: Int, alpha: Double) throws {
        for link in ["sign_product2", "phase_parity", "committee3"] {
            let run = try record(
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
