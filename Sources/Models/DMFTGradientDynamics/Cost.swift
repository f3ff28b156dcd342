import Dynamics
import Foundation
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
        // Directions of tangents: two a probe; of exact ones those of half of the steps.
        let directions: Double =
            switch tangents {
            case .probes(let count): 2 * Double(count)
            case .exact: steps / 2 * Double(tokens) * Double(students)
            }
        let attention = loss == .tiedAttention ? attentionSeconds(tangents: directions) : 0
        return Cost(
            seconds: settings.seconds(
                tokens: tokens, students: students, teachers: teachers,
                isConstant: loss == .tiedAttention && tokens == 1)
                + Double(copies) * (steps + 1) * attention + nodeSeconds() + records * testSeconds(),
            bytes: settings.bytes(tokens: tokens, students: students, teachers: teachers, targetWidth: targetWidth))
    }

    func onePassCost(steps: Double, records: Double) -> Cost {
        let numbers = Double(tokens * (students + 2 * teachers + tokens) + 1)
        return Cost(
            seconds: steps * testSeconds(refinement: 2, tangents: Double(tokens) * Double(students))
                + records * testSeconds(refinement: 2) + nodeSeconds(refinement: 2),
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
        case ...3: return 3800 * pow(refined, 0.4)
        case 4: return 38700 * refined.squareRoot()
        case ...12: return 0x1p15 * refined
        default: return 0x1p14 * refined
        }
    }

    /// Seconds of tied attention, its gradient and so many tangents on one sample: L rows of exponentials, and as many
    /// products as there are in L^2 scores of k columns and their way back. Measured with one to three tokens.
    private func attentionSeconds(tangents: Double) -> Double {
        let (L, k) = (Double(tokens), Double(students))
        return 9e-9 * L + 0.16e-9 * L * L * 4 * (k + 1) * (1 + tangents)
    }

    /// One test loss, or the moments of a step with so many tangents: fields, losses and sums at each node. Measured for
    /// all losses.
    private func testSeconds(refinement: Int = 0, tangents: Double = 0) -> Double {
        let width = Double(tokens * students)
        let sums = 7e-9 + 5e-9 * width + 1e-9 * width * tangents
        return nodes(refinement: refinement)
            * (sums + (loss == .tiedAttention ? attentionSeconds(tangents: tangents) : 0))
    }

    /// Making the nodes, number by number: products are cheaper than points of a sequence. Measured.
    private func nodeSeconds(refinement: Int = 0) -> Double {
        let dimension = tokens * (teachers + students)
        return nodes(refinement: refinement) * Double(dimension) * (dimension <= 4 ? 9e-9 : 27e-9)
    }
}
