import Foundation
import ModelTesting
import Modeling
import Numerics
import SequenceSingleIndex
import Testing

@Suite("Simulations are what (13) to (18) say")
struct ExactnessTests {
    /// The starts that `cases` leave to the default are prescribed here, so that the reference can follow.
    private func prescribed(_ values: Given, d: Int) -> Given {
        var values = values.with(["d": .integer(d)])
        if values["m0"] == nil { values["m0"] = .real(0.35) }
        return values
    }

    @Test("given the same numbers, sgd follows the token-by-token update step for step")
    func sameNumbers() throws {
        let d = 41
        for (name, values) in cases {
            let values = prescribed(values, d: d)
            let k = try encodingDirections(values)
            let L = values.integer("L")
            let rows = values["student"] == .text("untied") ? L : 1
            let n = d - 1 - k
            let stride = (n + 31) / 32 * 32
            let root = Double(d).squareRoot()

            // The streams of the run under test: 0 start, 1 vectors, 2 scalars.
            let task = RandomStream(identity: harness.identity())
            var start = task.substream(0)
            var vectors = task.substream(1)
            var scalars = task.substream(2)
            func floats(_ count: Int, _ stream: inout RandomStream) -> [Double] {
                var x = Array(repeating: Float(0), count: count)
                x.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
                return x.map(Double.init)
            }
            let perStep = (values["student"] == .text("attention") ? 2 + k : 1) * L
            let block = max(1024, 8 * (2 + k) * L)
            var position = 0
            func draw() -> [Double] {
                // A request that does not fit into the block's rest starts a new one.
                if position + perStep > block {
                    for _ in position..<block { _ = scalars.normal() }
                    position = 0
                }
                position += perStep
                return (0..<perStep).map { _ in scalars.normal() }
            }

            func axis(_ i: Int) -> [Double] { (0..<d).map { $0 == i ? root : 0 } }
            let axes = Array(repeating: 0.0, count: 1 + k)
            var reference = Reference(
                values, teacher: axis(0), directions: (0..<k).map { axis(1 + $0) },
                rest: (0..<rows).map { _ in axes + floats(n, &start) })
            for _ in 0..<500 {
                let g = (0..<rows).map { _ in Array(floats(stride, &vectors)[..<n]) }
                let x = draw()
                let X: [[Double]]
                switch reference.student {
                case "tied":
                    // Any tokens with this sum will do: each gets its share.
                    X = (0..<L).map { l in [x[l]] + g[0].map { $0 / Double(L).squareRoot() } }
                case "untied": X = (0..<L).map { l in [x[l]] + g[l] }
                default:
                    // Along the axes and the present w the draws themselves; else any tokens whose sum weighted by D
                    // is |D| g off w.
                    let rest = Array(reference.w[0][(1 + k)...])
                    let size = dot(rest, rest).squareRoot()
                    let unit = rest.map { $0 / size }
                    let onUnit = dot(g[0], unit)
                    let off = zip(g[0], unit).map { $0 - onUnit * $1 }
                    let tokens = (0..<L).map { l in
                        [x[l]] + (0..<k).map { x[2 * L + l * k + $0] } + unit.map { x[L + l] * $0 }
                    }
                    let scaled = tokens.map { $0.map { $0 / root } }
                    let D = reference.signals(
                        scaled.map { dot($0, reference.teacher) }, reference.fields(scaled, reference.w))
                    let norm = dot(D, D).squareRoot()
                    X = tokens.indices.map { l in
                        zip(tokens[l], axes + off).map { $0 + D[l] / norm * $1 }
                    }
                }
                reference.step(X.map { $0.map { $0 / root } })
            }

            let record = try run("sgd", values, times: [500], unit: .steps)
            let expected = reference.overlaps
            let m = reference.student == "untied" ? record("overlap_vec") : record("overlap")
            let found = m + (reference.student == "attention" ? record("positional_overlap_vec") : [])
            #expect(found.count == expected.count)
            for (a, b) in zip(found, expected) { #expect(abs(a - b) < 2e-5, "\(name): \(found) \(expected)") }
        }
    }

    @Test("given the same numbers, the chain follows the token-by-token update step for step")
    func sameNumbersChain() throws {
        let d = 13
        for (name, values) in cases {
            let values = prescribed(values, d: d)
            let k = try encodingDirections(values)
            let L = values.integer("L")
            let rows = values["student"] == .text("untied") ? L : 1
            let n = d - 1 - k
            let root = Double(d).squareRoot()
            var draws = ChainDraws(largestRequest: (2 + k) * L + 1)
            var random = RandomStream(identity: TaskIdentity(high: 5, low: 5))
            func gaussian(_ count: Int) -> [Double] { (0..<count).map { _ in random.normal() } }
            func axis(_ i: Int) -> [Double] { (0..<d).map { $0 == i ? root : 0 } }
            let axes = Array(repeating: 0.0, count: 1 + k)
            var reference = Reference(
                values, teacher: axis(0), directions: (0..<k).map { axis(1 + $0) },
                rest: (0..<rows).map { _ in axes + gaussian(n) })
            /// A vector with component `along` on `u` and norm `off` off it, in any direction.
            func vector(_ u: [Double], along: Double, off: Double) -> [Double] {
                let unit = u.map { $0 / dot(u, u).squareRoot() }
                let x = gaussian(u.count)
                let part = dot(x, unit)
                let other = zip(x, unit).map { $0 - part * $1 }
                let size = dot(other, other).squareRoot()
                return zip(unit, other).map { along * $0 + off / size * $1 }
            }
            for _ in 0..<200 {
                let rest = reference.w.map { Array($0[(1 + k)...]) }
                var X: [[Double]]
                switch (reference.student, reference.perToken) {
                case ("tied", _):
                    let x = draws.take(L + 1)
                    let mean = vector(rest[0], along: x[L], off: draws.chiSquare(d - 2).squareRoot())
                    X = (0..<L).map { l in [x[l]] + mean.map { $0 / Double(L).squareRoot() } }
                case ("untied", false):
                    let x = draws.take(L + 1)
                    let all = vector(
                        rest.flatMap { $0 }, along: x[L], off: draws.chiSquare(L * d - L - 1).squareRoot())
                    X = (0..<L).map { l in [x[l]] + all[(l * n)..<((l + 1) * n)] }
                case ("untied", true):
                    let x = draws.take(2 * L)
                    X = (0..<L).map { l in
                        [x[l]] + vector(rest[l], along: x[L + l], off: draws.chiSquare(d - 2).squareRoot())
                    }
                default:
                    let x = draws.take((2 + k) * L)
                    let unit = rest[0].map { $0 / dot(rest[0], rest[0]).squareRoot() }
                    X = (0..<L).map { l in
                        [x[l]] + (0..<k).map { x[2 * L + l * k + $0] } + unit.map { x[L + l] * $0 }
                    }
                    let scaled = X.map { $0.map { $0 / root } }
                    let D = reference.signals(
                        scaled.map { dot($0, reference.teacher) }, reference.fields(scaled, reference.w))
                    let off = axes + vector(unit, along: 0, off: draws.chiSquare(d - 2 - k).squareRoot())
                    for l in 0..<L { X[l] = zip(X[l], off).map { $0 + D[l] / dot(D, D).squareRoot() * $1 } }
                }
                reference.step(X.map { $0.map { $0 / root } })
            }
            let record = try run("overlap-chain", values, times: [200], unit: .steps)
            let expected = reference.overlaps
            let m = reference.student == "untied" ? record("overlap_vec") : record("overlap")
            let found = m + (reference.student == "attention" ? record("positional_overlap_vec") : [])
            #expect(found.count == expected.count)
            for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-6, "\(name): \(found) \(expected)") }
        }
    }

    /// d, steps, a factor on the step size, and seeds. The laws are equal at any d and step size; at d = 8 and huge
    /// steps the renormalisation and every 1/d in it count.
    static let regimes = [(24, 96, 1.0, 800), (8, 6, 6.0, 8000)]

    @Test(
        "sgd, the reduced chain and the token-by-token simulation agree in mean and standard deviation",
        .enabled(if: runsLongTests), arguments: regimes)
    func sameLaw(d: Int, steps: Int, factor: Double, seeds: Int) throws {
        for (name, values) in cases {
            var values = prescribed(values, d: d)
            values["step_size"] = .real(factor * values.real("step_size"))
            let k = try encodingDirections(values)
            let isAttention = values["student"] == .text("attention")
            let wanted: Set<String> = ["overlap", "overlap_vec", "positional_overlap_vec"]
            func ensemble(_ method: String, firstSeed: Int) throws -> [[Double]] {
                try (0..<seeds).map {
                    let record = try run(
                        method, values, times: [Double(steps)], unit: .steps, seed: firstSeed + $0, observables: wanted)
                    let m = values["student"] == .text("untied") ? record("overlap_vec") : record("overlap")
                    return m + (isAttention ? record("positional_overlap_vec") : [])
                }
            }
            let found = [
                ("sgd", try ensemble("sgd", firstSeed: 1)),
                ("chain", try ensemble("overlap-chain", firstSeed: 100_000)),
            ]
            let reference = (0..<seeds).map { seed in
                var random = RandomStream(identity: TaskIdentity(high: 99, low: UInt64(seed)))
                var reference = Reference(values, directions: k, &random)
                for _ in 0..<steps { reference.step(reference.sample(&random)) }
                return reference.overlaps
            }
            for component in reference[0].indices {
                let oracle = Moments(reference.map { $0[component] })
                for (method, ensemble) in found {
                    let found = Moments(ensemble.map { $0[component] })
                    #expect(
                        abs(found.mean - oracle.mean) <= 4.5 * hypot(found.error, oracle.error),
                        "\(name), \(method), component \(component): \(found) \(oracle)")
                    #expect(
                        abs(found.std - oracle.std) <= 4.5 * hypot(found.stdError, oracle.stdError),
                        "\(name), \(method), component \(component): \(found) \(oracle)")
                }
            }
        }
    }

    @Test(
        "landmark 18: chain and sgd agree in mean and standard deviation at d = 300 and 500",
        .enabled(if: runsLongTests))
    func chainAgainstSGD() throws {
        let cases: [(Int, Given)] = [
            (300, cases[3].values), (500, cases[4].values), (300, cases[1].values), (300, cases[2].values),
            (500, cases[0].values),
        ]
        for (d, values) in cases {
            let values = prescribed(values, d: d)
            let names = values["student"] == .text("attention") ? ["overlap", "positional_overlap"] : ["overlap"]
            let sgd = try ends("sgd", values, time: 5, seeds: 300, observables: Set(names))
            let chain = try ends(
                "overlap-chain", values, time: 5, seeds: 3000, observables: Set(names), firstSeed: 5000)
            for name in names {
                let (a, b) = (Moments(sgd.map { $0(name)[0] }), Moments(chain.map { $0(name)[0] }))
                #expect(
                    abs(a.mean - b.mean) <= 4.5 * (a.error * a.error + b.error * b.error).squareRoot(),
                    "\(values) \(name) \(a) \(b)")
                #expect(
                    abs(a.std - b.std) <= 4.5 * (a.stdError * a.stdError + b.stdError * b.stdError).squareRoot(),
                    "\(values) \(name) \(a) \(b)")
            }
        }
    }
}

/// The numbers that a chain of the harness's seed 1 draws, in its order: requests out of blocks of normals, and
/// chi-square draws by Marsaglia and Tsang from three of them.
private struct ChainDraws {
    private var stream = RandomStream(identity: harness.identity()).substream(2)
    private let block: Int
    private var position = 0

    init(largestRequest: Int) { block = max(1024, 8 * largestRequest) }

    mutating func take(_ count: Int) -> [Double] {
        if position + count > block {
            for _ in position..<block { _ = stream.normal() }
            position = 0
        }
        position += count
        return (0..<count).map { _ in stream.normal() }
    }

    mutating func chiSquare(_ degrees: Int) -> Double {
        let shift = Double(degrees) / 2 - 1.0 / 3
        while true {
            let x = take(3)
            let v = pow(1 + x[0] / (9 * shift).squareRoot(), 3)
            let E = (x[1] * x[1] + x[2] * x[2]) / 2
            if v > 0, -E < x[0] * x[0] / 2 + shift * (1 - v + log(v)) { return 2 * shift * v }
        }
    }
}
