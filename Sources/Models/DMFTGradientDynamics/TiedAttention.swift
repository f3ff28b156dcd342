import Dynamics
import Foundation
import Numerics

/// (10): |P - P*|_F^2/2 with P = softmax_rows(c Z Z^T), c = beta/sqrt(k), and P* = softmax_rows(beta Z* Z*^T/sqrt(a)) of the
/// first a teacher columns.
package struct TiedAttentionChannel: DMFTChannel {
    package let tokens: Int
    package let students: Int
    package let teachers: Int
    package let targetTeachers: Int
    /// c.
    let sharpness: Double
    let targetSharpness: Double

    /// `positions` of the teacher's columns are means of tokens, which the target leaves out.
    package init(tokens: Int, students: Int, teachers: Int, positions: Int, beta: Double) {
        self.tokens = tokens
        self.students = students
        self.teachers = teachers
        targetTeachers = teachers - positions
        sharpness = beta / Double(students).squareRoot()
        targetSharpness = beta / Double(targetTeachers).squareRoot()
    }

    package var noiseCount: Int { 0 }
    package var targetWidth: Int { tokens * tokens }

    package func target(_ batch: TargetBatch) {
        let L = tokens
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: L * targetTeachers + L * L) { scratch in
            guard let z = scratch.baseAddress else { return }
            let P = z + L * targetTeachers
            for b in 0..<batch.blocks {
                for l in 0..<L {
                    for j in 0..<targetTeachers {
                        z[l * targetTeachers + j] = lanes(
                            batch.fields + (l * batch.tokenStride + j * batch.teacherStride), b)
                    }
                }
                Self.attention(z, L, targetTeachers, targetSharpness, into: P)
                for c in 0..<L * L { store(P[c], batch.targets + c * batch.targetStride, b) }
            }
        }
    }

    package func evaluate(_ batch: FieldBatch) {
        let (L, k) = (tokens, students)
        let c = Lanes(repeating: sharpness)
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 2 * L * k + 5 * L * L) { scratch in
            guard let z = scratch.baseAddress else { return }
            let v = z + L * k
            let P = v + L * k
            let E = P + L * L
            let D = E + L * L
            let dP = D + L * L
            let dD = dP + L * L
            for b in 0..<batch.blocks {
                load(batch.fields, batch, b, into: z)
                Self.attention(z, L, k, sharpness, into: P)
                var square = Lanes.zero
                for l in 0..<L {
                    var mean = Lanes.zero
                    for m in 0..<L {
                        let e = P[l * L + m] - lanes(batch.targets + (l * L + m) * batch.targetStride, b)
                        E[l * L + m] = e
                        square += e * e
                        mean += P[l * L + m] * e
                    }
                    for m in 0..<L { D[l * L + m] = P[l * L + m] * (E[l * L + m] - mean) }
                }
                if let loss = batch.loss { store(Lanes(repeating: 0.5) * square, loss, b) }
                if let tangents = batch.tangents {
                    for number in 0..<batch.tangentCount {
                        let tangent = tangents + number * batch.tangentStride
                        load(tangent, batch, b, into: v)
                        // dS = c (v Z^T + Z v^T), dP = P o (dS - rowsum(P o dS)), all of one row at a time.
                        for l in 0..<L {
                            var mean = Lanes.zero
                            for m in 0..<L {
                                var sum = Lanes.zero
                                for i in 0..<k {
                                    sum += v[l * k + i] * z[m * k + i] + z[l * k + i] * v[m * k + i]
                                }
                                dP[l * L + m] = c * sum
                                mean += P[l * L + m] * c * sum
                            }
                            var bend = Lanes.zero
                            var energy = Lanes.zero
                            for m in 0..<L {
                                let change = P[l * L + m] * (dP[l * L + m] - mean)
                                dP[l * L + m] = change
                                energy += P[l * L + m] * E[l * L + m]
                                bend += change * E[l * L + m] + P[l * L + m] * change
                            }
                            for m in 0..<L {
                                let change = dP[l * L + m]
                                dD[l * L + m] = change * (E[l * L + m] - energy) + P[l * L + m] * (change - bend)
                            }
                        }
                        for l in 0..<L {
                            for i in 0..<k {
                                var sum = Lanes.zero
                                for m in 0..<L {
                                    sum += (dD[l * L + m] + dD[m * L + l]) * z[m * k + i]
                                    sum += (D[l * L + m] + D[m * L + l]) * v[m * k + i]
                                }
                                store(c * sum, tangent + (l * batch.tokenStride + i * batch.studentStride), b)
                            }
                        }
                    }
                }
                for l in 0..<L {
                    for i in 0..<k {
                        var sum = Lanes.zero
                        for m in 0..<L { sum += (D[l * L + m] + D[m * L + l]) * z[m * k + i] }
                        store(c * sum, batch.gradient + (l * batch.tokenStride + i * batch.studentStride), b)
                    }
                }
            }
        }
    }

    @inline(__always)
    private func load(
        _ base: UnsafePointer<Double>, _ batch: FieldBatch, _ block: Int, into z: UnsafeMutablePointer<Lanes>
    ) {
        for l in 0..<tokens {
            for i in 0..<students {
                z[l * students + i] = lanes(base + (l * batch.tokenStride + i * batch.studentStride), block)
            }
        }
    }

    /// P = softmax of the rows of `sharpness` z z^T, z of `tokens` x `columns`; row maxima are subtracted first.
    @inline(__always)
    private static func attention(
        _ z: UnsafePointer<Lanes>, _ tokens: Int, _ columns: Int, _ sharpness: Double,
        into P: UnsafeMutablePointer<Lanes>
    ) {
        let c = Lanes(repeating: sharpness)
        for l in 0..<tokens {
            var largest = Lanes(repeating: -.infinity)
            for m in 0..<tokens {
                var sum = Lanes.zero
                for i in 0..<columns { sum += z[l * columns + i] * z[m * columns + i] }
                let score = c * sum
                P[l * tokens + m] = score
                largest = largest.replacing(with: score, where: score .> largest)
            }
            var total = Lanes.zero
            for m in 0..<tokens {
                let weight = exponential(P[l * tokens + m] - largest)
                P[l * tokens + m] = weight
                total += weight
            }
            for m in 0..<tokens { P[l * tokens + m] /= total }
        }
    }
}
