import Foundation

/// What a run of ``DMFTIntegrator`` is made from, besides the channel and the prior.
public struct DMFTSettings: Sendable {
    /// How responses to single samples' fields are found.
    public enum Tangents: Sendable, Hashable {
        /// So many tangents driven by orthogonal random signs, each at the cost of one more process. What is left of
        /// their noise feeds back: late, small losses come out too large by a part that falls as 1/(copies x probes).
        case probes(Int)
        /// One tangent for every earlier step, token and student column: exact for the sample, for checks (memory
        /// N T^2, time N T^3).
        case exact
    }

    /// How exactly the past of the copies is kept.
    public enum Precision: Sendable {
        /// In double precision, for a quadratic loss: its means over the matched sample have no sampling error.
        case full
        /// Well below the sampling error of any other loss, for less memory and time: gradients and noise in single
        /// precision, gradients off all earlier ones by less than 1e-3/N of their variance taken for combinations of those; tangents of
        /// probes with 8 bits, randomly rounded (2e-3/sqrt(N) of the responses).
        case sampling
    }

    /// n/d.
    public var alpha: Double
    /// eta and lambda of equation (1).
    public var stepSize: Double
    public var ridge: Double
    public var batches: BatchLaw
    /// Whether the weights are put back to their first norm after each step (one student column).
    public var isSpherical: Bool
    /// Copies of the effective process, N; rounded up to a multiple of the order of the probes.
    public var copies: Int
    /// The last step that will be asked for. Sizes memory; the trajectory does not depend on it.
    public var horizon: Int
    public var tangents: Tangents
    public var precision: Precision

    public init(
        alpha: Double, stepSize: Double, ridge: Double = 0, batches: BatchLaw = .full, isSpherical: Bool = false,
        copies: Int, horizon: Int, tangents: Tangents = .probes(1),
        precision: Precision = .full
    ) {
        self.alpha = alpha
        self.stepSize = stepSize
        self.ridge = ridge
        self.batches = batches
        self.isSpherical = isSpherical
        self.copies = copies
        self.horizon = horizon
        self.tangents = tangents
        self.precision = precision
    }

    /// Copies that lie side by side in memory.
    static let tileWidth = 64

    /// Gradients (and noise) whose part off all earlier ones has less than this part of their variance are taken for
    /// combinations of those. Rounding leaves about 1e-15.
    var tolerance: Double { precision == .full ? 1e-13 : 1e-3 / Double(copies) }

    /// N, rounded up as needed.
    public var roundedCopies: Int {
        let order = SignProbes.order(copies: max(copies, 1))
        return (max(copies, 1) + order - 1) / order * order
    }

    /// The most memory that an integration holds at its end, in bytes: for batches that make every gradient new. Full
    /// batches on a smooth loss need a part of it.
    public func bytes(tokens L: Int, students k: Int, teachers a: Int, targetWidth: Int) -> Double {
        let tiles = roundedCopies / Self.tileWidth
        let columns = (horizon + 1) * k
        func history(_ columns: Int) -> Double {
            let single = TileHistory<Float>.bytes(tiles: tiles, rowLength: L * Self.tileWidth, columns: columns)
            return precision == .full ? 2 * single : single
        }
        var bytes = history(columns) + history(2 + a + k + columns)
        // Teacher fields, targets, the present gradients, weights.
        bytes += 8 * Double(roundedCopies) * Double(L * (a + k) + targetWidth + 1)
        switch tangents {
        case .probes(let count):
            let order = SignProbes.order(copies: copies)
            let generations = (columns * L + order - 1) / order
            let tangents = precision == .sampling ? 0.5 * history(columns) : history(columns)
            bytes += Double(count) * (tangents + 8 * Double(generations * roundedCopies))
        case .exact:
            for s in 0...horizon { bytes += Double(L * k) * history((horizon + 1 - s) * k) }
        }
        return bytes + DMFTKernels.bytes(students: k, teachers: a, horizon: horizon)
            + GradientBasis.bytes(capacity: columns)
    }

    /// Seconds on a core of 2024, without the loss itself: the first fields of each copy and token, what it does in a step, and
    /// what it does with each earlier step that is kept; of probes all are, and of gradients under full batches some fifteen
    /// (a smooth loss makes few new ones), or none when the loss `isConstant`. The constants were fitted to 304 runs of up to
    /// 150 steps, two columns and four probes.
    public func seconds(tokens L: Int, students k: Int, teachers a: Int, isConstant: Bool = false) -> Double {
        let (rows, columns) = (Double(roundedCopies) * Double(L), Double(k))
        let T = Double(horizon + 1)
        let pairs = T * T / 2 * columns * columns
        let isWhole = batches.mask == .full
        let kept = isConstant ? 0 : isWhole ? min(T, 15) : T
        let step = (precision == .full ? 12e-9 : 0) + (isWhole ? 0 : 7e-9)
        let past = (kept * T - kept * kept / 2) * columns * columns
        var seconds = rows * (Double(2 + a + k) * 75e-9 + T * columns * step + past * 0.58e-9)
        switch tangents {
        case .probes(let count):
            seconds += rows * Double(count) * (T * columns * 10e-9 + pairs * (precision == .full ? 0.37e-9 : 0.08e-9))
        case .exact: seconds += rows * T * pairs * Double(L * k) * 0.3e-9
        }
        return seconds + T * T * T * pow(columns, 3) * 1e-9
    }
}
