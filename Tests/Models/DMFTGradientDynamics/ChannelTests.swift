import DMFTGradientDynamics
import Dynamics
import Modeling
import ModelTesting
import Numerics
import Testing

@Suite("DMFT: gradients and Hessians of every loss") struct ChannelTests {
    /// Sixteen samples, with gaps between tokens and students so that a wrong stride shows.
    private static let samples = 16
    private static let tokenStride = samples + 8

    /// Fields (token, student) of all samples in the channels' layout.
    private struct Sample {
        let channel: any DMFTChannel
        var fields: [Double]
        var targets: [Double]

        var studentStride: Int { ChannelTests.tokenStride * channel.tokens }

        func at(_ l: Int, _ i: Int, _ s: Int) -> Int { l * ChannelTests.tokenStride + i * studentStride + s }

        /// Loss and gradient, and J of `tangents` when there are some. In place when `overwrites` is true.
        func evaluate(_ tangents: [Double] = [], overwrites: Bool = false) -> (
            loss: [Double], gradient: [Double], products: [Double]
        ) {
            var loss = Array(repeating: 0.0, count: ChannelTests.samples)
            var gradient = overwrites ? fields : fields.map { _ in 99 }
            var products = tangents
            gradient.withUnsafeMutableBufferPointer { gradient in
                fields.withUnsafeBufferPointer { fields in
                    products.withUnsafeMutableBufferPointer { products in
                        channel.evaluate(
                            FieldBatch(
                                blocks: ChannelTests.samples / 8, tokenStride: ChannelTests.tokenStride,
                                studentStride: studentStride,
                                fields: overwrites ? UnsafePointer(gradient.baseAddress!) : fields.baseAddress!,
                                targets: targets, targetStride: ChannelTests.samples,
                                gradient: gradient.baseAddress!, loss: &loss,
                                tangents: tangents.isEmpty ? nil : products.baseAddress!,
                                tangentCount: tangents.count / fields.count, tangentStride: fields.count))
                    }
                }
            }
            return (loss, gradient, products)
        }
    }

    private func random(_ count: Int, _ seed: UInt64) -> [Double] {
        var stream = RandomStream(identity: TaskIdentity(high: 0xC4A, low: seed))
        return (0..<count).map { _ in stream.normal() }
    }

    /// A random sample, and its targets in plain arithmetic.
    private func sample(_ index: Int) -> (Sample, [[[Double]]]) {
        let (_, channel, reference) = channelCases[index]
        let (L, a, n) = (channel.tokens, channel.teachers, Self.samples)
        let teacher = random(L * a * n, 3)
        let noise = random(n, 4)
        var sample = Sample(
            channel: channel, fields: random(channel.students * L * Self.tokenStride, 5),
            targets: Array(repeating: 0, count: channel.targetWidth * n))
        channel.target(
            TargetBatch(
                blocks: n / 8, fields: teacher, tokenStride: a * n, teacherStride: n, noise: noise, noiseStride: n,
                targets: &sample.targets, targetStride: n))
        let targets = (0..<n).map { s in
            reference.target(
                (0..<L).map { l in (0..<a).map { teacher[l * a * n + $0 * n + s] } }, noise: noise[s])
        }
        return (sample, targets)
    }

    @Test("targets, losses and gradients against the page's formulas", arguments: channelCases.indices)
    func formulas(index: Int) {
        let (sample, targets) = sample(index)
        let (_, channel, reference) = channelCases[index]
        let (loss, gradient, _) = sample.evaluate()
        let inPlace = sample.evaluate(overwrites: true).gradient
        for s in 0..<Self.samples {
            for (c, y) in targets[s].joined().enumerated() {
                #expect(abs(sample.targets[c * Self.samples + s] - y) < 1e-14)
            }
            let z = (0..<channel.tokens).map { l in
                (0..<channel.students).map { sample.fields[sample.at(l, $0, s)] }
            }
            #expect(abs(loss[s] - reference.loss(z, targets[s])) < 1e-13)
            for (l, row) in reference.gradient(z, targets[s]).enumerated() {
                for (i, g) in row.enumerated() {
                    #expect(abs(gradient[sample.at(l, i, s)] - g) < 1e-13)
                    #expect(inPlace[sample.at(l, i, s)] == gradient[sample.at(l, i, s)])
                }
            }
        }
    }

    @Test("g is the derivative of the loss, J that of g, and J is symmetric", arguments: channelCases.indices)
    func derivatives(index: Int) {
        let (sample, _) = sample(index)
        let channel = sample.channel
        let (L, k, n, size) = (channel.tokens, channel.students, Self.samples, sample.fields.count)
        // All unit directions at once.
        var directions = Array(repeating: 0.0, count: L * k * size)
        for m in 0..<L * k {
            for s in 0..<n { directions[m * size + sample.at(m / k, m % k, s)] = 1 }
        }
        let (_, gradient, products) = sample.evaluate(directions)
        #expect(gradient == sample.evaluate().gradient)
        let h = 1e-5
        for m in 0..<L * k {
            var (above, below) = (sample, sample)
            for s in 0..<n {
                above.fields[sample.at(m / k, m % k, s)] += h
                below.fields[sample.at(m / k, m % k, s)] -= h
            }
            let (up, down) = (above.evaluate(), below.evaluate())
            for s in 0..<n {
                let slope = (up.loss[s] - down.loss[s]) / (2 * h)
                #expect(abs(slope - gradient[sample.at(m / k, m % k, s)]) < 1e-8 * (1 + abs(slope)))
                for o in 0..<L * k {
                    let at = sample.at(o / k, o % k, s)
                    let curvature = (up.gradient[at] - down.gradient[at]) / (2 * h)
                    let product = products[m * size + at]
                    #expect(abs(curvature - product) < 1e-8 * (1 + abs(curvature)))
                    #expect(abs(product - products[o * size + sample.at(m / k, m % k, s)]) < 1e-14)
                }
            }
        }
    }

    @Test("J is linear, and what lies between samples is left alone", arguments: channelCases.indices)
    func linearity(index: Int) {
        let (sample, _) = sample(index)
        let size = sample.fields.count
        let (u, v) = (random(size, 8), random(size, 9))
        let sum = zip(u, v).map { 2 * $0 - 3 * $1 }
        let (_, gradient, products) = sample.evaluate(u + v + sum)
        for i in 0..<size {
            if i % Self.tokenStride >= Self.samples {
                #expect(products[i] == u[i] && gradient[i] == 99)
            } else {
                #expect(abs(2 * products[i] - 3 * products[size + i] - products[2 * size + i]) < 1e-13)
            }
        }
    }

    @Test("stable at fields where naive formulas overflow") func extremes() {
        for (channel, z, y) in [(LogisticLoss(teachers: 1), 1e5, 1.0)] {
            var gradient = Array(repeating: 0.0, count: 8)
            var loss = gradient
            for sign in [1.0, -1.0] {
                channel.evaluate(
                    FieldBatch(
                        blocks: 1, tokenStride: 8, studentStride: 8, fields: Array(repeating: sign * z, count: 8),
                        targets: Array(repeating: y, count: 8), targetStride: 8, gradient: &gradient, loss: &loss))
                #expect(sign > 0 ? abs(gradient[0]) < 1e-300 && loss[0] < 1e-300 : gradient[0] == -1 && loss[0] == z)
            }
        }
        let attention = TiedAttentionChannel(tokens: 2, students: 1, teachers: 1, positions: 0, beta: 1)
        let fields = Array(repeating: 100.0, count: 8) + Array(repeating: -100.0, count: 8)
        var gradient = Array(repeating: 0.0, count: 16)
        attention.evaluate(
            FieldBatch(
                blocks: 1, tokenStride: 8, studentStride: 16, fields: fields,
                targets: Array(repeating: 0.5, count: 32), targetStride: 8, gradient: &gradient))
        #expect(gradient.allSatisfy { $0.isFinite && abs($0) < 1e-100 })
    }
}
