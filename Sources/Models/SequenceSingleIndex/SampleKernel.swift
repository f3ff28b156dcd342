import Foundation

/// What one sample does to a student: target, loss and error signals D_l, (2), (3) and (8) to (12). All functions are
/// pure in their arguments and allocate nothing; the pointers inside live as long as the closure of
/// ``SequenceSingleIndex/Parameters/withKernel(_:)``, which makes this value. Use one kernel from one thread (it owns scratch space).
package struct SampleKernel {
    let L: Int
    let activation: Activation
    let target: Target
    let loss: Loss
    let c, rootL, inverseRootL, omega: Double
    /// A_11 = A_22 of `positional_semantic`; A_12 = A_21 = 1 - A_11.
    let A11: Double
    /// L x L, row-major; nil for matrix output.
    let U: UnsafePointer<Double>?
    let terms: UnsafePointer<Double>
    let termCount: Int
    /// Attention weights, and the residual S - Y of matrix output: L x L each.
    let S: UnsafeMutablePointer<Double>
    let residual: UnsafeMutablePointer<Double>

    /// The scalar target y = g(z*); `zStar` has L entries. Zero for the matrix target, which has no scalar value.
    @inline(__always)
    package func scalarTarget(_ zStar: UnsafePointer<Double>) -> Double {
        switch target {
        case .sum: return total(zStar)
        case .inverseSqrtSum: return inverseRootL * total(zStar)
        case .sqrtZ1: return rootL * zStar[0]
        case .difference2: return zStar[0] - zStar[1]
        case .product2: return zStar[0] * zStar[1]
        case .squareDifference2: return (zStar[0] * zStar[0] - zStar[1] * zStar[1]) * 0.5.squareRoot()
        case .H2sum: return H2total(zStar)
        case .inverseSqrtH2sum: return inverseRootL * H2total(zStar)
        case .H3sum:
            var sum = 0.0
            for l in 0..<L { sum += zStar[l] * (zStar[l] * zStar[l] - 3) }
            return sum * inverseRootL * (1.0 / 6).squareRoot()
        case .sqrtDoubleStaircase: return rootL * zStar[0] * (1 + zStar[1] * (1 + zStar[2]))
        case .hermite: return hermiteTotal(zStar)
        case .positionalSemantic: return 0
        }
    }

    /// The error signal of a network, (10).
    @inline(__always)
    package func networkSignal(h: Double, y: Double) -> Double {
        2 * c * (activation.value(h) - y) * activation.derivative(h)
    }

    /// The loss of a network, c (y - sigma(h))^2.
    @inline(__always)
    package func networkLoss(h: Double, y: Double) -> Double {
        let r = y - activation.value(h)
        return c * r * r
    }

    /// The loss ell of attention at teacher fields `zStar` and student pre-activations `z` (both L).
    package func attentionLoss(zStar: UnsafePointer<Double>, z: UnsafePointer<Double>) -> Double {
        let r = attentionResidual(zStar: zStar, z: z)
        if U == nil && loss == .frobenius { return r.squareRoot() }
        return c * r
    }

    /// ||S - Y||_F^2, or (f - y)^2 for scalar output.
    package func attentionSquaredError(zStar: UnsafePointer<Double>, z: UnsafePointer<Double>) -> Double {
        attentionResidual(zStar: zStar, z: z)
    }

    /// The error signals of attention, (11), into `D` (L entries); returns ell.
    @inline(__always)
    package func attentionSignals(
        zStar: UnsafePointer<Double>, z: UnsafePointer<Double>, D: UnsafeMutablePointer<Double>
    ) -> Double {
        if U == nil && L == 2 { return pairSignals(zStar: zStar, z: z, D: D) }
        return generalSignals(zStar: zStar, z: z, D: D)
    }

    // MARK: Parts

    @inline(__always)
    private func total(_ z: UnsafePointer<Double>) -> Double {
        var sum = 0.0
        for l in 0..<L { sum += z[l] }
        return sum
    }

    @inline(__always)
    private func H2total(_ z: UnsafePointer<Double>) -> Double {
        var sum = 0.0
        for l in 0..<L { sum += z[l] * z[l] }
        return (sum - Double(L)) * 0.5.squareRoot()
    }

    private func hermiteTotal(_ z: UnsafePointer<Double>) -> Double {
        var sum = 0.0
        for t in 0..<termCount {
            let row = terms + t * (L + 1)
            var product = row[0]
            for l in 0..<L { product *= hermitePolynomial(Int(row[l + 1]), z[l]) }
            sum += product
        }
        return sum
    }

    /// `positional_semantic`, L = 2 and matrix output, by the explicit formulas (12).
    @inline(__always)
    private func pairSignals(
        zStar: UnsafePointer<Double>, z: UnsafePointer<Double>, D: UnsafeMutablePointer<Double>
    ) -> Double {
        let (z1, z2) = (z[0], z[1])
        let q = zStar[0] - zStar[1]
        let S11 = logistic(z1 * (z1 - z2))
        let S22 = logistic(z2 * (z2 - z1))
        let Y11 = (1 - omega) * logistic(zStar[0] * q) + omega * A11
        let Y22 = (1 - omega) * logistic(-zStar[1] * q) + omega * A11
        let delta1 = S11 - Y11
        let delta2 = S22 - Y22
        let squaredError = 2 * (delta1 * delta1 + delta2 * delta2)
        var factor = 2 * c
        var ell = c * squaredError
        if loss == .frobenius {
            ell = squaredError.squareRoot()
            factor = ell > 0 ? 1 / ell : 0
        }
        let q1 = factor * 2 * delta1 * S11 * (1 - S11)
        let q2 = factor * 2 * delta2 * S22 * (1 - S22)
        D[0] = q1 * (2 * z1 - z2) - q2 * z2
        D[1] = -q1 * z1 + q2 * (2 * z2 - z1)
        return ell
    }

    /// Any L and output, (11), where U is the residual for matrix output.
    private func generalSignals(
        zStar: UnsafePointer<Double>, z: UnsafePointer<Double>, D: UnsafeMutablePointer<Double>
    ) -> Double {
        let squaredError = attentionResidual(zStar: zStar, z: z)
        let u: UnsafePointer<Double>
        var factor = 2 * c
        var ell = c * squaredError
        if let U {
            u = U
            factor *= residual[0]
        } else {
            u = UnsafePointer(residual)
            if loss == .frobenius {
                ell = squaredError.squareRoot()
                factor = ell > 0 ? 1 / ell : 0
            }
        }
        for l in 0..<L { D[l] = 0 }
        for i in 0..<L {
            let s = S + i * L
            let ui = u + i * L
            var mean = 0.0
            for j in 0..<L { mean += ui[j] * s[j] }
            var own = 0.0
            for j in 0..<L {
                let v = s[j] * (ui[j] - mean)
                own += v * z[j]
                D[j] += v * z[i]
            }
            D[i] += own
        }
        for l in 0..<L { D[l] *= factor }
        return ell
    }

    /// Fills `S`, and `residual` (the matrix S - Y, or f - y in its first entry); returns the squared error.
    private func attentionResidual(zStar: UnsafePointer<Double>, z: UnsafePointer<Double>) -> Double {
        rowSoftmax(z, into: S)
        if let U {
            var f = 0.0
            for i in 0..<(L * L) { f += U[i] * S[i] }
            residual[0] = f - scalarTarget(zStar)
            return residual[0] * residual[0]
        }
        rowSoftmax(zStar, into: residual)
        var squaredError = 0.0
        for i in 0..<L {
            for j in 0..<L {
                let Y = (1 - omega) * residual[i * L + j] + omega * (i == j ? A11 : 1 - A11)
                let r = S[i * L + j] - Y
                residual[i * L + j] = r
                squaredError += r * r
            }
        }
        return squaredError
    }

    /// softmax of the rows of z z^T; the row's maximum is subtracted, since z_i z_j can exceed 50.
    private func rowSoftmax(_ z: UnsafePointer<Double>, into P: UnsafeMutablePointer<Double>) {
        for i in 0..<L {
            let row = P + i * L
            var largest = -Double.infinity
            for j in 0..<L {
                row[j] = z[i] * z[j]
                largest = max(largest, row[j])
            }
            var sum = 0.0
            for j in 0..<L {
                row[j] = exp(row[j] - largest)
                sum += row[j]
            }
            for j in 0..<L { row[j] /= sum }
        }
    }
}

/// s(u) = 1/(1 + exp(-u)); no overflow for any u (exp(-u) = inf gives 0).
@inline(__always)
func logistic(_ u: Double) -> Double { 1 / (1 + exp(-u)) }

extension Parameters {
    /// Calls `body` with the sample kernel of these parameters; its pointers are valid inside the call only. Allocates
    /// its scratch space once a call, so put whole loops inside.
    package func withKernel<Result>(_ body: (SampleKernel) throws -> Result) rethrows -> Result {
        let scratchSize = student == .attention ? L * L : 1
        return try withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * scratchSize) { scratch in
            scratch.initialize(repeating: 0)
            return try hermiteTerms.withUnsafeBufferPointer { terms in
                try (U ?? []).withUnsafeBufferPointer { u in
                    // An empty array may have no base address; the scratch space stands in and is never read as terms.
                    guard let S = scratch.baseAddress else { preconditionFailure("an allocation without address") }
                    let rootL = Double(L).squareRoot()
                    return try body(
                        SampleKernel(
                            L: L, activation: activation, target: target, loss: loss, c: loss.c, rootL: rootL,
                            inverseRootL: 1 / rootL, omega: omega, A11: A11,
                            U: U == nil ? nil : u.baseAddress, terms: terms.baseAddress ?? UnsafePointer(S),
                            termCount: hermiteTerms.count / (L + 1), S: S, residual: S + scratchSize))
                }
            }
        }
    }
}
