import Foundation
import ModelTesting
import Modeling
import Randomness
import SequenceSingleIndex

/// The sequence single-index model written token by token in float64, straight from (1) to (18) and
/// without any code of the module under test: an oracle for its fast forms. Error signals are central differences of
/// the loss.
struct Reference {
    let L: Int
    let d: Int
    let student: String
    let perToken: Bool
    let gamma: Double
    /// sigma; networks only.
    let activation: (Double) -> Double
    /// ell as a function of teacher fields and pre-activations (networks: one, h).
    let loss: (_ zStar: [Double], _ z: [Double]) -> Double
    var teacher: [Double]
    /// P_l, L vectors; attention only.
    var encoding: [[Double]]
    /// The student: one row, L for untied.
    var w: [[Double]]

    /// Pre-activations of the sample `X` (L tokens) for the student `w`.
    func fields(_ X: [[Double]], _ w: [[Double]]) -> [Double] {
        let rootL = Double(L).squareRoot()
        switch student {
        case "tied": return [X.reduce(0) { $0 + dot($1, w[0]) } / rootL]
        case "untied": return [zip(X, w).reduce(0) { $0 + dot($1.0, $1.1) } / rootL]
        default: return tokens(X).map { dot($0, w[0]) }
        }
    }

    /// xi_l = x_l + P_l/sqrt(d).
    func tokens(_ X: [[Double]]) -> [[Double]] {
        zip(X, encoding).map { x, P in zip(x, P).map { $0 + $1 / Double(d).squareRoot() } }
    }

    /// D_l = d ell/d z_l by central differences.
    func signals(_ zStar: [Double], _ z: [Double]) -> [Double] {
        z.indices.map { l in
            var (up, down) = (z, z)
            up[l] += 1e-5
            down[l] -= 1e-5
            return (loss(zStar, up) - loss(zStar, down)) / 2e-5
        }
    }

    /// d ell/d w for each row, assembled from the error signals.
    func gradient(_ X: [[Double]]) -> [[Double]] {
        let rootL = Double(L).squareRoot()
        let D = signals(X.map { dot($0, teacher) }, fields(X, w))
        switch student {
        case "tied":
            return [(0..<d).map { i in D[0] * X.reduce(0) { $0 + $1[i] } / rootL }]
        case "untied": return X.map { x in x.map { D[0] * $0 / rootL } }
        default:
            let xi = tokens(X)
            return [(0..<d).map { i in (0..<L).reduce(0) { $0 + D[$1] * xi[$1][i] } }]
        }
    }

    mutating func step(_ X: [[Double]]) {
        let slope = gradient(X)
        for r in w.indices { for i in 0..<d { w[r][i] -= gamma * slope[r][i] } }
        let norms = w.map { dot($0, $0) }
        for r in w.indices {
            let mean = perToken ? norms[r] : norms.reduce(0, +) / Double(w.count)
            for i in 0..<d { w[r][i] *= (Double(d) / mean).squareRoot() }
        }
    }

    /// m of each row, then e_l.
    var overlaps: [Double] {
        w.map { dot($0, teacher) / Double(d) } + encoding.map { dot(w[0], $0) / Double(d).squareRoot() }
    }

    /// The reference for job parameters `values`, started as `init: prescribed` says with the rest of each row along
    /// `rest` (any vectors; made orthogonal to the axes by the caller), on the axes `teacher` and `directions`.
    init(_ values: Given, teacher: [Double], directions: [[Double]], rest: [[Double]]) {
        let L = values.integer("L")
        let student = values.text("student", default: "tied")
        let target = values.text("target", default: "inversesqrtsum")
        let isMatrix = target == "positional_semantic"
        self.L = L
        d = values.integer("d")
        self.student = student
        perToken = values.text("norm_mode", default: "global") == "per_token"
        gamma = values.real("step_size")
        activation = referenceActivation(values.text("activation", default: "relu"))
        self.teacher = teacher
        let root = Double(d).squareRoot()
        switch values.text("encoding", default: isMatrix ? "paired" : "none") {
        case "paired": encoding = [directions[0].map { $0 / root }, directions[0].map { -$0 / root }]
        case "orthonormal": encoding = directions.map { v in v.map { $0 / root } }
        default: encoding = Array(repeating: Array(repeating: 0, count: teacher.count), count: L)
        }
        if student != "attention" { encoding = [] }

        let c = values.text("loss", default: isMatrix ? "half_square" : "square") == "half_square" ? 0.5 : 1.0
        let isFrobenius = values.text("loss", default: "") == "frobenius"
        let omega = values.real("omega", default: 0)
        let a = values.real("a", default: 1)
        let terms = values.elements("hermite_terms") ?? []
        let sigma = activation
        let g = { (z: [Double]) in referenceTarget(target, terms, z) }
        let uniform = Array(repeating: 1 / Double(L).squareRoot(), count: L)
        let U: [Double]
        if let given = values.elements("U") {
            U = given
        } else if values.text("reduction", default: "trace") == "projection" {
            let (left, right) = (
                values.elements("projection_left") ?? uniform, values.elements("projection_right") ?? uniform
            )
            U = left.flatMap { x in right.map { x * $0 } }
        } else {
            U = (0..<(L * L)).map { $0 / L == $0 % L ? 1 / Double(L).squareRoot() : 0 }
        }
        loss = { zStar, z in
            guard student == "attention" else {
                let r = g(zStar) - sigma(z[0])
                return c * r * r
            }
            let S = softmaxRows(z)
            guard isMatrix else {
                let r = g(zStar) - zip(U, S).reduce(0) { $0 + $1.0 * $1.1 }
                return c * r * r
            }
            let A = softmaxRows([a, -a])
            let square = zip(S, zip(softmaxRows(zStar), A)).reduce(0) {
                $0 + pow($1.0 - (1 - omega) * $1.1.0 - omega * $1.1.1, 2)
            }
            return isFrobenius ? square.squareRoot() : c * square
        }

        let m0 = values.real("m0", default: 0)
        let m = values.elements("m0_vec") ?? Array(repeating: m0, count: student == "untied" ? L : 1)
        let eps =
            values.elements("e0_vec") ?? directions.indices.map { $0 == 0 ? values.real("e0", default: 0) : 0 }
        w = m.indices.map { r in
            let size = dot(rest[r], rest[r]).squareRoot()
            let left = max(0, 1 - m[r] * m[r] - eps.reduce(0) { $0 + $1 * $1 }).squareRoot()
            return teacher.indices.map { i in
                m[r] * teacher[i] + directions.indices.reduce(0) { $0 + eps[$1] * directions[$1][i] }
                    + left * root * rest[r][i] / size
            }
        }
    }
}

func dot(_ x: [Double], _ y: [Double]) -> Double {
    var sum = 0.0
    for i in x.indices { sum += x[i] * y[i] }
    return sum
}

func softmaxRows(_ z: [Double]) -> [Double] {
    z.flatMap { zi in
        let logits = z.map { zi * $0 }
        let top = logits.max() ?? 0
        let weights = logits.map { exp($0 - top) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }
}

func referenceActivation(_ name: String) -> (Double) -> Double {
    switch name {
    case "relu": return { max($0, 0) }
    case "tanh": return { tanh($0) }
    case "sigmoid": return { 1 / (1 + exp(-$0)) }
    case "square": return { $0 * $0 }
    case "H2": return { ($0 * $0 - 1) / 2.0.squareRoot() }
    default: return { $0 }
    }
}

/// g(z) as table (2) has it.
func referenceTarget(_ name: String, _ terms: [Double], _ z: [Double]) -> Double {
    let L = Double(z.count)
    func he(_ k: Double, _ x: Double) -> Double {
        switch k {
        case 0: return 1
        case 1: return x
        case 2: return x * x - 1
        case 3: return x * x * x - 3 * x
        default: return x * x * x * x - 6 * x * x + 3
        }
    }
    switch name {
    case "sum": return z.reduce(0, +)
    case "inversesqrtsum": return z.reduce(0, +) / L.squareRoot()
    case "sqrtz1": return L.squareRoot() * z[0]
    case "2difference": return z[0] - z[1]
    case "2product": return z[0] * z[1]
    case "2squaredifference": return (z[0] * z[0] - z[1] * z[1]) / 2.0.squareRoot()
    case "H2sum": return z.reduce(0) { $0 + ($1 * $1 - 1) / 2.0.squareRoot() }
    case "inversesqrtH2sum": return z.reduce(0) { $0 + ($1 * $1 - 1) / 2.0.squareRoot() } / L.squareRoot()
    case "H3sum": return z.reduce(0) { $0 + ($1 * $1 * $1 - 3 * $1) / 6.0.squareRoot() } / L.squareRoot()
    case "sqrtdouble_staircase": return L.squareRoot() * (z[0] + z[0] * z[1] + z[0] * z[1] * z[2])
    default:
        return stride(from: 0, to: terms.count, by: z.count + 1).reduce(0) { sum, at in
            sum + z.indices.reduce(terms[at]) { $0 * he(terms[at + 1 + $1], z[$1]) }
        }
    }
}

extension Reference {
    /// A reference with teacher, encoding and start drawn in general position from `random`.
    init(_ values: Given, directions k: Int, _ random: inout RandomStream) {
        let d = values.integer("d")
        let L = values.integer("L")
        var axes: [[Double]] = []
        func fresh() -> [Double] {
            var x = (0..<d).map { _ in random.normal() }
            for axis in axes {
                let part = dot(x, axis) / Double(d)
                for i in 0..<d { x[i] -= part * axis[i] }
            }
            let scale = (Double(d) / dot(x, x)).squareRoot()
            return x.map { $0 * scale }
        }
        for _ in 0...k { axes.append(fresh()) }
        let rest = (0..<L).map { _ in fresh() }
        self.init(values, teacher: axes[0], directions: Array(axes[1...]), rest: rest)
    }

    /// A fresh sample: L tokens of variance 1/d.
    func sample(_ random: inout RandomStream) -> [[Double]] {
        (0..<L).map { _ in (0..<d).map { _ in random.normal() / Double(d).squareRoot() } }
    }
}

/// The number of encoding directions of job parameters.
func encodingDirections(_ values: Given) throws -> Int {
    try parameters(values.with(["d": .integer(100)])).k
}
