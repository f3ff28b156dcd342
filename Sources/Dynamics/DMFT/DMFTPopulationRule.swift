import Numerics

/// Nodes and weights for means over the standard normals of one sample: those of its teacher fields, of its student
/// fields and of its label. Independent of overlaps, so made once.
struct DMFTPopulationRule: Sendable {
    /// Nodes, a multiple of eight; those that fill up have weight 0.
    let count: Int
    /// Sum 1.
    let weights: [Double]
    /// Number (l columns + j) at `(l columns + j) count`.
    let teacherNormals: [Double]
    /// Number (l students + i) at `(l students + i) count`.
    let studentNormals: [Double]
    /// Number c at `c count`.
    let noise: [Double]

    /// - Parameter kink: where a single teacher normal has its field at 0, and the target may jump.
    init(tokens L: Int, students k: Int, columns: Int, noise: Int, kink: Double) {
        if L == 1, k == 1, columns == 1, noise <= 1 {
            self.init(kink: kink, noise: noise)
        } else {
            self.init(teacher: L * columns, student: L * k, noise: noise)
        }
    }

    /// The product rule. Nodes of weight below 1e-20 are left out.
    private init(kink: Double, noise: Int) {
        let teacher = GaussianRule(kinks: [kink], countPerPiece: 48, cutoff: 10)
        let student = GaussHermite(count: 80)
        let label = GaussHermite(count: noise == 0 ? 1 : 7)
        var nodes: [(z: Double, x: Double, e: Double, weight: Double)] = []
        for (z, wz) in zip(teacher.nodes, teacher.weights) {
            for (x, wx) in zip(student.nodes, student.weights) {
                for (e, we) in zip(label.nodes, label.weights) where wz * wx * we > 1e-20 {
                    nodes.append((z, x, e, wz * wx * we))
                }
            }
        }
        while nodes.count % 8 != 0 { nodes.append((0.5, 0, 0, 0)) }
        count = nodes.count
        let sum = nodes.reduce(0) { $0 + $1.weight }
        weights = nodes.map { $0.weight / sum }
        teacherNormals = nodes.map(\.z)
        studentNormals = nodes.map(\.x)
        self.noise = noise == 0 ? [] : nodes.map(\.e)
    }

    /// Scrambled Sobol points, with pseudo-random numbers in the dimensions beyond 64.
    private init(teacher: Int, student: Int, noise: Int) {
        let dimension = teacher + student + noise
        count = 1 << (dimension <= 4 ? 16 : dimension <= 12 ? 15 : 14)
        weights = Array(repeating: 1 / Double(count), count: count)
        var stream = RandomStream(identity: TaskIdentity(high: 0x444d_4654, low: 0x506f_7075))
        var columns = Array(repeating: Array(repeating: 0.0, count: count), count: dimension)
        let first = min(dimension, SobolSequence.maximumDimension)
        if let sequence = SobolSequence(dimension: first, scrambledBy: &stream) {
            for (i, value) in sequence.gaussianPoints(count: count).enumerated() {
                columns[i % first][i / first] = value
            }
        }
        for c in first..<max(dimension, first) {
            columns[c].withUnsafeMutableBufferPointer { stream.fillNormal($0) }
        }
        teacherNormals = columns[..<teacher].flatMap { $0 }
        studentNormals = columns[teacher..<teacher + student].flatMap { $0 }
        self.noise = columns[(teacher + student)...].flatMap { $0 }
    }
}
