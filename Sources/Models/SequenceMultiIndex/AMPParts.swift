import Dynamics
import Foundation
import Modeling
import Numerics

/// The tokens of all sequences as a linear map: fields x_l W^T/sqrt(D), a row a token.
struct SMITokens: SensingOperator {
    /// (N L, D), row-major.
    let tokens: [Double]
    let fieldCount: Int
    let signalCount: Int
    let width: Int

    func fields(of estimate: UnsafePointer<Double>, into fields: UnsafeMutablePointer<Double>) {
        let scale = 1 / Double(signalCount).squareRoot()
        tokens.withUnsafeBufferPointer { x in
            guard let x = x.baseAddress else { return }
            BLAS.gemm(
                m: fieldCount, n: width, k: signalCount, alpha: scale, x, leadingA: signalCount, estimate,
                leadingB: width, fields, leadingC: width)
        }
    }

    func adjoint(of g: UnsafePointer<Double>, into signal: UnsafeMutablePointer<Double>) {
        let scale = 1 / Double(signalCount).squareRoot()
        tokens.withUnsafeBufferPointer { x in
            guard let x = x.baseAddress else { return }
            BLAS.gemm(
                .transposed, .none, m: signalCount, n: width, k: fieldCount, alpha: scale, x, leadingA: signalCount, g,
                leadingB: width, signal, leadingC: width)
        }
    }
}

/// The output functions of amp (sheet, section 3.1): one posterior a sequence, all tokens of it together.
struct SMIOutputChannel: OutputChannel {
    private var channel: SMIChannel
    /// u of every sequence, (N, L).
    private let labels: [Double]
    private let d: Int
    private let reg: Double
    private let usesJacobian: Bool

    init(_ channel: SMIChannel, labels: [Double], _ parameters: SMIParameters) {
        self.channel = channel
        self.labels = labels
        d = parameters.d
        reg = parameters.reg
        usesJacobian = parameters.usesJacobian
    }

    mutating func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision: UnsafeMutablePointer<Double>
    ) throws {
        let (p, L) = (channel.network.layers, channel.network.L)
        // C may be symmetric up to rounding only.
        let V = (0..<p * p).map { 0.5 * (variance[$0] + variance[$0 % p * p + $0 / p]) + ($0 % (p + 1) == 0 ? reg : 0) }
        guard let factor = SmallMatrix.cholesky(V, p, tolerance: 0, allowsZero: false) else {
            throw ModelError.notConverged("the covariance V of the projections is not positive definite: \(V)")
        }
        let inverse = SmallMatrix.inverse(factor: factor, p)
        // The sum over sequences and tokens of Cov Z_l or of g_l g_l^T.
        var sum = Array(repeating: 0.0, count: p * p)
        let (labels, usesJacobian) = (labels, usesJacobian)
        let count = labels.count / L
        try channel.withPosterior(variance: V) { posterior in
            try labels.withUnsafeBufferPointer { u in
                guard let u = u.baseAddress else { return }
                for sample in 0..<count {
                    let omega = fields + sample * L * p
                    let out = g + sample * L * p
                    guard posterior.evaluate(u: u + sample * L, omega: omega, sample: sample) else {
                        throw ModelError.notConverged(
                            "no draw of the channel has any weight for sequence \(sample): give more draws")
                    }
                    let moments = posterior.first
                    let half = posterior.second
                    for l in 0..<L {
                        for k in 0..<p {
                            var value = 0.0
                            for j in 0..<p {
                                let mean = 0.5 * (moments.mean[l * p + j] + half.mean[l * p + j])
                                value += inverse[k * p + j] * (mean - omega[l * p + j])
                            }
                            out[l * p + k] = value
                        }
                        if !usesJacobian {
                            for k in 0..<p {
                                for j in 0..<p { sum[k * p + j] += out[l * p + k] * out[l * p + j] }
                            }
                        }
                    }
                    if usesJacobian {
                        for i in 0..<p * p { sum[i] += 0.5 * (moments.covariance[i] + half.covariance[i]) }
                    }
                }
            }
        }
        var A = sum.map { $0 / Double(d) }
        if usesJacobian {
            // -(1/D) sum_mu (sum_l V^-1 Cov V^-1 - L V^-1).
            let scaled = SmallMatrix.product(SmallMatrix.product(inverse, A, p, p, p), inverse, p, p, p)
            let tokens = Double(count * L) / Double(d)
            A = zip(inverse, scaled).map { tokens * $0 - $1 }
        }
        for i in 0..<p * p { precision[i] = 0.5 * (A[i] + A[i % p * p + i / p]) }
    }
}

/// The posterior mean for the prior N(0, I) of the weights: C = (I + A)^-1, W = B C.
struct SMIDenoiser: InputDenoiser {
    let signalCount: Int
    let width: Int

    func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>
    ) throws {
        let p = width
        let matrix = (0..<p * p).map { precision[$0] + ($0 % (p + 1) == 0 ? 1 : 0) }
        guard let factor = SmallMatrix.cholesky(matrix, p, tolerance: 0, allowsZero: false) else {
            throw ModelError.notConverged(
                "I + A is not positive definite: \(matrix); jacobian: false makes A a sum of squares")
        }
        let C = SmallMatrix.inverse(factor: factor, p)
        for i in 0..<p * p { covariance[i] = C[i] }
        BLAS.gemm(
            m: signalCount, n: p, k: p, pseudoField, leadingA: p, covariance, leadingB: p, estimate, leadingC: p)
    }
}
