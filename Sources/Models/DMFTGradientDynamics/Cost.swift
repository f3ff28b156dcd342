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
        // For each sample and run beside its k L fields; and the nodes of one test loss.
        let function: Double
        let test: Double
        switch loss {
        case .linear, .phase: (function, test) = (1e-9, 0.1e-3)
        case .logistic: (function, test) = (4e-9, 0.1e-3)
        case .tokenAverage: (function, test) = (4e-9 * L, 1.5e-3)
        case .tiedAttention: (function, test) = (4e-9 * L * (L + k), 1.5e-3)
        }
        let channel = n * R * (k * L * 1e-9 + function)
        let isFull = batches.mask == .full
        // A training loss shares the next step's gradient of full batches.
        let record = R * test + (isFull ? 0 : multiply + channel)
        // Inputs; W, its copy, its gradient and what is kept for C; targets and weights; scratch of a block.
        let bytes =
            4 * (n + 8) * L * d + columns * d * (16 + 8 * records) + 8 * (n + 8) * (L * L + 2 * R) + 4e6
            + columns * L * 16 * max(16, 131072 / (d * L))
        return Cost(
            seconds: n * L * d * 1e-9 + 10 * test + records * record
                + steps * ((isFull ? 1 : max(batches.fraction, 0.1)) * multiply + channel),
            bytes: bytes)
    }

    func meanFieldCost(steps: Double) -> Cost {
        let settings = meanFieldSettings(steps: steps)
        return Cost(
            seconds: settings.seconds(tokens: tokens, students: students, teachers: teachers),
            bytes: settings.bytes(tokens: tokens, students: students, teachers: teachers, targetWidth: targetWidth))
    }

    func onePassCost(steps: Double, records: Double) -> Cost {
        let (L, k, a) = (tokens, students, teachers)
        let dimension = L * (k + a)
        let nodes = Double(dimension <= 2 ? 1 << 13 : 1 << 17)
        // Of one sample: L k Hessian products.
        let seconds = nodes * 2e-9 * Double((L * k + 1) * L * (L + k))
        return Cost(
            seconds: (steps + records) * seconds + nodes * Double(dimension) * 50e-9,
            bytes: nodes * Double(dimension + L * a + L * L + 1) * 8 + 0x1p20)
    }

    func closedFormCost(steps: Double, records: Double) -> Cost {
        // Of one mean over the spectrum, at the last time.
        let mean = (48 + 14 * steps.squareRoot()) * 0.2e-6
        let kept = batches.mask == .full ? 0 : min(steps, Double(LinearTheory.longestWithBatches))
        return Cost(seconds: records * 6 * mean + kept * (4 * mean + 1e-9 * kept), bytes: 0x1p14 + 24 * kept)
    }
}
