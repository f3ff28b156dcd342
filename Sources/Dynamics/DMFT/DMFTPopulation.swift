import Numerics

/// Means over one fresh sample of a channel, whose fields are V = Z* (M Q*^-1)^T + G with rows of G iid
/// N(0, q - M Q*^-1 M^T), all about the tokens' means ((29) and (31) of docs/models/dmft-gradient-dynamics.md). Made once a run: the
/// nodes and their targets are then fixed, the same in every run, so that a simulation and its theory share them.
///
/// One token, one student column and a target of one teacher column: a product rule, split where the teacher's and the
/// student's field are 0; good to 1e-10 for the losses of that model (logistic: 2e-9 at q = 100, 6e-6 at q = 1000). Up to
/// four normals a sample: a product rule for smooth losses and targets. Else points of one scrambled Sobol sequence.
/// ``DMFTPopulationRule`` states the errors.
///
/// Teacher columns that the target does not depend on (the tokens' means) are integrated out by Stein's lemma and are no
/// dimensions of the rule.
public struct DMFTPopulation<Channel: DMFTChannel>: Sendable {
    private let channel: Channel
    private let prior: DMFTPrior
    /// The teacher columns that are nodes.
    private let columns: Int
    private let rule: DMFTPopulationRule
    /// Centred teacher fields at the nodes, number (l columns + j) count + node.
    private let teacherFields: [Double]
    private let targets: [Double]
    /// Q*^-1 of the first columns.
    private let inverse: [Double]

    /// The sizes of `channel` and `prior` must be those of one model. Each `refinement` doubles the number of nodes of
    /// large rules.
    public init(channel: Channel, prior: DMFTPrior, refinement: Int = 0) {
        self.channel = channel
        self.prior = prior
        let (L, a, used) = (channel.tokens, prior.teachers, channel.targetTeachers)
        columns = used
        // The leading block of the triangular factor is the factor of the leading block.
        let factor = (0..<used * used).map { prior.teacherFactor[$0 / used * a + $0 % used] }
        inverse = SmallMatrix.inverse(factor: factor, used)
        rule = DMFTPopulationRule(
            tokens: L, students: channel.students, columns: used, noise: channel.noiseCount,
            kink: -prior.teacherMean(token: 0, teacher: 0) / factor[0], refinement: refinement)
        let count = rule.count
        var fields = Array(repeating: 0.0, count: L * used * count)
        for l in 0..<L {
            for j in 0..<used {
                for c in 0...j {
                    let weight = factor[j * used + c]
                    let to = (l * used + j) * count
                    let from = (l * used + c) * count
                    for n in 0..<count { fields[to + n] += weight * rule.teacherNormals[from + n] }
                }
            }
        }
        teacherFields = fields
        for l in 0..<L {
            for j in 0..<used {
                let mean = prior.teacherMean(token: l, teacher: j)
                for n in 0..<count { fields[(l * used + j) * count + n] += mean }
            }
        }
        var targets = Array(repeating: 0.0, count: channel.targetWidth * count)
        channel.target(
            TargetBatch(
                blocks: count / 8, fields: fields, tokenStride: used * count, teacherStride: count, noise: rule.noise,
                noiseStride: count, targets: &targets, targetStride: count))
        self.targets = targets
    }

    /// Nodes of the rule: an evaluation takes a few nanoseconds for each, more for losses of sequences.
    public var nodeCount: Int { rule.count }

    /// E l at overlaps M (k x a) and Gram matrix q (k x k): the test loss. Not a number when q - M Q*^-1 M^T is not positive
    /// semidefinite (to 1e-6 of q).
    public func loss(overlap: [Double], gram: [Double]) -> Double {
        guard let law = FieldLaw(self, overlap: overlap, gram: gram) else { return .nan }
        let width = channel.tokens * channel.students
        var sum = Lanes.zero
        withUnsafeTemporaryAllocation(of: Double.self, capacity: (width + 2) * Self.chunk * 8) { scratch in
            guard let fields = scratch.baseAddress else { return }
            let losses = fields + width * Self.chunk * 8
            let weights = losses + Self.chunk * 8
            forEachChunk { first, blocks in
                fill(fields, weights: weights, law, first: first, blocks: blocks)
                evaluate(fields, gradient: fields, losses: losses, first: first, blocks: blocks)
                for b in 0..<blocks { sum += lanes(weights, b) * lanes(losses, b) }
            }
        }
        return sum.sum()
    }

    /// The means that one step on fresh samples needs. All are not a number where ``loss(overlap:gram:)`` is.
    public func moments(overlap: [Double], gram: [Double]) -> DMFTMoments {
        let (L, k, a) = (channel.tokens, channel.students, prior.teachers)
        guard let law = FieldLaw(self, overlap: overlap, gram: gram) else {
            return DMFTMoments(
                loss: .nan, teacherGradient: Array(repeating: .nan, count: k * a),
                gradientGram: Array(repeating: .nan, count: k * k), curvature: Array(repeating: .nan, count: k * k))
        }
        let width = L * k
        let stride = Self.chunk * 8
        // Sums of loss; g by token and student; g z* of the nodes' columns; g g^T; H_ll.
        var loss = Lanes.zero
        var means = Array(repeating: Lanes.zero, count: width)
        var products = Array(repeating: Lanes.zero, count: k * columns)
        var squares = Array(repeating: Lanes.zero, count: k * k)
        var curvature = squares
        withUnsafeTemporaryAllocation(of: Double.self, capacity: (2 * width + width * width + 2) * stride) { scratch in
            guard let fields = scratch.baseAddress else { return }
            let gradient = fields + width * stride
            let tangents = gradient + width * stride
            let losses = tangents + width * width * stride
            let weights = losses + stride
            forEachChunk { first, blocks in
                fill(fields, weights: weights, law, first: first, blocks: blocks)
                tangents.update(repeating: 0, count: width * width * stride)
                for m in 0..<width { (tangents + (m * width + m) * stride).update(repeating: 1, count: stride) }
                evaluate(
                    fields, gradient: gradient, losses: losses, tangents: tangents, first: first, blocks: blocks)
                teacherFields.withUnsafeBufferPointer { teacher in
                    guard let teacher = teacher.baseAddress else { return }
                    for b in 0..<blocks {
                        let weight = lanes(weights, b)
                        loss += weight * lanes(losses, b)
                        for l in 0..<L {
                            for i in 0..<k {
                                let g = weight * lanes(gradient + (l * k + i) * stride, b)
                                means[l * k + i] += g
                                for j in 0..<columns {
                                    let z = lanes(teacher + (l * columns + j) * rule.count, first + b)
                                    products[i * columns + j] += g * z
                                }
                                for j in 0..<k {
                                    squares[i * k + j] += g * lanes(gradient + (l * k + j) * stride, b)
                                    let bend = tangents + ((l * k + j) * width + l * k + i) * stride
                                    curvature[i * k + j] += weight * lanes(bend, b)
                                }
                            }
                        }
                    }
                }
            }
        }
        let H = curvature.map { $0.sum() }
        return DMFTMoments(
            loss: loss.sum(),
            teacherGradient: teacherGradient(
                products.map { $0.sum() }, means: means.map { $0.sum() }, curvature: H, overlap: overlap),
            gradientGram: squares.map { $0.sum() }, curvature: H)
    }

    /// mu (k x a) of all columns from that of the nodes' columns without means. A further column is
    /// z*_j = Q_j Q^-1 z* + r_j with Q of the nodes' columns and r_j independent of their fields, so that Stein's lemma
    /// gives E sum_l g_l r_lj = (sum_l E H_ll) cov(V, r_j).
    private func teacherGradient(
        _ products: [Double], means: [Double], curvature: [Double], overlap: [Double]
    ) -> [Double] {
        let (L, k, a) = (channel.tokens, channel.students, prior.teachers)
        var result = Array(repeating: 0.0, count: k * a)
        for j in 0..<a {
            let along = (0..<columns).map { c in
                (0..<columns).reduce(0) { $0 + prior.teacherGram[j * a + $1] * inverse[$1 * columns + c] }
            }
            let rest = (0..<k).map { i in
                j < columns ? 0 : overlap[i * a + j] - (0..<columns).reduce(0) { $0 + overlap[i * a + $1] * along[$1] }
            }
            for i in 0..<k {
                var sum = 0.0
                if j < columns {
                    sum = products[i * columns + j]
                } else {
                    for c in 0..<columns { sum += products[i * columns + c] * along[c] }
                    for m in 0..<k { sum += curvature[i * k + m] * rest[m] }
                }
                for l in 0..<L { sum += means[l * k + i] * prior.teacherMean(token: l, teacher: j) }
                result[i * a + j] = sum
            }
        }
        return result
    }

    /// Blocks of eight nodes that are evaluated at a time.
    private static var chunk: Int { 16 }

    @inline(__always)
    private func forEachChunk(_ body: (_ first: Int, _ blocks: Int) -> Void) {
        for first in stride(from: 0, to: rule.count / 8, by: Self.chunk) {
            body(first, min(Self.chunk, rule.count / 8 - first))
        }
    }

    /// The fields V of some blocks, number l k + i at `fields + (l k + i) chunk 8`, and their weights.
    @inline(__always)
    private func fill(
        _ fields: UnsafeMutablePointer<Double>, weights: UnsafeMutablePointer<Double>, _ law: FieldLaw, first: Int,
        blocks: Int
    ) {
        let (k, count) = (channel.students, rule.count)
        rule.studentNormals.withUnsafeBufferPointer { normals in
            teacherFields.withUnsafeBufferPointer { teacher in
                guard let normals = normals.baseAddress, let teacher = teacher.baseAddress else { return }
                for l in 0..<channel.tokens {
                    for i in 0..<k {
                        let mean = Lanes(repeating: law.means[l * k + i])
                        let to = fields + (l * k + i) * Self.chunk * 8
                        for b in 0..<blocks {
                            var v = mean
                            for j in 0..<columns {
                                v +=
                                    Lanes(repeating: law.coefficients[i * columns + j])
                                    * lanes(teacher + (l * columns + j) * count, first + b)
                            }
                            store(v, to, b)
                        }
                    }
                }
                guard rule.splitCutoff == nil else { return }
                for l in 0..<channel.tokens {
                    for i in 0..<k {
                        let to = fields + (l * k + i) * Self.chunk * 8
                        for b in 0..<blocks {
                            var v = lanes(to, b)
                            for m in 0...i {
                                v +=
                                    Lanes(repeating: law.factor[i * k + m])
                                    * lanes(normals + (l * k + m) * count, first + b)
                            }
                            store(v, to, b)
                        }
                    }
                }
            }
        }
        rule.weights.withUnsafeBufferPointer { base in
            guard let base = base.baseAddress else { return }
            weights.update(from: base + 8 * first, count: 8 * blocks)
        }
        if let cutoff = rule.splitCutoff { split(fields, weights, law, cutoff, first: first, blocks: blocks) }
    }

    /// Adds the part of V that is independent of the teacher, f x, to what `fields` hold, with nodes x on both sides of where V
    /// is 0 (or of the cutoff, where that is beyond).
    @inline(__always)
    private func split(
        _ fields: UnsafeMutablePointer<Double>, _ weights: UnsafeMutablePointer<Double>, _ law: FieldLaw,
        _ cutoff: Double, first: Int, blocks: Int
    ) {
        let f = Lanes(repeating: law.factor[0])
        let inverse = Lanes(repeating: law.factor[0] > 1e-100 ? -1 / law.factor[0] : 0)
        let end = Lanes(repeating: cutoff)
        let density = Lanes(repeating: normalDensity(0))
        rule.studentNormals.withUnsafeBufferPointer { normals in
            guard let normals = normals.baseAddress else { return }
            for b in 0..<blocks {
                let centre = lanes(fields, b)
                let u = lanes(normals, first + b)
                var x = centre * inverse
                x.replace(with: end, where: x .> end)
                x.replace(with: -end, where: x .< -end)
                let length = (end - x).replacing(with: end + x, where: u .< Lanes.zero)
                x += u * length
                store(centre + f * x, fields, b)
                store(lanes(weights, b) * length * density * exponential(Lanes(repeating: -0.5) * x * x), weights, b)
            }
        }
    }

    @inline(__always)
    private func evaluate(
        _ fields: UnsafeMutablePointer<Double>, gradient: UnsafeMutablePointer<Double>,
        losses: UnsafeMutablePointer<Double>, tangents: UnsafeMutablePointer<Double>? = nil, first: Int, blocks: Int
    ) {
        let stride = Self.chunk * 8
        let width = channel.tokens * channel.students
        targets.withUnsafeBufferPointer { targets in
            guard let targets = targets.baseAddress else { return }
            channel.evaluate(
                FieldBatch(
                    blocks: blocks, tokenStride: channel.students * stride, studentStride: stride, fields: fields,
                    targets: targets + 8 * first, targetStride: rule.count, gradient: gradient, loss: losses,
                    tangents: tangents, tangentCount: width, tangentStride: width * stride))
        }
    }

    /// The law of the fields given the teacher fields of the nodes.
    private struct FieldLaw {
        /// M Q^-1, k x columns.
        let coefficients: [Double]
        /// The lower triangular factor of q - M Q^-1 M^T.
        let factor: [Double]
        /// L x k.
        let means: [Double]

        /// Nil when the covariance is not positive semidefinite to 1e-6 of q: what is negative by less is rounding or
        /// Monte Carlo noise, and taken for 0.
        init?(_ population: DMFTPopulation, overlap: [Double], gram: [Double]) {
            let (k, a, used) = (population.channel.students, population.prior.teachers, population.columns)
            let M = (0..<k * used).map { overlap[$0 / used * a + $0 % used] }
            let B = SmallMatrix.product(M, population.inverse, k, used, used)
            var free = Array(repeating: 0.0, count: k * k)
            for i in 0..<k {
                for j in 0...i {
                    var c = 0.5 * (gram[i * k + j] + gram[j * k + i])
                    for n in 0..<used { c -= B[i * used + n] * M[j * used + n] }
                    free[i * k + j] = c
                    free[j * k + i] = c
                }
            }
            let scale = gram.map(abs).max() ?? 0
            guard scale.isFinite,
                let factor = SmallMatrix.cholesky(free, k, tolerance: 1e-13, allowsZero: true, scale: scale)
                    ?? SmallMatrix.cholesky(free, k, tolerance: 1e-6, allowsZero: true, scale: scale)
            else { return nil }
            coefficients = B
            self.factor = factor
            means = (0..<population.channel.tokens * k).map {
                population.prior.studentMean(overlap, token: $0 / k, student: $0 % k)
            }
        }
    }
}

/// Means over one fresh sample. None has the factor alpha (samples per dimension) or the weight of a batch.
public struct DMFTMoments: Sendable, Hashable {
    /// E l.
    public let loss: Double
    /// E sum_l g_l z*_l^T, k x a, z* with its mean.
    public let teacherGradient: [Double]
    /// E sum_l g_l g_l^T, k x k.
    public let gradientGram: [Double]
    /// E sum_l H_ll, k x k.
    public let curvature: [Double]
}
