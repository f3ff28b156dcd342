/// A loss on single samples, as dynamical mean-field theory and the simulations it predicts see it: the fields
/// Z = (L tokens) x (k students) and the target come in; the loss, its gradient g = dl/dZ and the products J[v] of its
/// Hessian come out. To add a loss, give these.
///
/// Samples come side by side, eight to a block, so that an implementation is arithmetic on ``Numerics/Lanes``; see
/// ``FieldBatch`` and ``TargetBatch`` for where things lie. Nothing is allocated and nothing kept between calls.
public protocol DMFTChannel: Sendable {
    /// Rows of a sample, L.
    var tokens: Int { get }
    /// Columns of the weights, k.
    var students: Int { get }
    /// Columns of the teacher, a, those of the tokens' means included.
    var teachers: Int { get }
    /// The target depends on this many of the first teacher columns.
    var targetTeachers: Int { get }
    /// Standard normals of label randomness that a sample has.
    var noiseCount: Int { get }
    /// Numbers that are kept of a sample's target.
    var targetWidth: Int { get }
    /// The target y = f*(Z*, zeta) of each sample.
    func target(_ batch: TargetBatch)
    /// Gradient, loss and Hessian products of each sample.
    func evaluate(_ batch: FieldBatch)
}

/// Samples whose targets are asked for. Eight samples make a block; block b of the field of token l and teacher column j is at
/// `fields + l tokenStride + j teacherStride + 8 b`.
public struct TargetBatch {
    public let blocks: Int
    /// Teacher fields Z*, means included.
    public let fields: UnsafePointer<Double>
    public let tokenStride: Int
    public let teacherStride: Int
    /// Standard normals, number i of block b at `noise + i noiseStride + 8 b`.
    public let noise: UnsafePointer<Double>
    public let noiseStride: Int
    /// Output: number c of the target of block b goes to `targets + c targetStride + 8 b`.
    public let targets: UnsafeMutablePointer<Double>
    public let targetStride: Int

    public init(
        blocks: Int, fields: UnsafePointer<Double>, tokenStride: Int, teacherStride: Int, noise: UnsafePointer<Double>,
        noiseStride: Int, targets: UnsafeMutablePointer<Double>, targetStride: Int
    ) {
        self.blocks = blocks
        self.fields = fields
        self.tokenStride = tokenStride
        self.teacherStride = teacherStride
        self.noise = noise
        self.noiseStride = noiseStride
        self.targets = targets
        self.targetStride = targetStride
    }
}

/// Samples to be evaluated. Eight samples make a block; block b of what belongs to token l and student i is at
/// `base + l tokenStride + i studentStride + 8 b`, for fields, gradient and every tangent alike.
public struct FieldBatch {
    public let blocks: Int
    public let tokenStride: Int
    public let studentStride: Int
    /// Fields Z.
    public let fields: UnsafePointer<Double>
    /// Number c of the target of block b is at `targets + c targetStride + 8 b`.
    public let targets: UnsafePointer<Double>
    public let targetStride: Int
    /// Output: g. May be the memory of `fields`.
    public let gradient: UnsafeMutablePointer<Double>
    /// Output when asked for: the loss of block b at `loss + 8 b`.
    public let loss: UnsafeMutablePointer<Double>?
    /// Directions v, replaced by J[v]; number m begins at `tangents + m tangentStride`.
    public let tangents: UnsafeMutablePointer<Double>?
    public let tangentCount: Int
    public let tangentStride: Int

    public init(
        blocks: Int, tokenStride: Int, studentStride: Int, fields: UnsafePointer<Double>,
        targets: UnsafePointer<Double>, targetStride: Int, gradient: UnsafeMutablePointer<Double>,
        loss: UnsafeMutablePointer<Double>? = nil, tangents: UnsafeMutablePointer<Double>? = nil, tangentCount: Int = 0,
        tangentStride: Int = 0
    ) {
        self.blocks = blocks
        self.tokenStride = tokenStride
        self.studentStride = studentStride
        self.fields = fields
        self.targets = targets
        self.targetStride = targetStride
        self.gradient = gradient
        self.loss = loss
        self.tangents = tangents
        self.tangentCount = tangents == nil ? 0 : tangentCount
        self.tangentStride = tangentStride
    }
}
