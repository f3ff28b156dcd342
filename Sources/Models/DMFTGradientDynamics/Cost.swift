import Dynamics
import Modeling

// What tasks take, as measured; `steps` is the last recording time, `records` the number of them.

extension Parameters {
    func descentCost(steps: Double, records: Double) -> Cost {
        let (n, L, d) = (Double(samples), Double(tokens), Double(d))
        let (k, R) = (Double(students), Double(runs))
        let columns = k * R
        // One pass reads the inputs from memory once; columns then share them.
        let multiply = n * L * d * (0.09e-9 + 0.06e-9 * columns)
        let channel = n * R * (k * L * 1e-9 + lossSeconds)
        let isFull = batches.mask == .full
        // A training loss shares the next step's gradient of full batches.
        let record = R * testSeconds() + (isFull ? 0 : multiply + channel)
        // Inputs; W, its copy, its gradient and what is kept for C; targets and weights; scratch of a block.
        let bytes =
            4 * (n + 8) * L * d + columns * d * (16 + 8 * records) + 8 * (n + 8) * (L * L + 2 * R) + 4e6
            + columns * L * 16 * max(16, 131072 / (d * L))
        return Cost(
            seconds: n * L * d * 1e-9 + nodeSeconds() + records * record
                + steps * ((isFull ? 1 : max(batches.fraction, 0.1)) * multiply + channel),
            bytes: bytes)
    }

    func meanFieldCost(steps: Double, records: Double) -> Cost {
        let settings = meanFieldSettings(steps: steps)
        var evaluations = Double(copies) * (steps + 1)
        if case .probes(let count) = tangents { evaluations *= Double(1 + count) }
        return Cost(
            seconds: settings.seconds(tokens: tokens, students: students, teachers: teachers)
                + evaluations * (5e-9 + lossSeconds) + nodeSeconds() + records * testSeconds(),
            bytes: settings.bytes(tokens: tokens, students: students, teachers: teachers, targetWidth: targetWidth))
    }

    func onePassCost(steps: Double, records: Double) -> Cost {
        // A step has L k Hessian products beside the loss.
        let step = testSeconds(refinement: 2) * Double(tokens * students + 1)
        let numbers = Double(tokens * (students + 2 * teachers + tokens) + 1)
        return Cost(
            seconds: (steps + records) * step + nodeSeconds(refinement: 2),
            bytes: 8 * nodes(refinement: 2) * numbers + 0x1p20)
    }

    func closedFormCost(steps: Double, records: Double) -> Cost {
        // Of one mean over the spectrum, at the last time.
        let mean = (48 + 14 * steps.squareRoot()) * 0.15e-6
        let kept = batches.mask == .full ? 0 : min(steps, Double(LinearTheory.longestWithBatches))
        return Cost(seconds: records * 6 * mean + kept * (4 * mean + 1e-9 * kept), bytes: 0x1p14 + 24 * kept)
    }

    /// Loss and gradient of one sample, beside its fields.
    private var lossSeconds: Double {
        switch loss {
        case .linear, .phase: 1e-9
        case .logistic: 4e-9
        case .tokenAverage: 4e-9 * Double(tokens)
        case .tiedAttention: 4e-9 * Double(tokens * (tokens + students))
        }
    }

    /// Nodes of means over a fresh sample, as `DMFTPopulation` has them.
    private func nodes(refinement: Int = 0) -> Double {
        let columns = teachers - Set(prior.positions ?? []).count
        let refined = Double(1 << refinement)
        if columns * tokens == 1, students * tokens == 1 { return noise > 0 ? 53760 : 7680 }
        switch tokens * (columns + students) {
        case ...3: return 4000 * refined.squareRoot()
        case 4: return 39000 * refined.squareRoot()
        case ...12: return 0x1p15 * refined
        default: return 0x1p14 * refined
        }
    }

    /// One test loss.
    private func testSeconds(refinement: Int = 0) -> Double {
        nodes(refinement: refinement) * Double(tokens * (tokens + students))
            * (loss == .tiedAttention ? 1.3e-9 : 0.9e-9)
    }

    /// Making the nodes; products are cheaper than points of a sequence.
    private func nodeSeconds(refinement: Int = 0) -> Double {
        let dimension = tokens * (teachers + students)
        return nodes(refinement: refinement) * Double(dimension) * (dimension <= 4 ? 35e-9 : 50e-9)
    }
}
