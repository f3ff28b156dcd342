import Numerics

/// Deep attention with tied rank-one weights, as a function of the projections z alone (2), (3): eight sequences at a time.
///
/// Layer k reads q_k = B_{k-1} z_k and multiplies everything after it by A_k = softmax(q_k q_k^T) + c I; the last layer
/// gives y = softmax(q_p q_p^T). z and all gradients are layer-major: number k L + l for layer k and token l.
package struct Network: Sendable, Hashable {
    package let layers: Int
    package let L: Int
    package let skip: Double

    package init(layers: Int, L: Int, skip: Double) {
        (self.layers, self.L, self.skip) = (layers, L, skip)
    }

    /// Whether the posterior is a closed form or a quadrature, and needs no draws.
    package var hasExactPosterior: Bool { layers == 1 || (layers == 2 && L == 2) }

    /// Numbers of z, and of y.
    package var inputs: Int { layers * L }
    package var outputs: Int { L * L }

    /// Blocks of eight numbers that ``forward(_:_:)`` and ``backward(_:_:_:)`` work in.
    package var scratchCount: Int { layers * L * L + layers * layers * L + layers * L + L * L }

    private func softmaxes(_ scratch: UnsafeMutablePointer<Lanes>) -> UnsafeMutablePointer<Lanes> { scratch }
    /// v_j before layer k (layers and j from 0), at (k layers + j) L: z_j multiplied by A_1 ... A_{k-1}.
    private func carried(_ scratch: UnsafeMutablePointer<Lanes>) -> UnsafeMutablePointer<Lanes> {
        scratch + layers * L * L
    }
    private func gradients(_ scratch: UnsafeMutablePointer<Lanes>) -> UnsafeMutablePointer<Lanes> {
        carried(scratch) + layers * layers * L
    }

    /// The output y (L x L) of the last pass.
    @inline(__always)
    package func output(_ scratch: UnsafeMutablePointer<Lanes>) -> UnsafeMutablePointer<Lanes> {
        softmaxes(scratch) + (layers - 1) * L * L
    }

    /// The vector u = q_p of the last pass (L).
    @inline(__always)
    package func index(_ scratch: UnsafeMutablePointer<Lanes>) -> UnsafeMutablePointer<Lanes> {
        carried(scratch) + ((layers - 1) * layers + layers - 1) * L
    }

    /// Sets y and u from z.
    package func forward(_ z: UnsafePointer<Lanes>, _ scratch: UnsafeMutablePointer<Lanes>) {
        let v = carried(scratch)
        for i in 0..<inputs { v[i] = z[i] }
        for k in 0..<layers {
            let P = softmaxes(scratch) + k * L * L
            attend(v + (k * layers + k) * L, P)
            guard k + 1 < layers else { return }
            for j in (k + 1)..<layers {
                let from = v + (k * layers + j) * L
                let to = v + ((k + 1) * layers + j) * L
                for l in 0..<L {
                    var sum = from[l] * skip
                    for m in 0..<L { sum += P[l * L + m] * from[m] }
                    to[l] = sum
                }
            }
        }
    }

    /// P = softmax(q q^T), row by row.
    @inline(__always)
    private func attend(_ q: UnsafePointer<Lanes>, _ P: UnsafeMutablePointer<Lanes>) {
        for l in 0..<L {
            var largest = q[l] * q[0]
            for m in 1..<max(L, 1) {
                let logit = q[l] * q[m]
                largest = largest.replacing(with: logit, where: logit .> largest)
            }
            var sum = Lanes.zero
            for m in 0..<L {
                let e = exponential(q[l] * q[m] - largest)
                P[l * L + m] = e
                sum += e
            }
            let scale = Lanes(repeating: 1) / sum
            for m in 0..<L { P[l * L + m] *= scale }
        }
    }

    /// Back-propagates the loss |y - target|_F^2 of the last pass (6): `delta` gets its gradient in z. Returns the loss.
    package func backward(
        _ target: UnsafePointer<Lanes>, _ scratch: UnsafeMutablePointer<Lanes>, _ delta: UnsafeMutablePointer<Lanes>
    ) -> Lanes {
        let v = carried(scratch)
        let bar = gradients(scratch)
        let E = bar + inputs
        let y = output(scratch)
        var loss = Lanes.zero
        for i in 0..<outputs {
            let difference = y[i] - target[i]
            loss += difference * difference
            E[i] = difference + difference
        }
        let last = layers - 1
        throughSoftmax(y, E, v + (last * layers + last) * L, delta + last * L)
        // From here delta of a layer j > k holds the gradient in v_j after layer k.
        for k in (0..<last).reversed() {
            let P = softmaxes(scratch) + k * L * L
            for i in 0..<outputs { E[i] = .zero }
            for j in (k + 1)...last {
                let before = v + (k * layers + j) * L
                let gradient = delta + j * L
                for l in 0..<L {
                    for m in 0..<L { E[l * L + m] += gradient[l] * before[m] }
                }
                for m in 0..<L {
                    var sum = gradient[m] * skip
                    for l in 0..<L { sum += P[l * L + m] * gradient[l] }
                    bar[m] = sum
                }
                for m in 0..<L { gradient[m] = bar[m] }
            }
            throughSoftmax(P, E, v + (k * layers + k) * L, delta + k * L)
        }
        return loss
    }

    /// The gradient in q from the gradient E in P = softmax(q q^T): (S + S^T) q, S = P o (E - rowsum(E o P)).
    @inline(__always)
    private func throughSoftmax(
        _ P: UnsafePointer<Lanes>, _ E: UnsafeMutablePointer<Lanes>, _ q: UnsafePointer<Lanes>,
        _ gradient: UnsafeMutablePointer<Lanes>
    ) {
        for l in 0..<L {
            var mean = Lanes.zero
            for m in 0..<L { mean += E[l * L + m] * P[l * L + m] }
            for m in 0..<L { E[l * L + m] = P[l * L + m] * (E[l * L + m] - mean) }
        }
        for l in 0..<L {
            var sum = Lanes.zero
            for m in 0..<L { sum += (E[l * L + m] + E[m * L + l]) * q[m] }
            gradient[l] = sum
        }
    }
}

extension Network {
    /// z of up to eight sequences from their projections, token by token, `width` numbers a token.
    @inline(__always)
    func gather(
        _ rows: UnsafePointer<some BinaryFloatingPoint>, width: Int, count: Int, into z: UnsafeMutablePointer<Lanes>
    ) {
        for lane in 0..<min(8, count) {
            for l in 0..<L {
                for k in 0..<layers { z[k * L + l][lane] = Double(rows[(lane * L + l) * width + k]) }
            }
        }
    }

    /// u of sequences with projections z (N, L, p): (N, L).
    func indices(_ z: [Double]) -> [Double] {
        let count = z.count / inputs
        var result = Array(repeating: 0.0, count: count * L)
        var work = Workspace(self)
        work.withPair { pair in
            z.withUnsafeBufferPointer { z in
                guard let z = z.baseAddress else { return }
                for first in stride(from: 0, to: count, by: 8) {
                    gather(z + first * inputs, width: layers, count: count - first, into: pair.teacher)
                    forward(pair.teacher, pair.teacherPass)
                    for i in 0..<min(8, count - first) * L {
                        result[first * L + i] = index(pair.teacherPass)[i % L][i / L]
                    }
                }
            }
        }
        return result
    }
}

/// Storage of a student beside its teacher, on eight sequences.
struct Workspace: Sendable {
    private let network: Network
    private var lanes: [Lanes]

    init(_ network: Network) {
        self.network = network
        lanes = Array(repeating: .zero, count: 3 * network.inputs + 2 * network.scratchCount)
    }

    mutating func withPair<Result>(_ body: (Pair) throws -> Result) rethrows -> Result {
        let network = network
        return try lanes.withUnsafeMutableBufferPointer { try body(Pair(network, $0.baseAddress.unsafelyUnwrapped)) }
    }

    struct Pair {
        /// Projections on the teacher, then, right behind them, on the student; gradients in the student's.
        let teacher: UnsafeMutablePointer<Lanes>
        let student: UnsafeMutablePointer<Lanes>
        let delta: UnsafeMutablePointer<Lanes>
        /// What ``Network/forward(_:_:)`` works in.
        let teacherPass: UnsafeMutablePointer<Lanes>
        let studentPass: UnsafeMutablePointer<Lanes>

        init(_ network: Network, _ base: UnsafeMutablePointer<Lanes>) {
            teacher = base
            student = teacher + network.inputs
            delta = student + network.inputs
            teacherPass = delta + network.inputs
            studentPass = teacherPass + network.scratchCount
        }
    }
}
