/// How the samples of each step of SGD on a fixed set are drawn ((12) of docs/models/dmft-gradient-dynamics.md). A sample that
/// is in the batch enters the gradient with ``weight``, all others with 0.
public struct BatchLaw: Sendable, Hashable {
    public enum Mask: Sendable, Hashable {
        /// Every sample at every step.
        case full
        /// Independent over samples and steps.
        case bernoulli
        /// A Markov chain in time for every sample: on to off with this probability, off to on such that a fraction b is on.
        case persistent(pOff: Double)
        /// Without replacement: in each epoch of this many steps every sample is used once, in a random order.
        case epoch(batches: Int)
    }

    public let mask: Mask
    /// b, the mean fraction of samples in a batch.
    public let fraction: Double
    /// The weight of a sample in the batch: 1/b when scaled, else 1.
    public let weight: Double

    public init(mask: Mask, fraction: Double, scaled: Bool) {
        self.mask = fraction == 1 ? .full : mask
        self.fraction = fraction
        weight = scaled ? 1 / fraction : 1
    }

    public static let full = BatchLaw(mask: .full, fraction: 1, scaled: true)

    /// The probability of off to on, from b p_off = (1 - b) p_on; above 1 there is no such chain.
    public static func persistentOn(fraction b: Double, pOff: Double) -> Double { b * pOff / (1 - b) }
}
