import Numerics
import Randomness

/// Nodes and weights for means over the standard normals of one sample: those of its teacher fields, of its student
/// fields and of its label. Independent of overlaps, so made once.
///
/// Errors measured with tied attention, beta = 1 ((10) of docs/models/dmft-gradient-dynamics.md), where loss and components of
/// E sum_l g_l z*_l^T are of order 0.1: L = 2, k = a = 1 (4 dimensions, product rule) 7e-6; L = 3, k = a = 2 (12, Sobol)
/// 2e-4 in the loss and 3e-4 in the gradient, a few times less than as many independent samples. Each refinement
/// doubles the number of nodes and takes off about a third of Sobol's error.
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
    /// For the rule of one student normal x, which is split anew in each evaluation, at the x0 where the student field is 0:
    /// `studentNormals` holds u in (-1, 1), x is u times the distance from x0 to the end of that side (+- this number) away
    /// from x0, and the weight lacks the distance and the normal density. Nil: a fixed rule.
    let splitCutoff: Double?

    /// - Parameters:
    ///   - kink: where a single teacher normal has its field at 0, and the target may jump.
    ///   - refinement: how often to double the number of nodes of large rules.
    init(tokens L: Int, students k: Int, columns: Int, noise: Int, kink: Double, refinement: Int) {
        let (teacher, student) = (L * columns, L * k)
        let dimension = teacher + student + noise
        let nodes: (columns: [[Double]], weights: [Double])
        if teacher == 1, student == 1, noise <= 1 {
            nodes = Self.split(kink: kink, noise: noise, cutoff: 9)
            splitCutoff = 9
        } else if dimension <= 4 {
            let rule = GaussianRule(GaussHermite(count: 26 + 6 * refinement))
            nodes = Self.product(Array(repeating: rule, count: dimension), leastWeight: 1e-10)
            splitCutoff = nil
        } else {
            splitCutoff = nil
            nodes = Self.sobol(dimension, count: 1 << ((dimension <= 12 ? 15 : 14) + refinement))
        }
        weights = nodes.weights
        count = weights.count
        teacherNormals = nodes.columns[..<teacher].flatMap { $0 }
        studentNormals = nodes.columns[teacher..<teacher + student].flatMap { $0 }
        self.noise = nodes.columns[(teacher + student)...].flatMap { $0 }
    }

    /// Teacher normals split at `kink`; 40 nodes on each side of the student's split, those of one side in one block.
    private static func split(
        kink: Double, noise: Int, cutoff: Double
    ) -> (columns: [[Double]], weights: [Double]) {
        let teacher = GaussianRule(kinks: [kink], countPerPiece: 48, cutoff: cutoff)
        let label = GaussianRule(GaussHermite(count: noise == 0 ? 1 : 7))
        let side = GaussLegendre(count: 40, from: 0, to: 1)
        var columns: [[Double]] = Array(repeating: [], count: 2 + noise)
        var weights: [Double] = []
        for (z, wz) in zip(teacher.nodes, teacher.weights) {
            for (e, we) in zip(label.nodes, label.weights) {
                for sign in [-1.0, 1] {
                    for (u, wu) in zip(side.nodes, side.weights) {
                        columns[0].append(z)
                        columns[1].append(sign * u)
                        if noise == 1 { columns[2].append(e) }
                        weights.append(wz * we * wu)
                    }
                }
            }
        }
        return (columns, weights)
    }

    /// The product of one rule a dimension, without nodes of weight below `leastWeight`.
    private static func product(
        _ rules: [GaussianRule], leastWeight: Double
    ) -> (columns: [[Double]], weights: [Double]) {
        var columns: [[Double]] = []
        var weights = [1.0]
        for rule in rules {
            var origins: [Int] = []
            var values: [Double] = []
            var next: [Double] = []
            for (n, weight) in weights.enumerated() {
                for (x, w) in zip(rule.nodes, rule.weights) where weight * w >= leastWeight {
                    origins.append(n)
                    values.append(x)
                    next.append(weight * w)
                }
            }
            columns = columns.map { column in origins.map { column[$0] } } + [values]
            weights = next
        }
        let sum = weights.reduce(0, +)
        weights = weights.map { $0 / sum }
        while weights.count % 8 != 0 {
            weights.append(0)
            for c in columns.indices { columns[c].append(columns[c][0]) }
        }
        return (columns, weights)
    }

    /// Scrambled Sobol points, always the same, with pseudo-random numbers in the dimensions beyond 64.
    private static func sobol(_ dimension: Int, count: Int) -> (columns: [[Double]], weights: [Double]) {
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
        return (columns, Array(repeating: 1 / Double(count), count: count))
    }
}
