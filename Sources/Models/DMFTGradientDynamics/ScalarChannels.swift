import Dynamics
import Numerics

/// A loss of one token and one student column: numbers in, numbers out. ``ScalarChannel`` makes a channel of them.
package protocol ScalarLoss: Sendable {
    /// y from the teacher field and a standard normal.
    func target(_ teacher: Lanes, noise: Lanes) -> Lanes
    /// dl/dz and d^2l/dz^2.
    func slopes(_ z: Lanes, target: Lanes) -> (first: Lanes, second: Lanes)
    func loss(_ z: Lanes, target: Lanes) -> Lanes
    var noiseCount: Int { get }
}

/// (z - z* - zeta)^2/2.
package struct LinearLoss: ScalarLoss {
    let sigma: Double

    package init(sigma: Double) { self.sigma = sigma }

    package var noiseCount: Int { sigma > 0 ? 1 : 0 }

    @inline(__always)
    package func target(_ teacher: Lanes, noise: Lanes) -> Lanes { teacher + Lanes(repeating: sigma) * noise }

    @inline(__always)
    package func slopes(_ z: Lanes, target: Lanes) -> (first: Lanes, second: Lanes) {
        (z - target, Lanes(repeating: 1))
    }

    @inline(__always)
    package func loss(_ z: Lanes, target: Lanes) -> Lanes { Lanes(repeating: 0.5) * (z - target) * (z - target) }
}

/// log(1 + exp(-y z)) with y = sign z*.
package struct LogisticLoss: ScalarLoss {
    package init() {}

    package var noiseCount: Int { 0 }

    @inline(__always)
    package func target(_ teacher: Lanes, noise: Lanes) -> Lanes {
        Lanes(repeating: 1).replacing(with: Lanes(repeating: -1), where: teacher .< Lanes.zero)
    }

    @inline(__always)
    package func slopes(_ z: Lanes, target: Lanes) -> (first: Lanes, second: Lanes) {
        let wrong = logistic(-target * z)
        return (-target * wrong, wrong * (Lanes(repeating: 1) - wrong))
    }

    @inline(__always)
    package func loss(_ z: Lanes, target: Lanes) -> Lanes { softplus(-target * z) }
}

/// (z^2 - z*^2)^2/4.
package struct PhaseLoss: ScalarLoss {
    package init() {}

    package var noiseCount: Int { 0 }

    @inline(__always)
    package func target(_ teacher: Lanes, noise: Lanes) -> Lanes { teacher * teacher }

    @inline(__always)
    package func slopes(_ z: Lanes, target: Lanes) -> (first: Lanes, second: Lanes) {
        let square = z * z
        return ((square - target) * z, Lanes(repeating: 3) * square - target)
    }

    @inline(__always)
    package func loss(_ z: Lanes, target: Lanes) -> Lanes {
        let difference = z * z - target
        return Lanes(repeating: 0.25) * difference * difference
    }
}

/// A scalar loss as a channel with L = k = 1; the target is read from teacher column 0.
///
/// The losses are cases and not a type parameter, so that the loops below are compiled for each of them.
package struct ScalarChannel: DMFTChannel {
    private enum Loss {
        case linear(LinearLoss)
        case logistic(LogisticLoss)
        case phase(PhaseLoss)
    }

    private let loss: Loss
    package let noiseCount: Int
    package let teachers: Int

    package init(_ loss: LinearLoss, teachers: Int) {
        self.init(.linear(loss), noiseCount: loss.noiseCount, teachers: teachers)
    }

    package init(_ loss: LogisticLoss, teachers: Int) {
        self.init(.logistic(loss), noiseCount: loss.noiseCount, teachers: teachers)
    }

    package init(_ loss: PhaseLoss, teachers: Int) {
        self.init(.phase(loss), noiseCount: loss.noiseCount, teachers: teachers)
    }

    private init(_ loss: Loss, noiseCount: Int, teachers: Int) {
        self.loss = loss
        self.noiseCount = noiseCount
        self.teachers = teachers
    }

    package var tokens: Int { 1 }
    package var students: Int { 1 }
    package var targetTeachers: Int { 1 }
    package var targetWidth: Int { 1 }

    package func target(_ batch: TargetBatch) {
        switch loss {
        case .linear(let loss): Self.target(loss, batch)
        case .logistic(let loss): Self.target(loss, batch)
        case .phase(let loss): Self.target(loss, batch)
        }
    }

    package func evaluate(_ batch: FieldBatch) {
        switch loss {
        case .linear(let loss): Self.evaluate(loss, batch)
        case .logistic(let loss): Self.evaluate(loss, batch)
        case .phase(let loss): Self.evaluate(loss, batch)
        }
    }

    @inline(__always)
    private static func target(_ loss: some ScalarLoss, _ batch: TargetBatch) {
        for b in 0..<batch.blocks {
            let noise = loss.noiseCount == 0 ? Lanes.zero : lanes(batch.noise, b)
            store(loss.target(lanes(batch.fields, b), noise: noise), batch.targets, b)
        }
    }

    @inline(__always)
    private static func evaluate(_ loss: some ScalarLoss, _ batch: FieldBatch) {
        for b in 0..<batch.blocks {
            let z = lanes(batch.fields, b)
            let y = lanes(batch.targets, b)
            let (first, second) = loss.slopes(z, target: y)
            if let values = batch.loss { store(loss.loss(z, target: y), values, b) }
            store(first, batch.gradient, b)
            guard let tangents = batch.tangents else { continue }
            for m in 0..<batch.tangentCount {
                let tangent = tangents + m * batch.tangentStride
                store(second * lanes(tangent, b), tangent, b)
            }
        }
    }
}
