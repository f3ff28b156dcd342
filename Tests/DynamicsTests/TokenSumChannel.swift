import Dynamics
import Numerics

/// Every token answers for itself: l = sum_l (tanh z_l - y_l)^2/2 with y_l = tanh z*_l.
struct TokenSumChannel: DMFTChannel {
    let tokens: Int
    let students = 1
    let teachers = 1
    let targetTeachers = 1
    let noiseCount = 0
    /// One number for each token.
    var targetWidth: Int { tokens }

    func target(_ batch: TargetBatch) {
        for b in 0..<batch.blocks {
            for l in 0..<tokens {
                let field = lanes(batch.fields + l * batch.tokenStride, b)
                store(hyperbolicTangent(field), batch.targets + l * batch.targetStride, b)
            }
        }
    }

    func evaluate(_ batch: FieldBatch) {
        let one = Lanes(repeating: 1)
        for b in 0..<batch.blocks {
            var loss = Lanes.zero
            for l in 0..<tokens {
                let value = hyperbolicTangent(lanes(batch.fields + l * batch.tokenStride, b))
                let error = value - lanes(batch.targets + l * batch.targetStride, b)
                let slope = one - value * value
                loss += Lanes(repeating: 0.5) * error * error
                // g; the fields may be in the same memory and are not needed any more.
                store(error * slope, batch.gradient + l * batch.tokenStride, b)
                // The Hessian is diagonal here: J[v]_l = H_l v_l.
                let curvature = slope * (slope - Lanes(repeating: 2) * value * error)
                for m in 0..<batch.tangentCount {
                    guard let tangents = batch.tangents else { break }
                    let at = tangents + m * batch.tangentStride + l * batch.tokenStride
                    store(curvature * lanes(at, b), at, b)
                }
            }
            if let losses = batch.loss { store(loss, losses, b) }
        }
    }
}
