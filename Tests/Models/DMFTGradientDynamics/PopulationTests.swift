import DMFTGradientDynamics
import Dynamics
import Foundation
import Modeling
import ModelTesting
import Numerics
import Testing

/// Means over fresh samples: against sampling, against derivatives of each other, and at the page's numbers.
@Suite struct PopulationTests {
    struct Case: Sendable {
        let name: String
        let channel: any DMFTChannel
        let reference: ReferenceLoss
        let prior: DMFTPrior
        /// How well Stein's lemma must hold.
        let tolerance: Double

        init(
            _ name: String, _ channel: some DMFTChannel, _ reference: ReferenceLoss, Q: [Double], q: [Double],
            M: [Double], positions: [Int]? = nil, tolerance: Double
        ) throws {
            self.name = name
            self.channel = channel
            self.reference = reference
            self.tolerance = tolerance
            prior = try DMFTPrior(
                students: channel.students, teachers: channel.teachers, teacherGram: Q, startGram: q, startOverlap: M,
                positions: positions)
        }
    }

    static func cases() throws -> [Case] {
        let correlated = [1, 0.3, -0.2, 0.3, 0.5, 0.1, -0.2, 0.1, 0.4]
        return [
            try Case(
                "linear", LinearLoss(sigma: 0.4, teachers: 1), ReferenceLoss(.linear, sigma: 0.4),
                Q: [1.3], q: [0.8], M: [0.3], tolerance: 1e-7),
            try Case(
                "logistic", LogisticLoss(teachers: 1), ReferenceLoss(.logistic), Q: [0.7], q: [2],
                M: [0.6], tolerance: 1e-7),
            try Case(
                "logistic with a mean", LogisticLoss(teachers: 2), ReferenceLoss(.logistic),
                Q: [1, 0.3, 0.3, 0.6], q: [1.5], M: [0.4, -0.5], positions: [1], tolerance: 1e-7),
            try Case(
                "phase", PhaseLoss(teachers: 1), ReferenceLoss(.phase), Q: [1], q: [0.5], M: [0.3],
                tolerance: 1e-7),
            try Case(
                "attention", TiedAttentionChannel(tokens: 2, students: 1, teachers: 1, positions: 0, beta: 1),
                ReferenceLoss(.tiedAttention), Q: [1], q: [0.5], M: [0.3], tolerance: 2e-5),
            try Case(
                "attention with positions",
                TiedAttentionChannel(tokens: 2, students: 1, teachers: 3, positions: 2, beta: 1),
                ReferenceLoss(.tiedAttention), Q: correlated, q: [0.5], M: [0.3, 0.2, -0.1], positions: [1, 2],
                tolerance: 2e-5),
            try Case(
                "attention, three tokens",
                TiedAttentionChannel(tokens: 3, students: 2, teachers: 2, positions: 0, beta: 1),
                ReferenceLoss(.tiedAttention, targetTeachers: 2), Q: [1, 0, 0, 1], q: [0.5, 0.1, 0.1, 0.6],
                M: [0.3, 0.1, 0, 0.2], tolerance: 1e-3),
            try Case(
                "token average with positions", TokenAverageChannel(tokens: 3, students: 2, teachers: 3),
                ReferenceLoss(.tokenAverage), Q: correlated, q: [0.8, 0.1, 0.1, 1.1],
                M: [0.2, 0.1, -0.1, 0.4, -0.1, 0.1], positions: [1, 2, 1], tolerance: 1e-3),
        ]
    }

    /// Loss, mu and Cg by independent samples of all teacher columns: the definition in 4.4, with the losses in plain
    /// arithmetic. The tolerance is 4.5 standard errors and the case's quadrature error.
    @Test func momentsAgreeWithSampling() throws {
        for (index, test) in try Self.cases().enumerated() {
            let (L, k, a) = (test.channel.tokens, test.channel.students, test.channel.teachers)
            let prior = test.prior
            let B = prior.regression(prior.startOverlap)
            var random = RandomStream(identity: TaskIdentity(high: 0x4447_4401, low: UInt64(index)))
            var sums = Array(repeating: 0.0, count: 1 + k * a + k * k)
            var squares = sums
            let count = 60_000
            for _ in 0..<count {
                var teacher: [[Double]] = []
                var fields: [[Double]] = []
                for l in 0..<L {
                    let x = (0..<a).map { _ in random.normal() }
                    let centred = (0..<a).map { j in
                        (0...j).reduce(0) { $0 + prior.teacherFactor[j * a + $1] * x[$1] }
                    }
                    let e = (0..<k).map { _ in random.normal() }
                    fields.append(
                        (0..<k).map { i in
                            let own = (0...i).reduce(0) { $0 + prior.startFactor[i * k + $1] * e[$1] }
                            let along = (0..<a).reduce(0) { $0 + B[i * a + $1] * centred[$1] }
                            let column = prior.positions?[l]
                            return own + along + (column.map { prior.startOverlap[i * a + $0] } ?? 0)
                        })
                    teacher.append(
                        (0..<a).map { j in
                            centred[j] + (prior.positions.map { prior.teacherGram[$0[l] * a + j] } ?? 0)
                        })
                }
                let y = test.reference.target(teacher, noise: random.normal())
                let g = test.reference.gradient(fields, y)
                var values = [test.reference.loss(fields, y)]
                for i in 0..<k {
                    for j in 0..<a { values.append((0..<L).reduce(0) { $0 + g[$1][i] * teacher[$1][j] }) }
                }
                for i in 0..<k { for j in 0..<k { values.append((0..<L).reduce(0) { $0 + g[$1][i] * g[$1][j] }) } }
                for (n, value) in values.enumerated() {
                    sums[n] += value
                    squares[n] += value * value
                }
            }
            let means = means(test.channel, prior)
            let m = means.moments(prior.startOverlap, prior.startGram)
            let expected = [m.loss] + m.teacherGradient + m.gradientGram
            for n in sums.indices {
                let mean = sums[n] / Double(count)
                let error = ((squares[n] / Double(count) - mean * mean) / Double(count)).squareRoot()
                #expect(abs(mean - expected[n]) < 4.5 * error + test.tolerance, "\(test.name), number \(n)")
            }
            #expect(abs(m.loss - means.loss(prior.startOverlap, prior.startGram)) < 1e-13)
        }
    }

    /// By Stein's lemma the derivatives of E l in q and M are H/2 and D with mu = H M + D Q*, tokens' means included.
    @Test func momentsAreDerivativesOfTheLoss() throws {
        for test in try Self.cases() {
            let (k, a) = (test.channel.students, test.channel.teachers)
            let prior = test.prior
            let (M, q) = (prior.startOverlap, prior.startGram)
            let h = 1e-3
            let means = means(test.channel, prior, refinement: 2)
            func slope(_ change: (Double) -> ([Double], [Double])) -> Double {
                func value(_ x: Double) -> Double {
                    let (M, q) = change(x)
                    return means.loss(M, q)
                }
                return (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
            }
            let m = means.moments(M, q)
            for i in 0..<k {
                for j in 0...i {
                    let derivative = slope { x in
                        var moved = q
                        moved[i * k + j] += x
                        if i != j { moved[j * k + i] += x }
                        return (M, moved)
                    }
                    let expected = i == j ? m.curvature[i * k + i] / 2 : m.curvature[i * k + j]
                    #expect(abs(derivative - expected) < test.tolerance, "\(test.name): H \(i) \(j)")
                }
            }
            let D = M.indices.map { n in
                slope { x in
                    var moved = M
                    moved[n] += x
                    return (moved, q)
                }
            }
            let mu = zip(
                SmallMatrix.product(m.curvature, M, k, k, a), SmallMatrix.product(D, prior.teacherGram, k, a, a)
            ).map { $0 + $1 }
            for n in mu.indices {
                #expect(abs(mu[n] - m.teacherGradient[n]) < test.tolerance, "\(test.name): mu \(n)")
            }
        }
    }

    /// The attention's landmarks by quadrature, without the factor alpha = 2.
    @Test func attentionLandmark() throws {
        let test = try Self.cases()[4]
        for (refinement, tolerance) in [(0, 1e-5), (2, 2e-6)] {
            let m = means(test.channel, test.prior, refinement: refinement).moments([0.3], [0.5])
            #expect(abs(m.loss - 0.102214) < tolerance)
            #expect(abs(2 * m.teacherGradient[0] + 0.129782) < tolerance)
            #expect(abs(2 * m.gradientGram[0] - 0.072242) < tolerance)
            #expect(abs(2 * m.curvature[0] - 0.309521) < tolerance)
        }
    }

    /// Reference: the mean over z* done by hand (the probability of its sign), then a rule of 2 10^5 nodes in V.
    @Test func logisticStaysExactAtLargeNorms() throws {
        let prior = try DMFTPrior(
            students: 1, teachers: 1, teacherGram: [1], startGram: [1], startOverlap: [0.4])
        let means = means(LogisticLoss(teachers: 1), prior)
        let reference: [(q: Double, loss: Double, mu: Double, Cg: Double, H: Double, tolerance: Double)] = [
            (5, 0.981212770612745, -0.342444799297469, 0.313520703534479, 0.141243702751681, 1e-10),
            (20, 1.76390516257974, -0.365786768900425, 0.390626251479968, 0.0828887787442883, 2e-10),
            (100, 3.89473611897844, -0.383238456354525, 0.448207362121178, 0.0392595601090401, 1e-8),
            (1000, 12.476813810373, -0.393904287601706, 0.483385174485237, 0.0125949819910879, 1e-5),
        ]
        for r in reference {
            let m = means.moments([0.4], [r.q])
            #expect(abs(m.loss - r.loss) < 4 * r.tolerance)
            #expect(abs(m.teacherGradient[0] - r.mu) < r.tolerance)
            #expect(abs(m.gradientGram[0] - r.Cg) < r.tolerance)
            #expect(abs(m.curvature[0] - r.H) < r.tolerance)
        }
    }

    /// A student along the teacher has fields M z* and no randomness of its own: means over one normal are left.
    @Test func logisticOfAnAlignedStudent() throws {
        let prior = try DMFTPrior(students: 1, teachers: 1, teacherGram: [1], startGram: [1], startOverlap: [1])
        let means = means(LogisticLoss(teachers: 1), prior)
        for M in [0.5, 20, -3] {
            let m = means.moments([M], [M * M])
            func slope(_ z: Double) -> Double { 1 / (1 + exp(M * abs(z))) }
            let rule = GaussianRule.kinkAtZero
            #expect(abs(m.loss - rule.mean { log1p(exp(-M * abs($0))) }) < 1e-7)
            #expect(abs(m.teacherGradient[0] + rule.mean { slope($0) * abs($0) }) < 1e-7)
            #expect(abs(m.gradientGram[0] - rule.mean { slope($0) * slope($0) }) < 1e-7)
            #expect(abs(m.curvature[0] - rule.mean { slope($0) * (1 - slope($0)) }) < 1e-7)
        }
    }

    /// A population of whatever channel.
    private struct Means {
        let loss: ([Double], [Double]) -> Double
        let moments: ([Double], [Double]) -> DMFTMoments
    }

    private func means(_ channel: some DMFTChannel, _ prior: DMFTPrior, refinement: Int = 0) -> Means {
        let population = DMFTPopulation(channel: channel, prior: prior, refinement: refinement)
        return Means(
            loss: { population.loss(overlap: $0, gram: $1) }, moments: { population.moments(overlap: $0, gram: $1) })
    }
}
