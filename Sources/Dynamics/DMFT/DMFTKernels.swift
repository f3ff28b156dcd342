import Foundation
import Numerics
import Persistence

/// The two-time kernels of dynamical mean-field theory and their recursions on the side of the weights ((24) to
/// (26) of docs/models/dmft-gradient-dynamics.md): deterministic, no sampling.
///
/// A kernel is a matrix of k x k blocks over (t, s), stored row-major with k rows a time; blocks that are not known yet or
/// vanish by causality are 0.
public struct DMFTKernels: Sendable, Resumable {
    let students: Int
    let teachers: Int
    /// Times that there is room for: t = 0 ... horizon.
    let horizon: Int
    /// Numbers from one row to the next.
    let stride: Int
    /// C_ts = W_t^T W_s/d.
    private(set) var C: [Double]
    /// R_ts, the response of the weights, 0 for s >= t.
    private(set) var R: [Double]
    /// Gamma_ts, the response of the gradients, 0 for s > t.
    var Gamma: [Double]
    /// Cg_ts, the covariance of the gradients, both triangles.
    var Cg: [Double]
    /// The response of the weights at t to the start, k x k a time.
    private(set) var start: [Double]
    /// M_t, k x a a time.
    private(set) var M: [Double]
    private(set) var time = 0

    /// Bytes of all kernels up to time `horizon`.
    static func bytes(students k: Int, teachers a: Int, horizon: Int) -> Double {
        let rows = Double(horizon + 1) * Double(k)
        return 8 * (4 * rows * rows + rows * Double(k + a))
    }

    init(prior: DMFTPrior, horizon: Int) {
        let k = prior.students
        students = k
        teachers = prior.teachers
        self.horizon = horizon
        stride = (horizon + 1) * k
        let empty = Array(repeating: 0.0, count: stride * stride)
        (C, R, Gamma, Cg) = (empty, empty, empty, empty)
        start = Array(repeating: 0, count: stride * k)
        M = Array(repeating: 0, count: stride * teachers)
        for i in 0..<k {
            start[i * k + i] = 1
            for j in 0..<k { C[i * stride + j] = prior.startGram[i * k + j] }
            for j in 0..<teachers { M[i * teachers + j] = prior.startOverlap[i * teachers + j] }
        }
    }

    /// M_t, k x a.
    public func overlap(at t: Int) -> [Double] {
        Array(M[t * students * teachers..<(t + 1) * students * teachers])
    }

    /// q_t = C_tt, k x k.
    public func gram(at t: Int) -> [Double] { block(C, t, t) }

    /// Block (t, s) of a kernel, k x k.
    func block(_ kernel: [Double], _ t: Int, _ s: Int) -> [Double] {
        (0..<students * students).map {
            kernel[(t * students + $0 / students) * stride + s * students + $0 % students]
        }
    }

    /// One step in time, equation (6) and the recursion of R; rows t of ``Cg`` and ``Gamma`` must be in place.
    ///
    /// - Parameters:
    ///   - mu: alpha E sum_l g_lt z*_l^T, k x a.
    ///   - decay: 1 - eta lambda.
    ///   - sphere: when given, the norm q_0 that W is put back to.
    mutating func step(mu: [Double], inverseTeacherGram: [Double], stepSize eta: Double, decay: Double, sphere: Double?)
    {
        let (k, a, t, n) = (students, teachers, time, stride)
        let past = (t + 1) * k
        let row = t * k
        let next = past
        // Gamma*_t = (mu_t - sum_s Gamma_ts M_s) Q*^-1.
        var direct = mu
        Gamma.withUnsafeBufferPointer { Gamma in
            guard let Gamma = Gamma.baseAddress else { return }
            BLAS.gemm(
                m: k, n: a, k: past, alpha: -1, Gamma + row * n, leadingA: n, M, leadingB: a, beta: 1, &direct,
                leadingC: a)
        }
        let teacherResponse = SmallMatrix.product(direct, inverseTeacherGram, k, a, a)
        for i in 0..<k {
            for j in 0..<a {
                M[(next + i) * a + j] = decay * M[(row + i) * a + j] - eta * mu[i * a + j]
            }
        }
        let response = propagated(R, columns: row, eta, decay)
        for i in 0..<k {
            for c in 0..<row { R[(next + i) * n + c] = response[i * row + c] }
        }
        for i in 0..<k { R[(next + i) * n + row + i] = 1 }
        // The response to the start is propagated alike.
        let before = start
        for i in 0..<k {
            for j in 0..<k { start[(next + i) * k + j] = decay * before[(row + i) * k + j] }
        }
        start.withUnsafeMutableBufferPointer { start in
            guard let start = start.baseAddress else { return }
            BLAS.gemm(
                m: k, n: k, k: past, alpha: -eta, Array(Gamma[row * n..<(row + k) * n]), leadingA: n, before,
                leadingB: k, beta: 1, start + next * k, leadingC: k)
        }
        // C_{t+1,s} for s <= t.
        let covariance = propagated(C, columns: past, eta, decay)
        for i in 0..<k {
            for c in 0..<past {
                var sum = covariance[i * past + c]
                for j in 0..<a { sum -= eta * teacherResponse[i * a + j] * M[c * a + j] }
                C[(next + i) * n + c] = sum
            }
        }
        C.withUnsafeMutableBufferPointer { C in
            R.withUnsafeBufferPointer { R in
                guard let C = C.baseAddress, let R = R.baseAddress else { return }
                BLAS.gemm(
                    .none, .transposed, m: k, n: past, k: past, alpha: eta * eta, Array(Cg[row * n..<(row + k) * n]),
                    leadingA: n, R, leadingB: n, beta: 1, C + next * n, leadingC: n)
            }
        }
        for i in 0..<k {
            for column in 0..<past { C[column * n + next + i] = C[(next + i) * n + column] }
        }
        // And s = t + 1.
        for i in 0..<k {
            for j in 0..<k {
                var sum = decay * C[(row + i) * n + next + j]
                for c in 0..<a { sum -= eta * teacherResponse[i * a + c] * M[(next + j) * a + c] }
                for r in 0..<past {
                    sum -= eta * Gamma[(row + i) * n + r] * C[r * n + next + j]
                    sum += eta * eta * Cg[(row + i) * n + r] * R[(next + j) * n + r]
                }
                C[(next + i) * n + next + j] = sum
            }
        }
        symmetriseLast()
        if let sphere { rescale(to: sphere) }
        time += 1
    }

    /// kernel_{t+1} = decay kernel_t - eta sum_r Gamma_tr kernel_r in the first `columns` columns.
    private func propagated(_ kernel: [Double], columns: Int, _ eta: Double, _ decay: Double) -> [Double] {
        let (k, n, row) = (students, stride, time * students)
        var result = Array(repeating: 0.0, count: k * max(columns, 1))
        for i in 0..<k {
            for c in 0..<columns { result[i * columns + c] = decay * kernel[(row + i) * n + c] }
        }
        guard columns > 0 else { return result }
        Gamma.withUnsafeBufferPointer { Gamma in
            guard let Gamma = Gamma.baseAddress else { return }
            BLAS.gemm(
                m: k, n: columns, k: row + k, alpha: -eta, Gamma + row * n, leadingA: n, kernel, leadingB: n, beta: 1,
                &result, leadingC: columns)
        }
        return result
    }

    /// Removes rounding from C_{t+1,t+1}, and its sampling error from what should be a symmetric matrix.
    private mutating func symmetriseLast() {
        let (k, n, next) = (students, stride, (time + 1) * students)
        for i in 0..<k {
            for j in 0..<i {
                let mean = 0.5 * (C[(next + i) * n + next + j] + C[(next + j) * n + next + i])
                C[(next + i) * n + next + j] = mean
                C[(next + j) * n + next + i] = mean
            }
        }
    }

    /// The spherical variant (k = 1): all that belongs to the new time by one factor.
    private mutating func rescale(to norm: Double) {
        let (n, next) = (stride, time + 1)
        let factor = (norm / C[next * n + next]).squareRoot()
        for s in 0...next {
            R[next * n + s] *= factor
            C[next * n + s] *= factor
            C[s * n + next] = C[next * n + s]
        }
        C[next * n + next] = norm
        start[next] *= factor
        for j in 0..<teachers { M[next * teachers + j] *= factor }
    }

    /// Whether all that belongs to the present time is finite.
    var isFinite: Bool {
        let rows = time * students..<(time + 1) * students
        return rows.allSatisfy { row in
            C[row * stride..<row * stride + stride].allSatisfy(\.isFinite)
                && M[row * teachers..<(row + 1) * teachers].allSatisfy(\.isFinite)
        }
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&time, in: 0...horizon)
        try archive.exchange(&C)
        try archive.exchange(&R)
        try archive.exchange(&Gamma)
        try archive.exchange(&Cg)
        try archive.exchange(&start)
        try archive.exchange(&M)
    }
}
