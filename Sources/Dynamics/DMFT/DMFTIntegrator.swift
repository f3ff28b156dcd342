import Numerics
import Persistence
import Randomness

/// The causal Monte Carlo integrator of discrete-time dynamical mean-field theory for (S)GD on a fixed set of n = alpha d
/// samples ((15) to (27) of docs/models/dmft-gradient-dynamics.md).
///
/// N copies of the effective process of one sample go forward together, one step after the other; all kernels of step t
/// are means over the copies of what has happened up to t, so nothing is iterated. The fields are kept in the form
/// Zp_t = S_t Zp_0 - eta sum_{s<t} R_ts (g_s + u_s), the solution of equation (3) with R as in section 4.3 and S its
/// homogeneous part: it needs the past of g and of the noise only.
///
/// Use: ``evaluate(tiles:)`` until it is true, then read time t's quantities; ``step()``; and again.
public struct DMFTIntegrator<Channel: DMFTChannel>: Sendable, Resumable {
    public let channel: Channel
    public let prior: DMFTPrior
    public let settings: DMFTSettings
    /// N.
    public let copies: Int
    /// Kernels and overlaps up to the present time.
    public private(set) var kernels: DMFTKernels
    /// The mean loss over the samples at the present time; known once it is evaluated with it.
    public private(set) var trainLoss = Double.nan
    /// Whether the present time has been evaluated wholly.
    public private(set) var isEvaluated = false

    /// t.
    public var time: Int { kernels.time }
    /// Gradients that are kept, of all k (t + 1).
    public var keptGradients: Int { basis.size }

    private let tiles: Int
    /// Column 0 is 1, then label noise, teacher and student columns of the start, then the normals of the noise u.
    var normals: MatchedNormals
    /// Normals that come before those of u.
    let startColumns: Int
    /// Centred teacher fields z*, a columns.
    var teacherFields: TileHistory<Double>
    var targets: TileHistory<Double>
    /// The gradients of the present time, k columns.
    var present: TileHistory<Double>
    /// The basis vectors of all gradients so far.
    var gradients: MixedHistory
    var tangents: DMFTTangents
    var basis: GradientBasis
    private var masks: BatchMasks
    var coefficients: StepCoefficients
    var weights: [Double]
    private var sums: StepSums
    private var nextTile = 0

    /// - Parameter random: the stream of this integration; its substreams 0, 2, 15 and from 16 on are used.
    /// - Throws: ``DMFTError/size(_:)`` when the horizon or the sample make no sense.
    public init(channel: Channel, prior: DMFTPrior, settings: DMFTSettings, random: RandomStream) throws {
        let (L, k, a) = (channel.tokens, channel.students, channel.teachers)
        guard prior.students == k, prior.teachers == a, prior.positions.map({ $0.count == L }) ?? true else {
            throw DMFTError.size("the prior has other numbers of columns or tokens than the loss")
        }
        guard settings.copies > 0, settings.copies <= 1 << 32, (0...1 << 20).contains(settings.horizon) else {
            throw DMFTError.size("the number of copies or of steps is out of range")
        }
        let least = 2 * (settings.horizon + 1) * k
        guard settings.copies >= least else {
            throw DMFTError.size(
                "is too small for \(settings.horizon) steps: the noise of fewer than \(least) copies can grow without bound"
            )
        }
        self.channel = channel
        self.prior = prior
        self.settings = settings
        copies = settings.roundedCopies
        let width = DMFTSettings.tileWidth
        tiles = copies / width
        startColumns = 1 + channel.noiseCount + a + k
        let kept: MixedHistory.Precision = settings.precision == .full ? .double : .single
        normals = MatchedNormals(
            tiles: tiles, rowLength: L * width, precision: kept, random: random.substream(0))
        teacherFields = TileHistory(tiles: tiles, rowLength: L * width, columns: a)
        targets = TileHistory(tiles: tiles, rowLength: width, columns: channel.targetWidth)
        present = TileHistory(tiles: tiles, rowLength: L * width, columns: k)
        present.reserve(columns: k)
        gradients = MixedHistory(kept, tiles: tiles, rowLength: L * width)
        tangents = DMFTTangents(
            settings.tangents, precision: kept == .single && settings.tangents != .exact ? .rounded : kept,
            copies: copies,
            tiles: tiles, tokens: L, students: k, random: random)
        basis = GradientBasis(capacity: (settings.horizon + 1) * k, tolerance: settings.tolerance)
        masks = BatchMasks(settings.batches, count: copies, isExact: true, random: random.substream(2))
        kernels = DMFTKernels(prior: prior, horizon: settings.horizon)
        coefficients = StepCoefficients()
        weights = Array(repeating: 0, count: copies)
        sums = StepSums()
        drawStart()
        prepare()
    }

    // MARK: The copies at the start

    /// Teacher fields and targets of all copies.
    private mutating func drawStart() {
        let (L, a) = (channel.tokens, channel.teachers)
        let (width, noiseCount) = (DMFTSettings.tileWidth, channel.noiseCount)
        normals.draw(columns: startColumns)
        teacherFields.reserve(columns: a)
        targets.reserve(columns: channel.targetWidth)
        let length = L * width
        withUnsafeTemporaryAllocation(of: Double.self, capacity: (a + 1) * length) { fields in
            guard let fields = fields.baseAddress else { return }
            let noise = fields + a * length
            for tile in 0..<tiles {
                for j in 0..<a {
                    let column = teacherFields.column(j, tile: tile)
                    for c in 0...j {
                        normals.history.add(
                            prior.teacherFactor[j * a + c], 1 + noiseCount + c, tile: tile, to: column)
                    }
                    for l in 0..<L {
                        let mean = prior.teacherMean(token: l, teacher: j)
                        for i in 0..<width {
                            fields[j * length + l * width + i] = column[l * width + i] + mean
                        }
                    }
                }
                // A sample has one row of noise, whatever its tokens.
                noise.update(repeating: 0, count: length)
                normals.history.add(1, min(1, noiseCount), tile: tile, to: noise)
                channel.target(
                    TargetBatch(
                        blocks: width / 8, fields: fields, tokenStride: width, teacherStride: length, noise: noise,
                        noiseStride: length, targets: targets.column(0, tile: tile), targetStride: width))
            }
        }
    }

    // MARK: One step

    /// Makes room and coefficients for the evaluation of the present time.
    private mutating func prepare() {
        let k = channel.students
        isEvaluated = false
        nextTile = 0
        gradients.reserve(columns: basis.size + k)
        present.reserve(columns: k)
        tangents.prepare(time: time)
        normals.draw(columns: startColumns + basis.size)
        coefficients = StepCoefficients(
            kernels, basis, prior, startColumns: startColumns, stepSize: settings.stepSize)
        weights.withUnsafeMutableBufferPointer { weights in
            guard let weights = weights.baseAddress else { return }
            masks.next(into: weights)
        }
        sums = StepSums(
            students: k, teachers: channel.teachers, members: basis.size, tangentSums: tangents.sumCount)
    }

    /// Evaluates up to `count` more tiles of 64 copies at the present time. True when all are done; then the rows of
    /// Gamma and Cg of this time are there, and ``trainLoss`` if all calls have asked for it.
    ///
    /// - Throws: ``DMFTError/diverged(step:)``.
    public mutating func evaluate(tiles count: Int, loss: Bool = true) throws -> Bool {
        guard !isEvaluated else { return true }
        let end = nextTile + min(tiles - nextTile, max(count, 1))
        // Moved out meanwhile, since the copies' memory is read through self.
        var collected = sums
        sums = StepSums()
        evaluate(nextTile..<end, loss: loss, into: &collected)
        sums = collected
        nextTile = end
        guard end == tiles else { return false }
        try reduce()
        isEvaluated = true
        return true
    }

    /// Makes the kernels' rows of the present time out of the sums over the copies.
    private mutating func reduce() throws {
        let k = channel.students
        let factor = settings.alpha / Double(copies)
        trainLoss = sums.loss[0] / Double(copies)
        let before = basis.size
        let row = time * k
        let n = kernels.stride
        // What each new basis vector is made of: a column of this time less a combination of earlier basis vectors.
        var made: [(column: Int, less: [Double])] = []
        for i in 0..<k {
            var covariances = (0..<before).map { factor * sums.members[i * before + $0].sum() }
            for (column, less) in made {
                var value = factor * sums.own[i * k + column]
                for (b, coefficient) in less.enumerated() { value -= coefficient * covariances[b] }
                covariances.append(value)
            }
            let variance = factor * sums.own[i * k + i]
            guard variance.isFinite else { throw DMFTError.diverged(step: time) }
            let place = basis.size
            switch basis.append(covariances: covariances, variance: variance) {
            case .dropped: break
            case .whole:
                keepGradient(i, at: place)
                made.append((i, []))
            case .residual(let combination):
                let first = takeOff(combination, from: i)
                // Twice, always: taken off once, the basis loses its orthogonality by the square of its condition.
                let correction = basis.correct(covariances: first.products.map { factor * $0 })
                let second = takeOff(correction, from: i)
                basis.setPivot(factor * second.square)
                keepGradient(i, at: place)
                made.append((i, zip(combination, correction).map { $0 + $1 }))
            }
            for column in 0...row + i {
                let value = column == row + i ? variance : basis.covariance(with: column)
                kernels.Cg[(row + i) * n + column] = value
                kernels.Cg[column * n + row + i] = value
            }
        }
        tangents.reduce(&kernels, factor: factor, time: time, sums: &sums.tangents)
        guard kernels.Gamma[row * n..<(row + k) * n].allSatisfy(\.isFinite) else {
            throw DMFTError.diverged(step: time)
        }
    }

    /// Takes a combination of the basis vectors off column `i` of the present gradients. Returns the sums of its squares
    /// and of its products with those.
    private func takeOff(_ combination: [Double], from i: Int) -> (square: Double, products: [Double]) {
        let coefficients = combination.map { -$0 }
        var square = 0.0
        var products = Array(repeating: Lanes.zero, count: coefficients.count)
        for tile in 0..<tiles {
            let g = present.column(i, tile: tile)
            gradients.addCombination(
                rows: 1, columns: coefficients.count, coefficients, leading: 0, tile: tile, to: g)
            gradients.addProducts(columns: coefficients.count, g, tile: tile, to: &products)
            square += BLAS.dot(gradients.rowLength, g, g)
        }
        return (square, products.map { $0.sum() })
    }

    /// Makes column `i` of the present gradients basis vector `place`.
    private func keepGradient(_ i: Int, at place: Int) {
        for tile in 0..<tiles { gradients.set(place, tile: tile, to: present.column(i, tile: tile)) }
    }

    /// Goes from t to t + 1; the present time must have been evaluated.
    ///
    /// - Throws: ``DMFTError/diverged(step:)``.
    public mutating func step() throws {
        guard isEvaluated, time < settings.horizon else {
            throw DMFTError.size("step \(time) cannot be taken before it is evaluated, nor beyond the horizon")
        }
        let factor = settings.alpha / Double(copies)
        let gram = kernels.gram(at: time)
        kernels.step(
            mu: sums.teacher.map { $0 * factor }, inverseTeacherGram: prior.inverseTeacherGram,
            stepSize: settings.stepSize, decay: 1 - settings.stepSize * settings.ridge,
            sphere: settings.isSpherical ? prior.startGram[0] : nil)
        guard kernels.isFinite else { throw DMFTError.diverged(step: time) }
        guard isConsistent(with: gram) else { throw DMFTError.sampling(step: time) }
        prepare()
    }

    /// Whether C_{t+1,t} of the kernels is what the copies say, (1 - eta lambda) C_tt - eta alpha E[sum_l g_lt Z_lt^T] (27),
    /// to a tenth of the norms: the two differ by the sampling alone, and by much more
    /// where its noise has fed back on itself.
    private func isConsistent(with gram: [Double]) -> Bool {
        guard !settings.isSpherical else { return true }
        let k = channel.students
        let (found, next) = (kernels.block(kernels.C, time, time - 1), kernels.gram(at: time))
        let factor = settings.stepSize * settings.alpha / Double(copies)
        let scale = (0..<k).map { max(gram[$0 * (k + 1)], next[$0 * (k + 1)], 0) }.max() ?? 0
        return (0..<k * k).allSatisfy {
            let expected = (1 - settings.stepSize * settings.ridge) * gram[$0] - factor * sums.fields[$0]
            return abs(found[$0] - expected) <= Self.disagreement * scale
        }
    }

    private static var disagreement: Double { 0.1 }

    // MARK: Reading and saving

    /// Block (t, s) of C, R, Gamma or Cg, k x k; known for t up to the present time once that is evaluated.
    public func block(_ kernel: DMFTKernelName, _ t: Int, _ s: Int) -> [Double] {
        switch kernel {
        case .C: kernels.block(kernels.C, t, s)
        case .R: kernels.block(kernels.R, t, s)
        case .Gamma: kernels.block(kernels.Gamma, t, s)
        case .Cg: kernels.block(kernels.Cg, t, s)
        }
    }

    /// Teacher fields and targets are drawn again; all else is state.
    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&kernels)
        try archive.exchange(&trainLoss)
        try archive.exchange(&isEvaluated)
        try archive.exchange(&normals)
        try archive.exchange(&present)
        try archive.exchange(&gradients)
        try archive.exchange(&tangents)
        try archive.exchange(&basis)
        try archive.exchange(&masks)
        try archive.exchange(&weights)
        try archive.exchange(&nextTile, in: 0...tiles)
        try archive.exchange(&sums)
        guard archive.isRestoring, !isEvaluated else { return }
        coefficients = StepCoefficients(
            kernels, basis, prior, startColumns: startColumns, stepSize: settings.stepSize)
    }
}

/// The two-time kernels by name.
public enum DMFTKernelName: String, Sendable, CaseIterable { case C, R, Gamma, Cg }
