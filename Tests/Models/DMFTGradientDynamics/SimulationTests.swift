import DMFTGradientDynamics
import Dynamics
import Foundation
import Modeling
import ModelTesting
import Numerics
import Testing

/// A point of gd or sgd in each of its forms.
struct SimulationCase: Sendable, CustomTestStringConvertible {
    let name: String
    let method: DMFTGradientDynamics.Method
    let values: Given
    let steps: Int

    init(_ name: String, _ method: DMFTGradientDynamics.Method, steps: Int = 12, _ values: Given) {
        self.name = name
        self.method = method
        self.steps = steps
        self.values = values
    }

    var testDescription: String { name }

    func parameters() throws -> Parameters { try harness.parameters(method, values) }
}

private let positional: Given = [
    "loss": .text("tied-attention"), "teachers": .integer(3),
    "teacher_gram": matrix([[1, 0.3, -0.2], [0.3, 0.5, 0.1], [-0.2, 0.1, 0.4]]),
    "positions": vector([1, 2]), "L": .integer(2), "M0": matrix([[0.3, 0.2, -0.1]]), "init_scale": .real(0.5),
    "step_size": .real(0.5), "ridge": .real(0.02), "beta": .real(1.2),
]

private let pair: Given = [
    "width": .integer(2), "init_gram": matrix([[0.5, 0.1], [0.1, 0.6]]), "step_size": .real(0.4), "ridge": .real(0.02),
]

/// d and n that are no multiples of blocks.
let simulationCases: [SimulationCase] = [
    SimulationCase(
        "linear", .gd,
        [
            "alpha": .real(1.7), "d": .integer(30), "loss": .text("linear"), "noise_std": .real(0.3),
            "step_size": .real(0.15),
            "ridge": .real(0.1), "init_overlap": .real(0.2),
        ]),
    SimulationCase(
        "logistic, 5 runs, epoch", .sgd,
        [
            "alpha": .real(2), "d": .integer(30), "loss": .text("logistic"), "step_size": .real(0.5),
            "runs": .integer(5),
            "batch_fraction": .real(0.25), "mask": .text("epoch"), "init_overlap": .real(0.1),
        ]),
    SimulationCase(
        "logistic, 5 runs, bernoulli", .sgd,
        [
            "alpha": .real(2), "d": .integer(30), "loss": .text("logistic"), "step_size": .real(0.5),
            "runs": .integer(5),
            "batch_fraction": .real(0.6), "ridge": .real(0.05),
        ]),
    SimulationCase(
        "phase, spherical, persistent, unscaled", .sgd,
        [
            "alpha": .real(3), "d": .integer(25), "loss": .text("phase"), "step_size": .real(0.03),
            "spherical": .flag(true),
            "batch_fraction": .real(0.4), "mask": .text("persistent"), "p_off": .real(0.3), "scaled": .flag(false),
            "init_overlap": .real(0.3),
        ]),
    SimulationCase(
        "phase, 3 runs of descent on the sphere", .gd,
        [
            "alpha": .real(3), "d": .integer(25), "loss": .text("phase"), "step_size": .real(0.02),
            "spherical": .flag(true),
            "init_overlap": .real(0.3), "runs": .integer(3), "teacher_norm": .real(1.3), "init_scale": .real(0.8),
        ]),
    SimulationCase(
        "token average", .gd,
        pair.with([
            "alpha": .real(1.3), "d": .integer(33), "loss": .text("token-average"), "L": .integer(3),
            "M0": matrix([[0.2], [0.4]]), "step_size": .real(2), "runs": .integer(3),
        ])),
    SimulationCase("attention with positions", .gd, positional.with(["alpha": .real(2), "d": .integer(27)])),
    SimulationCase(
        "attention with positions, batches", .sgd,
        positional.with([
            "alpha": .real(2), "d": .integer(27), "batch_fraction": .real(0.3), "runs": .integer(2),
        ])),
    SimulationCase(
        "attention L=3 k=a=2", .sgd,
        pair.with([
            "alpha": .real(1.5), "d": .integer(20), "loss": .text("tied-attention"), "L": .integer(3),
            "teachers": .integer(2), "M0": matrix([[0.3, 0.1], [0, 0.2]]), "batch_fraction": .real(0.6),
            "runs": .integer(2),
        ])),
]

/// (11) in plain loops in double precision; masks are those of the run.
struct NaiveDescent {
    let p: Parameters
    let data: DataSet
    let run: Int
    /// w[i][x].
    var w: [[Double]]
    var masks: BatchMasks
    let reference: ReferenceLoss
    let targets: [[[Double]]]

    init(_ p: Parameters, _ data: DataSet, starts: [Double], run: Int, random: RandomStream) {
        self.p = p
        self.data = data
        self.run = run
        let d = data.d
        w = (0..<p.students).map { i in Array(starts[((run * p.students + i) * d)..<((run * p.students + i + 1) * d)]) }
        masks = BatchMasks(p.batches, count: data.samples, random: random.substream(Streams.masks(run: run)))
        let reference = ReferenceLoss(p)
        self.reference = reference
        let teacher = (0..<p.teachers).map { Array(data.teacher[($0 * d)..<(($0 + 1) * d)]) }
        targets = (0..<data.samples).map { sample in
            reference.target(
                Self.fields(data, sample, teacher), noise: data.noise.isEmpty ? 0 : data.noise[sample])
        }
    }

    /// A w^T of one sample, (L tokens) x (columns).
    static func fields(_ data: DataSet, _ sample: Int, _ w: [[Double]]) -> [[Double]] {
        let root = Double(data.d).squareRoot()
        return (0..<data.tokens).map { l in
            let x = input(data, l, sample)
            return w.map { dot(x, $0) / root }
        }
    }

    static func input(_ data: DataSet, _ l: Int, _ sample: Int) -> [Double] {
        let at = (l * data.stride + sample) * data.d
        return data.inputs[at..<(at + data.d)].map(Double.init)
    }

    mutating func step() {
        var weights = Array(repeating: 0.0, count: data.samples)
        masks.next(into: &weights)
        var next = w.map { $0.map { $0 * (1 - p.stepSize * p.ridge) } }
        let root = Double(data.d).squareRoot()
        for sample in 0..<data.samples where weights[sample] > 0 {
            let g = reference.gradient(Self.fields(data, sample, w), targets[sample])
            for l in 0..<data.tokens {
                let x = Self.input(data, l, sample)
                for i in w.indices {
                    let scale = p.stepSize * weights[sample] * g[l][i] / root
                    for c in x.indices { next[i][c] -= scale * x[c] }
                }
            }
        }
        if p.isSpherical {
            let scale = (p.prior.startGram[0] / overlap(next[0], next[0])).squareRoot()
            next[0] = next[0].map { $0 * scale }
        }
        w = next
    }

    var trainLoss: Double {
        var sum = 0.0
        for sample in 0..<data.samples { sum += reference.loss(Self.fields(data, sample, w), targets[sample]) }
        return sum / Double(data.samples)
    }

    /// a^T b/d of two of its columns.
    func overlap(_ a: [Double], _ b: [Double]) -> Double { dot(a, b) / Double(data.d) }
}

@Suite("GD and SGD on a fixed set") struct SimulationTests {
    private static let random = RandomStream(identity: TaskIdentity(high: 0x4447_4453, low: 11))

    /// A simulation in the type of its loss.
    private func simulation(
        _ p: Parameters, _ data: DataSet, starts: [Double], random: RandomStream = random
    ) -> any AnyDescent {
        let request = RunRequest(times: [], observables: ["test_loss"], random: random)
        let (L, k, a) = (p.tokens, p.students, p.teachers)
        func make(_ channel: some DMFTChannel) -> any AnyDescent {
            Descent(p, channel, request, (data, starts))
        }
        switch p.loss {
        case .linear: return make(LinearLoss(sigma: p.noise.squareRoot(), teachers: a))
        case .logistic: return make(LogisticLoss(teachers: a))
        case .phase: return make(PhaseLoss(teachers: a))
        case .tokenAverage: return make(TokenAverageChannel(tokens: L, students: k, teachers: a))
        case .tiedAttention:
            let positions = Set(p.prior.positions ?? []).count
            return make(TiedAttentionChannel(tokens: L, students: k, teachers: a, positions: positions, beta: p.beta))
        }
    }

    private func draw(_ p: Parameters) -> (DataSet, [Double]) {
        let data = DataSet(p, noiseCount: p.noise > 0 ? 1 : 0, Self.random)
        return (data, data.starts(p, Self.random))
    }

    @Test("Gram matrices and overlaps of teacher and starts are the prescribed ones", arguments: simulationCases)
    func gram(_ item: SimulationCase) throws {
        let p = try item.parameters()
        let (data, starts) = draw(p)
        let (k, a, d) = (p.students, p.teachers, p.d)
        func column(_ of: [Double], _ i: Int) -> ArraySlice<Double> { of[(i * d)..<((i + 1) * d)] }
        func check(_ x: ArraySlice<Double>, _ y: ArraySlice<Double>, _ expected: Double) {
            #expect(abs(dot(x, y) / Double(d) - expected) < 1e-13)
        }
        for i in 0..<a {
            for j in 0..<a {
                check(column(data.teacher, i), column(data.teacher, j), p.prior.teacherGram[i * a + j])
            }
        }
        for i in 0..<k * p.runs {
            for j in 0..<a { check(column(starts, i), column(data.teacher, j), p.prior.startOverlap[i % k * a + j]) }
            for j in 0..<k {
                check(column(starts, i), column(starts, i / k * k + j), p.prior.startGram[i % k * k + j])
            }
        }
        #expect(data.samples == Int((p.alpha * Double(d)).rounded()) && data.stride % 8 == 0)
        // Runs share the data and differ in their starts.
        if p.runs > 1 { #expect(largestDifference(Array(column(starts, 0)), Array(column(starts, k))) > 0.1) }
    }

    @Test("token l is its mean and standard normals") func inputs() throws {
        let p = try harness.parameters(.gd, positional.with(["alpha": .real(20), "d": .integer(100)]))
        let (data, _) = draw(p)
        for l in 0..<2 {
            var (mean, square) = (0.0, 0.0)
            let column = data.teacher[((l + 1) * 100)..<((l + 2) * 100)].map { $0 / 10 }
            var sums = Array(repeating: 0.0, count: 100)
            for sample in 0..<2000 {
                let row = NaiveDescent.input(data, l, sample)
                for x in 0..<100 {
                    let noise = row[x] - column[x]
                    mean += noise / 2e5
                    square += noise * noise / 2e5
                    sums[x] += noise / 2000
                }
            }
            #expect(abs(mean) < 4 / 2e5.squareRoot() && abs(square - 1) < 4 * (2 / 2e5).squareRoot())
            // 100 means of 2000 numbers: their squares are chi-square with 100 degrees of freedom.
            #expect(abs(2000 * dot(sums, sums) - 100) < 4 * 200.0.squareRoot())
        }
    }

    @Test("W, losses and overlaps against plain loops in double precision", arguments: simulationCases)
    func naive(_ item: SimulationCase) throws {
        let p = try item.parameters()
        let (data, starts) = draw(p)
        var run = simulation(p, data, starts: starts)
        #expect(try run.advance(toward: Double(item.steps), quantum: 1000))
        let values = try observe(&run)
        let (k, a, d) = (p.students, p.teachers, p.d)
        var (train, cosine, angle, overlap, q) = (
            0.0, [Double](repeating: 0, count: k * a), [Double](repeating: 0, count: k * a),
            [Double](repeating: 0, count: k * a), [Double](repeating: 0, count: k * k)
        )
        for r in 0..<p.runs {
            var naive = NaiveDescent(p, data, starts: starts, run: r, random: Self.random)
            for _ in 0..<item.steps { naive.step() }
            #expect(largestDifference(naive.w.flatMap { $0 }, Array(run.W[(r * k * d)..<((r + 1) * k * d)])) < 1e-5)
            train += naive.trainLoss / Double(p.runs)
            for i in 0..<k {
                for j in 0..<a {
                    let M = naive.overlap(naive.w[i], Array(data.teacher[(j * d)..<((j + 1) * d)]))
                    let value =
                        M / (naive.overlap(naive.w[i], naive.w[i]) * p.prior.teacherGram[j * a + j]).squareRoot()
                    overlap[i * a + j] += M / Double(p.runs)
                    cosine[i * a + j] += value / Double(p.runs)
                    angle[i * a + j] += acos(value) / .pi / Double(p.runs)
                }
                for j in 0..<k { q[i * k + j] += naive.overlap(naive.w[i], naive.w[j]) / Double(p.runs) }
            }
        }
        #expect(values("steps") == [Double(item.steps)] && values("t") == [Double(item.steps) * p.stepSize])
        #expect(abs(values("train_loss")[0] - train) < 3e-6)
        #expect(largestDifference(values("overlap"), overlap) < 3e-6 && largestDifference(values("q"), q) < 3e-6)
        #expect(
            largestDifference(values("cosine"), cosine) < 3e-6 && largestDifference(values("sign_error"), angle) < 3e-6)
        #expect(values("train_loss")[0] > 0)
    }

    /// What a simulation records now.
    private func observe(_ run: inout any AnyDescent) throws -> (_ name: String) -> [Double] {
        let spec = DMFTGradientDynamics.Method.gd.spec
        let p = run.parameters
        let point = ParameterPoint(["width": .integer(p.students), "teachers": .integer(p.teachers)])
        var sink = ObservationSink(
            slots: spec.observables.filter { $0.name != "C" }.map { .init($0, at: point, timeCount: 1) }, timeCount: 1)
        try run.observe(into: &sink)
        let record = Dictionary(uniqueKeysWithValues: zip(sink.slots.map(\.name), sink.buffers))
        return { record[$0] ?? [] }
    }

    @Test(
        "single precision changes recorded numbers by less than 1e-5 over 100 steps",
        arguments: [
            ("logistic", 2.0, 0.5), ("phase", 3.0, 0.02), ("linear", 2.0, 0.15),
        ])
    func precision(loss: String, alpha: Double, step: Double) throws {
        let p = try harness.parameters(
            .gd,
            [
                "alpha": .real(alpha), "d": .integer(80), "loss": .text(loss), "step_size": .real(step),
                "init_overlap": .real(0.3), "init_scale": .real(0.5),
            ])
        let (data, starts) = draw(p)
        var run = simulation(p, data, starts: starts)
        var naive = NaiveDescent(p, data, starts: starts, run: 0, random: Self.random)
        for step in 1...100 {
            naive.step()
            #expect(try run.advance(toward: Double(step), quantum: 1))
            guard step % 20 == 0 else { continue }
            let values = try observe(&run)
            #expect(abs(values("train_loss")[0] - naive.trainLoss) < 1e-5)
            #expect(abs(values("overlap")[0] - naive.overlap(naive.w[0], data.teacher)) < 1e-5)
            #expect(abs(values("q")[0] - naive.overlap(naive.w[0], naive.w[0])) < 1e-5)
        }
    }

    @Test("linear loss: the exact solution in the eigenbasis of A^T A") func linear() throws {
        let p = try harness.parameters(
            .gd,
            [
                "alpha": .real(0.7), "d": .integer(60), "loss": .text("linear"), "noise_std": .real(0.4),
                "step_size": .real(0.2), "ridge": .real(0.05), "init_overlap": .real(0.3), "runs": .integer(4),
            ])
        let (data, starts) = draw(p)
        let (n, d) = (data.samples, data.d)
        let root = Double(d).squareRoot()
        let A = (0..<n).map { NaiveDescent.input(data, 0, $0).map { $0 / root } }
        let y = (0..<n).map { dot(A[$0], data.teacher) + 0.4 * data.noise[$0] }
        var gram = Array(repeating: 0.0, count: d * d)
        for row in A { for i in 0..<d { for j in 0..<d { gram[i * d + j] += row[i] * row[j] } } }
        let (values, vectors) = try LAPACK.symmetricEigen(d, gram, vectors: true)
        let right = (0..<d).map { x in dot(A.map { $0[x] }, y) }
        func component(_ mode: Int, _ v: [Double]) -> Double { dot(vectors[(mode * d)..<((mode + 1) * d)], v) }
        var run = simulation(p, data, starts: starts)
        for steps in [1.0, 7, 60] {
            #expect(try run.advance(toward: steps, quantum: 100))
            for r in 0..<4 {
                let start = Array(starts[(r * d)..<((r + 1) * d)])
                var w = Array(repeating: 0.0, count: d)
                for mode in 0..<d {
                    let rate = values[mode] + 0.05
                    let decay = pow(1 - 0.2 * rate, steps)
                    let value = decay * component(mode, start) + (1 - decay) / rate * component(mode, right)
                    for x in 0..<d { w[x] += value * vectors[mode * d + x] }
                }
                #expect(largestDifference(w, Array(run.W[(r * d)..<((r + 1) * d)])) < 2e-6)
            }
        }
    }

    @Test("permuted tokens and students give the same, permuted") func permutations() throws {
        let item = simulationCases.last!
        let p = try item.parameters()
        let (data, starts) = draw(p)
        let (d, rows) = (data.d, data.stride)
        var permuted = data
        permuted.inputs = [2, 0, 1].flatMap { l in Array(data.inputs[(l * rows * d)..<((l + 1) * rows * d)]) }
        let students = [1, 0, 3, 2].flatMap { Array(starts[($0 * d)..<(($0 + 1) * d)]) }
        var run = simulation(p, data, starts: starts)
        var other = simulation(p, permuted, starts: students)
        _ = try run.advance(toward: 20, quantum: 100)
        _ = try other.advance(toward: 20, quantum: 100)
        let expected = [1, 0, 3, 2].flatMap { Array(run.W[($0 * d)..<(($0 + 1) * d)]) }
        #expect(largestDifference(expected, other.W) < 1e-5)
        #expect(largestDifference(run.W, other.W) > 0.1 && largestDifference(run.W, starts) > 0.1)
        let (one, two) = (try observe(&run), try observe(&other))
        #expect(abs(one("train_loss")[0] - two("train_loss")[0]) < 1e-6)
    }

    @Test("the runs of a task do not know of each other") func independence() throws {
        for item in simulationCases where item.values["runs"] != nil {
            let several = try item.parameters()
            let (data, starts) = draw(several)
            let one = try harness.parameters(item.method, item.values.with(["runs": .integer(1)]))
            var all = simulation(several, data, starts: starts)
            var alone = simulation(one, data, starts: data.starts(one, Self.random))
            _ = try all.advance(toward: 10, quantum: 100)
            _ = try alone.advance(toward: 10, quantum: 100)
            #expect(largestDifference(Array(all.W[..<alone.W.count]), alone.W) < 1e-5, "\(item.name)")
        }
    }

    @Test("without a step nothing moves", arguments: simulationCases) func stepOfZero(_ item: SimulationCase)
        throws
    {
        let values = item.values.with(["step_size": .real(0), "spherical": .flag(false)])
        let p = try harness.parameters(item.method, values)
        let (data, starts) = draw(p)
        var run = simulation(p, data, starts: starts)
        _ = try run.advance(toward: 5, quantum: 2)
        #expect(run.W == starts)
    }

    @Test("C between recording times") func correlation() throws {
        let values = simulationCases.last!.values
        let times = [0.0, 1, 4, 9]
        let record = try harness.run("sgd", values, times: times, unit: .steps)
        let C = record("C")
        func at(_ t: Int, _ s: Int, _ i: Int, _ j: Int) -> Double { C[((t * 4 + s) * 2 + i) * 2 + j] }
        for t in 0..<4 {
            for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                #expect(abs(at(t, t, i, j) - record("q")[(t * 2 + i) * 2 + j]) < 1e-12)
                for s in 0..<4 { #expect(at(t, s, i, j) == at(s, t, j, i)) }
            }
        }
        // Against W itself, of the same task.
        let random = try harness.task("sgd", values, times: times, unit: .steps).random
        let p = try harness.parameters(.sgd, values)
        let data = DataSet(p, noiseCount: 0, random)
        let starts = data.starts(p, random)
        var run = simulation(p, data, starts: starts, random: random)
        _ = try run.advance(toward: 9, quantum: 100)
        for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            var expected = 0.0
            for r in 0..<2 {
                let now = run.W[((2 * r + i) * 20)..<((2 * r + i + 1) * 20)]
                expected += dot(now, starts[((2 * r + j) * 20)..<((2 * r + j + 1) * 20)]) / 40
            }
            #expect(abs(at(3, 0, i, j) - expected) < 1e-12)
        }
    }

    @Test("how a run is cut, stopped and resumed leaves no trace", arguments: simulationCases)
    func resume(_ item: SimulationCase) throws {
        let (method, times) = (item.method.rawValue, [0.0, 1, 5, 11, 40])
        let saves = try harness.savesWithSameBits(method, item.values, times: times, unit: .steps, rounds: 4)
        #expect(try #require(saves) > 3)
        let all = try harness.run(method, item.values, times: times, unit: .steps)
        #expect(all.sink.buffers.joined().allSatisfy { !$0.isNaN })
        // Other recording times change nothing, and what is recorded neither.
        #expect(harness.observablesMovedByRecording(method, item.values, times: times) == [])
        let names = ["overlap", "train_loss"]
        let last = try harness.run(method, item.values, times: [40], unit: .steps, observables: Set(names))
        for name in names { #expect(all(name).suffix(last(name).count) == last(name)[...]) }
    }

    @Test("descent that diverges says at which step", arguments: ["linear", "phase", "logistic"]) func divergence(
        loss: String
    ) throws {
        let values: Given = [
            "alpha": .real(2), "d": .integer(20), "loss": .text(loss), "step_size": .real(5), "ridge": .real(1),
        ]
        let step = try #require(try harness.divergence("gd", values, times: [100_000])).step
        #expect(step > 1 && step < 2000)
    }
}

/// A simulation of any loss.
protocol AnyDescent: Run {
    var parameters: Parameters { get }
    var W: [Double] { get }
}

extension Descent: AnyDescent {}
