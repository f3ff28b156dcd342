import Dynamics
import Numerics
import Randomness

/// What the simulations draw random numbers for: substreams of the task's stream. Starts and masks have one for each run.
package enum Streams {
    package static let data: UInt32 = 1
    package static let teacher: UInt32 = 2
    package static let noise: UInt32 = 3
    package static func start(run: Int) -> UInt32 { 0x1000 + UInt32(run) }
    package static func masks(run: Int) -> UInt32 { 0x2000 + UInt32(run) }
}

/// One data set and its teacher (1) to (4), the same for all runs of a task.
///
/// Inputs are in single precision: a run is bound by the memory that they pass through, and rounding them changes the data
/// set by less than the generator's own resolution. What is computed from them is rounded to 1e-7 of a field, at random.
package struct DataSet: Sendable {
    /// n, L, d.
    package let samples: Int
    package let tokens: Int
    package let d: Int
    /// n rounded up to whole blocks of eight samples.
    package let stride: Int
    /// X = sqrt(d) A; token l of sample mu is row l stride + mu. Rows from n to `stride` are zero.
    package var inputs: [Float]
    /// The transpose of W*, a x d.
    package let teacher: [Double]
    /// Standard normals of the label noise, number i of sample mu at i stride + mu.
    package let noise: [Double]

    /// Draws the data set of a task. The teacher's Gram matrix is Q* to rounding.
    package init(_ p: Parameters, noiseCount: Int, _ random: RandomStream) {
        let (n, L, d) = (p.samples, p.tokens, p.d)
        (samples, tokens, self.d) = (n, L, d)
        let stride = (n + 7) & ~7
        self.stride = stride
        var basis = Basis(d: d)
        var stream = random.substream(Streams.teacher)
        let first = basis.append(p.teachers, &stream)
        let teacher = basis.columns(first, p.prior.teacherFactor)
        self.teacher = teacher
        stream = random.substream(Streams.data)
        inputs = Array(unsafeUninitializedCapacity: L * stride * d) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            for l in 0..<L {
                let rows = base + l * stride * d
                stream.fillNormal(UnsafeMutableBufferPointer(start: rows, count: n * d))
                if let column = p.prior.positions?[l] {
                    // X_l = p_l + noise with sqrt(d) p_l the column of W*.
                    let scale = 1 / Double(d).squareRoot()
                    let mean = teacher[(column * d)..<((column + 1) * d)].map { Float(scale * $0) }
                    for row in 0..<n { BLAS.axpy(d, 1, mean, rows + row * d) }
                }
                (rows + n * d).initialize(repeating: 0, count: (stride - n) * d)
            }
            count = L * stride * d
        }
        stream = random.substream(Streams.noise)
        var noise = Array(repeating: 0.0, count: noiseCount * stride)
        for i in 0..<noiseCount {
            for sample in 0..<n { noise[i * stride + sample] = stream.normal() }
        }
        self.noise = noise
    }

    /// The transposes of all runs' W_0 (row: run, student column), with the Gram matrix q0 and the overlap M0 to rounding.
    package func starts(_ p: Parameters, _ random: RandomStream) -> [Double] {
        let (a, k) = (p.teachers, p.students)
        let onTeacher = p.prior.regression(p.prior.startOverlap)
        // An orthonormal basis of the teacher's columns, to which the rest of W_0 is orthogonal.
        var basis = Basis(d: d)
        var stream = random.substream(Streams.teacher)
        _ = basis.append(a, &stream)
        return (0..<p.runs).flatMap { run in
            var own = basis
            var stream = random.substream(Streams.start(run: run))
            let first = own.append(k, &stream)
            var columns = own.columns(first, p.prior.startFactor)
            for i in 0..<k {
                for j in 0..<a {
                    for x in 0..<d { columns[i * d + x] += onTeacher[i * a + j] * teacher[j * d + x] }
                }
            }
            return columns
        }
    }

    /// Every sample's target: number c of sample mu at c stride + mu.
    func targets(_ channel: some DMFTChannel) -> [Double] {
        let a = channel.teachers
        let block = Layout.block(d: d, tokens: tokens, stride: stride)
        // W*^T/sqrt(d), and the inputs of a block, in double precision.
        let scaled = teacher.map { $0 / Double(d).squareRoot() }
        var rows = Array(repeating: 0.0, count: block * d)
        var targets = Array(repeating: 0.0, count: channel.targetWidth * stride)
        func make(
            _ targets: UnsafeMutablePointer<Double>, _ fields: UnsafeMutablePointer<Double>,
            _ noise: UnsafePointer<Double>
        ) {
            for first in Swift.stride(from: 0, to: stride, by: block) {
                let count = min(block, stride - first)
                for l in 0..<tokens {
                    let at = (l * stride + first) * d
                    for i in 0..<count * d { rows[i] = Double(inputs[at + i]) }
                    BLAS.gemm(
                        .none, .transposed, m: a, n: count, k: d, scaled, leadingA: d, rows, leadingB: d,
                        fields + l * block, leadingC: tokens * block)
                }
                channel.target(
                    TargetBatch(
                        blocks: count / 8, fields: fields, tokenStride: block, teacherStride: tokens * block,
                        noise: noise + first, noiseStride: stride, targets: targets + first, targetStride: stride))
            }
        }
        var fields = Array(repeating: 0.0, count: a * tokens * block)
        make(&targets, &fields, noise.isEmpty ? [0] : noise)
        return targets
    }
}

/// Orthonormal random columns of d components.
private struct Basis {
    let d: Int
    private var rows: [Double] = []
    private var count = 0

    init(d: Int) { self.d = d }

    /// Adds `number` columns, uniformly distributed on what is orthogonal to all before (twice-iterated Gram-Schmidt of
    /// Gaussian vectors). Returns the index of the first. All in all there must be at most d.
    mutating func append(_ number: Int, _ random: inout RandomStream) -> Int {
        let first = count
        for _ in 0..<number {
            var column = (0..<d).map { _ in random.normal() }
            for _ in 0..<2 {
                for other in 0..<count {
                    rows.withUnsafeBufferPointer { rows in
                        guard let base = rows.baseAddress else { return }
                        BLAS.axpy(d, -BLAS.dot(d, base + other * d, column), base + other * d, &column)
                    }
                }
                BLAS.scal(d, 1 / BLAS.dot(d, column, column).squareRoot(), &column)
            }
            rows += column
            count += 1
        }
        return first
    }

    /// sqrt(d) times the columns from `first` on, times the transpose of the square matrix `factor`: the Gram matrix per
    /// coordinate of the result is factor factor^T.
    func columns(_ first: Int, _ factor: [Double]) -> [Double] {
        let size = count - first
        let scale = Double(d).squareRoot()
        var result = Array(repeating: 0.0, count: size * d)
        for i in 0..<size {
            for c in 0..<size {
                let weight = scale * factor[i * size + c]
                for x in 0..<d { result[i * d + x] += weight * rows[(first + c) * d + x] }
            }
        }
        return result
    }
}
