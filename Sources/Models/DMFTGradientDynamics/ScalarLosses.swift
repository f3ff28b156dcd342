import Dynamics
import Numerics

/// A loss of one token and one student column, whose target is read from teacher column 0: numbers in, numbers out.
package protocol ScalarLoss: DMFTChannel {
    /// y from the teacher field and a standard normal.
    func target(_ teacher: Lanes, noise: Lanes) -> Lanes
    /// dl/dz and d^2l/dz^2.
    func slopes(_ z: Lanes, target: Lanes) -> (first: Lanes, second: Lanes)
    func loss(_ z: Lanes, target: Lanes) -> Lanes
}

extension ScalarLoss {
    package var tokens: Int { 1 }
    package var students: Int { 1 }
    package var targetTeachers: Int { 1 }
    package var targetWidth: Int { 1 }
    package var noiseCount: Int { 0 }

    @inline(__always)
    package func target(_ batch: TargetBatch) {
        for b in 0..<batch.blocks {
            let noise = noiseCount == 0 ? Lanes.zero : lanes(batch.noise, b)
            store(target(lanes(batch.fields, b), noise: noise), batch.targets, b)
        }
    }

    @inline(__always)
    package func evaluate(_ batch: FieldBatch) {
        for b in 0..<batch.blocks {
            let z = lanes(batch.fields, b)
            let y = lanes(batch.targets, b)
            let (first, second) = slopes(z, target: y)
            if let values = batch.loss { store(loss(z, target: y), values, b) }
            store(first, batch.gradient, b)
            guard let tangents = batch.tangents else { continue }
            for m in 0..<batch.tangentCount {
                let tangent = tangents + m * batch.tangentStride
                store(second * lanes(tangent, b), tangent, b)
            }
        }
    }
}

/// (6): (z - z* - zeta)^2/2.
package struct LinearLoss: ScalarLoss {
    let sigma: Double
    package let teachers: Int

    package init(sigma: Double, teachers: Int) { (self.sigma, self.teachers) = (sigma, teachers) }

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

/// (7): log(1 + exp(-y z)) with y = sign z*.
package struct LogisticLoss: ScalarLoss {
    package let teachers: Int

    package init(teachers: Int) { self.teachers = teachers }

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

/// (8): (z^2 - z*^2)^2/4.
package struct PhaseLoss: ScalarLoss {
    package let teachers: Int

    package init(teachers: Int) { self.teachers = teachers }

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
