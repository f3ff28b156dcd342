import Dynamics
import Numerics

/// (9): (yhat - y)^2/2 with yhat the mean of tanh Z_li over tokens and student columns, y the mean over tokens of tanh z*_l of
/// teacher column 0.
package struct TokenAverageChannel: DMFTChannel {
    package let tokens: Int
    package let students: Int
    package let teachers: Int

    package init(tokens: Int, students: Int, teachers: Int) {
        self.tokens = tokens
        self.students = students
        self.teachers = teachers
    }

    package var targetTeachers: Int { 1 }
    package var noiseCount: Int { 0 }
    package var targetWidth: Int { 1 }

    package func target(_ batch: TargetBatch) {
        let scale = Lanes(repeating: 1 / Double(tokens))
        for b in 0..<batch.blocks {
            var sum = Lanes.zero
            for l in 0..<tokens { sum += hyperbolicTangent(lanes(batch.fields + l * batch.tokenStride, b)) }
            store(scale * sum, batch.targets, b)
        }
    }

    package func evaluate(_ batch: FieldBatch) {
        let scale = Lanes(repeating: 1 / Double(tokens * students))
        let one = Lanes(repeating: 1)
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: tokens * students) { tanh in
            for b in 0..<batch.blocks {
                var mean = Lanes.zero
                for l in 0..<tokens {
                    for i in 0..<students {
                        let z = lanes(batch.fields + (l * batch.tokenStride + i * batch.studentStride), b)
                        let value = hyperbolicTangent(z)
                        tanh[l * students + i] = value
                        mean += value
                    }
                }
                let error = scale * mean - lanes(batch.targets, b)
                if let loss = batch.loss { store(Lanes(repeating: 0.5) * error * error, loss, b) }
                if let tangents = batch.tangents {
                    for m in 0..<batch.tangentCount {
                        let tangent = tangents + m * batch.tangentStride
                        var along = Lanes.zero
                        for l in 0..<tokens {
                            for i in 0..<students {
                                let value = tanh[l * students + i]
                                let v = lanes(tangent + (l * batch.tokenStride + i * batch.studentStride), b)
                                along += (one - value * value) * v
                            }
                        }
                        along *= scale
                        for l in 0..<tokens {
                            for i in 0..<students {
                                let at = tangent + (l * batch.tokenStride + i * batch.studentStride)
                                let value = tanh[l * students + i]
                                let slope = scale * (one - value * value)
                                let bend = Lanes(repeating: -2) * value * slope
                                store(slope * along + error * bend * lanes(at, b), at, b)
                            }
                        }
                    }
                }
                for l in 0..<tokens {
                    for i in 0..<students {
                        let value = tanh[l * students + i]
                        let at = batch.gradient + (l * batch.tokenStride + i * batch.studentStride)
                        store(error * scale * (one - value * value), at, b)
                    }
                }
            }
        }
    }
}
