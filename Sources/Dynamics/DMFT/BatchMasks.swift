import Numerics
import Persistence
import Randomness

/// The batches of one run of SGD, step after step: which samples are in, as weights.
public struct BatchMasks: Sendable, Resumable {
    private let law: BatchLaw
    private let count: Int
    /// True when a Bernoulli batch has exactly its mean size, which has the same limit and less noise.
    private let isExact: Bool
    private var random: RandomStream
    private var step = 0
    /// Persistent: 1 for samples that are on. Epoch: the batch of each sample in this epoch.
    private var states: [Int]

    /// Masks of `count` samples from the uniforms of `random`.
    public init(_ law: BatchLaw, count: Int, isExact: Bool = false, random: RandomStream) {
        self.law = law
        self.count = count
        self.isExact = isExact
        self.random = random
        switch law.mask {
        case .full, .bernoulli: states = []
        case .persistent, .epoch: states = Array(repeating: 0, count: count)
        }
    }

    /// Writes the weights of the next step into the first `count` elements of `weights`: 0 for samples that are not in the
    /// batch. Leaves the rest as it is.
    public mutating func next(into weights: UnsafeMutablePointer<Double>) {
        defer { step += 1 }
        switch law.mask {
        case .full: weights.update(repeating: law.weight, count: count)
        case .bernoulli:
            guard isExact else {
                for i in 0..<count { weights[i] = random.uniform() < law.fraction ? law.weight : 0 }
                return
            }
            // Selection sampling: every set of this size is equally likely.
            var needed = (law.fraction * Double(count)).rounded()
            for i in 0..<count {
                let isIn = random.uniform() * Double(count - i) < needed
                weights[i] = isIn ? law.weight : 0
                if isIn { needed -= 1 }
            }
        case .persistent(let pOff):
            let pOn = BatchLaw.persistentOn(fraction: law.fraction, pOff: pOff)
            for i in 0..<count {
                let u = random.uniform()
                let isOn = step == 0 ? u < law.fraction : states[i] == 1 ? u >= pOff : u < pOn
                states[i] = isOn ? 1 : 0
                weights[i] = isOn ? law.weight : 0
            }
        case .epoch(let batches):
            if step % batches == 0 { drawEpoch(batches) }
            let batch = step % batches
            for i in 0..<count { weights[i] = states[i] == batch ? law.weight : 0 }
        }
    }

    /// A random permutation cut into batches whose sizes differ by at most one: each sample takes a place among those left.
    private mutating func drawEpoch(_ batches: Int) {
        for i in 0..<count { states[i] = i * batches / count }
        for i in stride(from: count - 1, to: 0, by: -1) {
            states.swapAt(i, min(Int(random.uniform() * Double(i + 1)), i))
        }
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&random)
        try archive.exchange(&step, in: 0...Int.max - 1)
        try archive.exchange(&states)
    }
}
