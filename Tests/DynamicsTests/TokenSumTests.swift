import Dynamics
import Foundation
import ModelTesting
import Numerics
import Randomness
import Testing

@Suite("The example of docs/dmft.md") struct TokenSumTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func thePageShowsTheFile() throws {
        let page = try String(contentsOf: Self.root.appendingPathComponent("docs/dmft.md"), encoding: .utf8)
        let source = try String(
            contentsOf: Self.root.appendingPathComponent("Tests/DynamicsTests/TokenSumChannel.swift"), encoding: .utf8)
        #expect(page.contains("```swift\n" + source + "```\n"))
    }

    /// What one integration ends with: overlaps and norms of all times, training losses.
    private struct Trajectory {
        var overlap: [Double] = []
        var gram: [Double] = []
        var loss: [Double] = []
    }

    private static let steps = 12

    private func integrate(tokens: Int, alpha: Double, seed: UInt64) throws -> Trajectory {
        let prior = try DMFTPrior(
            students: 1, teachers: 1, teacherGram: [1], startGram: [0.5], startOverlap: [0.2])
        let settings = DMFTSettings(alpha: alpha, stepSize: 0.3, ridge: 0.05, copies: 8192, horizon: Self.steps)
        var integrator = try DMFTIntegrator(
            channel: TokenSumChannel(tokens: tokens), prior: prior, settings: settings,
            random: RandomStream(identity: TaskIdentity(high: 0x544F_4B, low: seed)))
        var result = Trajectory()
        for t in 0...Self.steps {
            while try !integrator.evaluate(tiles: 1 << 20) {}
            result.overlap += integrator.kernels.overlap(at: t)
            result.gram += integrator.kernels.gram(at: t)
            result.loss.append(integrator.trainLoss)
            if t < Self.steps { try integrator.step() }
        }
        return result
    }

    /// A sample of L tokens whose losses are added is as good as L samples of one token.
    @Test("L tokens at alpha are one token at alpha L") func tokensAreSamples() throws {
        let one = try (0..<8).map { try integrate(tokens: 1, alpha: 3, seed: $0) }
        let three = try (0..<8).map { try integrate(tokens: 3, alpha: 1, seed: 100 + $0) }
        for (name, values, scale) in [
            ("overlap", \Trajectory.overlap, 1.0), ("q", \Trajectory.gram, 1.0), ("train loss", \Trajectory.loss, 3.0),
        ] {
            for t in 0...Self.steps {
                let single = Moments(one.map { scale * $0[keyPath: values][t] })
                let sequence = Moments(three.map { $0[keyPath: values][t] })
                let error = (single.error * single.error + sequence.error * sequence.error).squareRoot()
                #expect(
                    abs(single.mean - sequence.mean) < 4.5 * error + 1e-9,
                    "\(name) at \(t): \(single.mean) and \(sequence.mean) +- \(error)")
                #expect(error < 0.01)
            }
        }
        // It learns: otherwise equality would say little.
        let last = Moments(one.map { $0.overlap[Self.steps] }).mean
        #expect(last > 0.7, "\(last)")
    }

    @Test("gradient and Hessian against differences") func differences() {
        let (L, width, h) = (3, 8, 1e-5)
        let channel = TokenSumChannel(tokens: L)
        var random = RandomStream(identity: TaskIdentity(high: 0x544F_4B, low: 1000))
        let fields = (0..<L * width).map { _ in random.normal() }
        let targets = (0..<L * width).map { _ in 0.5 * random.normal() }
        let direction = (0..<L * width).map { _ in random.normal() }
        func evaluate(_ fields: [Double]) -> (loss: [Double], gradient: [Double], product: [Double]) {
            var loss = Array(repeating: 0.0, count: width)
            var gradient = fields
            var product = direction
            channel.evaluate(
                FieldBatch(
                    blocks: 1, tokenStride: width, studentStride: L * width, fields: fields, targets: targets,
                    targetStride: width, gradient: &gradient, loss: &loss, tangents: &product, tangentCount: 1,
                    tangentStride: L * width))
            return (loss, gradient, product)
        }
        let here = evaluate(fields)
        let ahead = evaluate(zip(fields, direction).map { $0 + h * $1 })
        let behind = evaluate(zip(fields, direction).map { $0 - h * $1 })
        for s in 0..<width {
            var along = 0.0
            for l in 0..<L {
                let at = l * width + s
                along += here.gradient[at] * direction[at]
                #expect(abs((ahead.gradient[at] - behind.gradient[at]) / (2 * h) - here.product[at]) < 1e-8)
            }
            #expect(abs((ahead.loss[s] - behind.loss[s]) / (2 * h) - along) < 1e-8)
        }
    }
}
