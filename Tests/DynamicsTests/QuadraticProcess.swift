import Dynamics
import Numerics

/// (Z - T)^T K (Z - T)/2 over all tokens and student columns of a sample, with T_li = sum_j U_ij z*_lj + s zeta: it couples
/// them all, no two alike, and every field stays a combination of Gaussians.
struct CoupledQuadratic: DMFTChannel {
    let tokens: Int
    let students: Int
    let teachers: Int
    var targetTeachers: Int { teachers }
    let noiseCount = 1
    var targetWidth: Int { size }
    let noise = 0.4

    /// L k; the field of token l and student column i is number l k + i.
    var size: Int { tokens * students }
    /// Largest eigenvalue 1.
    func K(_ x: Int, _ y: Int) -> Double {
        let v = [1, -0.5, 0.8, 0.3, -0.7, 0.6, 0.9, -0.4]
        let square = v[..<size].reduce(0) { $0 + $1 * $1 }
        return (x == y ? 0.2 : 0) + 0.8 * v[x] * v[y] / square
    }
    func U(_ i: Int, _ j: Int) -> Double { 0.8 - 0.5 * Double(i) + 0.3 * Double(j) - 0.4 * Double(i * j) }

    func target(_ batch: TargetBatch) {
        for b in 0..<batch.blocks {
            for x in 0..<size {
                var sum = Lanes(repeating: noise) * lanes(batch.noise, b)
                for j in 0..<teachers {
                    let field = lanes(batch.fields + x / students * batch.tokenStride + j * batch.teacherStride, b)
                    sum += Lanes(repeating: U(x % students, j)) * field
                }
                store(sum, batch.targets + x * batch.targetStride, b)
            }
        }
    }

    func evaluate(_ batch: FieldBatch) {
        let couplings = (0..<size * size).map { Lanes(repeating: K($0 / size, $0 % size)) }
        let places = (0..<size).map { $0 / students * batch.tokenStride + $0 % students * batch.studentStride }
        var values = Array(repeating: Lanes.zero, count: size)
        func product(_ x: Int) -> Lanes {
            (0..<size).reduce(into: Lanes.zero) { $0 += couplings[x * size + $1] * values[$1] }
        }
        for b in 0..<batch.blocks {
            for x in 0..<size {
                values[x] = lanes(batch.fields + places[x], b) - lanes(batch.targets + x * batch.targetStride, b)
            }
            var loss = Lanes.zero
            for x in 0..<size {
                let g = product(x)
                loss += Lanes(repeating: 0.5) * values[x] * g
                store(g, batch.gradient + places[x], b)
            }
            if let losses = batch.loss { store(loss, losses, b) }
            guard let tangents = batch.tangents else { continue }
            for m in 0..<batch.tangentCount {
                let tangent = tangents + m * batch.tangentStride
                for x in 0..<size { values[x] = lanes(tangent + places[x], b) }
                for x in 0..<size { store(product(x), tangent + places[x], b) }
            }
        }
    }
}

/// The mean-field theory of ``CoupledQuadratic`` without sampling: every sequence of batches that a sample can see is gone
/// through with its probability, and along each the fields are combinations of Gaussians whose coefficients are followed by
/// (18) to (22), the weights' by (26), of docs/models/dmft-gradient-dynamics.md. In plain loops on plain arrays.
struct QuadraticProcess {
    let channel: CoupledQuadratic
    let settings: DMFTSettings
    /// M_t, k x a, for t = 0...T; train_t for t < T.
    private(set) var overlap: [[Double]] = []
    private(set) var train: [Double] = []
    /// [t][s], k x k: C and R for t, s = 0...T, Gamma and Cg for t, s < T.
    private(set) var C: [[[Double]]]
    private(set) var R: [[[Double]]]
    private(set) var Gamma: [[[Double]]]
    private(set) var Cg: [[[Double]]]
    /// The largest difference of M_{t+1} of the weights and of equation (4).
    private(set) var mismatch = 0.0

    /// One sequence of batches: the sample's weights, and what the sample does.
    private struct Path {
        let probability: Double
        let weights: [Double]
        /// Zp_t, field by field, as coefficients; and g_t.
        var Zp: [[[Double]]] = []
        var g: [[[Double]]] = []
        /// Of each step s, token and student column: D_{s+1}, D_{s+2}, ...
        var tangents: [[[Double]]] = []
    }

    init(_ channel: CoupledQuadratic, _ prior: DMFTPrior, _ settings: DMFTSettings) {
        self.channel = channel
        self.settings = settings
        let (T, L, k, a) = (settings.horizon, channel.tokens, channel.students, channel.teachers)
        let (eta, decay) = (settings.stepSize, 1 - settings.stepSize * settings.ridge)
        func empty(_ times: Int) -> [[[Double]]] {
            Array(repeating: Array(repeating: Array(repeating: 0, count: k * k), count: times), count: times)
        }
        (C, R, Gamma, Cg) = (empty(T + 1), empty(T + 1), empty(T), empty(T))
        // Coefficients of the weights: on a teacher normals, k of the start, then u_0, u_1, ..., k each.
        let row = a + k + T * k
        // Those of a sample's fields: on 1, zeta, and of each token the same as the weights.
        let width = 2 + L * row
        var noise = Array(repeating: 0.0, count: T * k * T * k)
        /// E[x y] of two combinations of one row each.
        func rowProduct(_ x: ArraySlice<Double>, _ y: ArraySlice<Double>) -> Double {
            let (x, y) = (Array(x), Array(y))
            var sum = 0.0
            for c in 0..<a + k { sum += x[c] * y[c] }
            for c in 0..<T * k where x[a + k + c] != 0 {
                for e in 0..<T * k { sum += x[a + k + c] * noise[c * T * k + e] * y[a + k + e] }
            }
            return sum
        }
        func product(_ x: [Double], _ y: [Double]) -> Double {
            (0..<L).reduce(x[0] * y[0] + x[1] * y[1]) {
                let part = 2 + $1 * row..<2 + ($1 + 1) * row
                return $0 + rowProduct(x[part], y[part])
            }
        }
        func add(_ factor: Double, _ x: [Double], to y: inout [Double]) {
            for c in y.indices { y[c] += factor * x[c] }
        }
        func mean(_ token: Int, _ teacher: Int) -> Double {
            prior.positions.map { prior.teacherGram[$0[token] * a + teacher] } ?? 0
        }

        var teacher = Array(repeating: Array(repeating: 0.0, count: row), count: a)
        for j in 0..<a { for c in 0...j { teacher[j][c] = prior.teacherFactor[j * a + c] } }
        var start = Array(repeating: Array(repeating: 0.0, count: row), count: k)
        for i in 0..<k { for c in 0...i { start[i][a + c] = prior.startFactor[i * k + c] } }
        var theta = [start]
        for i in 0..<k {
            for j in 0..<a { add(prior.regression(prior.startOverlap)[i * a + j], teacher[j], to: &theta[0][i]) }
        }
        func onToken(_ x: [Double], _ l: Int) -> [Double] {
            var result = Array(repeating: 0.0, count: width)
            for c in 0..<row { result[2 + l * row + c] = x[c] }
            return result
        }
        let teacherFields = (0..<L).map { l in
            (0..<a).map { j in
                var field = onToken(teacher[j], l)
                field[0] = mean(l, j)
                return field
            }
        }
        var paths = Self.paths(settings.batches, steps: T)
        for p in paths.indices { paths[p].Zp = [(0..<L * k).map { onToken(start[$0 % k], $0 / k) }] }

        for t in 0...T {
            overlap.append((0..<k * a).map { rowProduct(theta[t][$0 / a][...], teacher[$0 % a][...]) })
            for s in 0...t {
                for ij in 0..<k * k {
                    C[t][s][ij] = rowProduct(theta[t][ij / k][...], theta[s][ij % k][...])
                    C[s][t][ij % k * k + ij / k] = C[t][s][ij]
                    if s < t { R[t][s][ij] = -theta[t][ij / k][a + k + s * k + ij % k] / eta }
                }
            }
            guard t < T else { break }
            // Fields, gradients (2) and their averages.
            let regression = prior.regression(overlap[t])
            var (loss, mu) = (0.0, Array(repeating: 0.0, count: k * a))
            for p in paths.indices {
                let chance = settings.alpha * paths[p].probability
                let errors = (0..<L * k).map { x in
                    let (l, i) = (x / k, x % k)
                    var field = paths[p].Zp[t][x]
                    field[0] += prior.positions.map { overlap[t][i * a + $0[l]] } ?? 0
                    field[1] -= channel.noise
                    for j in 0..<a {
                        add(regression[i * a + j], onToken(teacher[j], l), to: &field)
                        add(-channel.U(i, j), teacherFields[l][j], to: &field)
                    }
                    return field
                }
                let products = (0..<L * k).map { x in
                    var sum = Array(repeating: 0.0, count: width)
                    for y in 0..<L * k { add(channel.K(x, y), errors[y], to: &sum) }
                    return sum
                }
                for x in 0..<L * k { loss += 0.5 * paths[p].probability * product(errors[x], products[x]) }
                let g = products.map { $0.map { paths[p].weights[t] * $0 } }
                paths[p].g.append(g)
                for x in 0..<L * k {
                    let (l, i) = (x / k, x % k)
                    for j in 0..<a { mu[i * a + j] += chance * product(g[x], teacherFields[l][j]) }
                    for s in 0...t {
                        for j in 0..<k { Cg[t][s][i * k + j] += chance * product(g[x], paths[p].g[s][l * k + j]) }
                    }
                }
            }
            train.append(loss)
            for s in 0...t {
                for ij in 0..<k * k {
                    Cg[s][t][ij % k * k + ij / k] = Cg[t][s][ij]
                    noise[(t * k + ij / k) * T * k + s * k + ij % k] = Cg[t][s][ij]
                    noise[(s * k + ij % k) * T * k + t * k + ij / k] = Cg[t][s][ij]
                }
            }
            // Tangents (5): dg_t of every direction, which is all that D_{t+1} needs once Gamma is known.
            let directions = (t + 1) * L * k
            var responses: [[[Double]]] = []
            for p in paths.indices {
                paths[p].tangents += Array(repeating: [], count: directions - paths[p].tangents.count)
                responses.append(
                    (0..<directions).map { m in
                        let s = m / (L * k)
                        var v = paths[p].tangents[m].last ?? Array(repeating: 0, count: L * k)
                        if s == t { v[m % (L * k)] = 1 }
                        return (0..<L * k).map { x in
                            paths[p].weights[t] * (0..<L * k).reduce(0) { $0 + channel.K(x, $1) * v[$1] }
                        }
                    })
                for m in 0..<directions {
                    let (s, l, j) = (m / (L * k), m / k % L, m % k)
                    for i in 0..<k {
                        Gamma[t][s][i * k + j] +=
                            settings.alpha * paths[p].probability * responses[p][m][l * k + i]
                    }
                }
            }
            // The weights; Gamma* by integration by parts.
            var direct = mu
            for s in 0...t {
                for ij in 0..<k * k {
                    for j in 0..<a { direct[ij / k * a + j] -= Gamma[t][s][ij] * overlap[s][ij % k * a + j] }
                }
            }
            let onTeacher = prior.regression(direct)
            var next = theta[t].map { $0.map { decay * $0 } }
            for i in 0..<k {
                for s in 0...t { for j in 0..<k { add(-eta * Gamma[t][s][i * k + j], theta[s][j], to: &next[i]) } }
                for j in 0..<a { add(-eta * onTeacher[i * a + j], teacher[j], to: &next[i]) }
                next[i][a + k + t * k + i] -= eta
            }
            for ia in 0..<k * a {
                let found = rowProduct(next[ia / a][...], teacher[ia % a][...])
                mismatch = max(mismatch, abs(found - decay * overlap[t][ia] + eta * mu[ia]))
            }
            var rho = 1.0
            if settings.isSpherical { rho = (prior.startGram[0] / rowProduct(next[0][...], next[0][...])).squareRoot() }
            theta.append(next.map { $0.map { rho * $0 } })
            // The samples (3).
            for p in paths.indices {
                var fields = paths[p].Zp[t].map { $0.map { decay * $0 } }
                for x in 0..<L * k {
                    let (l, i) = (x / k, x % k)
                    for s in 0...t {
                        for j in 0..<k { add(-eta * Gamma[t][s][i * k + j], paths[p].Zp[s][l * k + j], to: &fields[x]) }
                    }
                    fields[x][2 + l * row + a + k + t * k + i] -= eta
                    add(-eta, paths[p].g[t][x], to: &fields[x])
                }
                paths[p].Zp.append(fields.map { $0.map { rho * $0 } })
                for m in 0..<directions {
                    let s = m / (L * k)
                    let past = paths[p].tangents[m]
                    var D = responses[p][m].map { -eta * $0 }
                    if let last = past.last { add(decay, last, to: &D) }
                    for (later, earlier) in past.enumerated() {
                        let memory = Gamma[t][s + 1 + later]
                        for x in 0..<L * k {
                            let (l, i) = (x / k, x % k)
                            for j in 0..<k { D[x] -= eta * memory[i * k + j] * earlier[l * k + j] }
                        }
                    }
                    paths[p].tangents[m].append(D.map { rho * $0 })
                }
            }
        }
    }

    /// All sequences of `steps` weights with their probabilities.
    private static func paths(_ law: BatchLaw, steps: Int) -> [Path] {
        (0..<(law.mask == .full ? 1 : 1 << steps)).compactMap { bits in
            let isOn = (0..<steps).map { law.mask == .full || bits >> $0 & 1 == 1 }
            var probability = 1.0
            var used = false
            for t in 0..<steps {
                var chance = law.fraction
                switch law.mask {
                case .full, .bernoulli: break
                case .persistent(let pOff):
                    if t > 0 { chance = isOn[t - 1] ? 1 - pOff : law.fraction * pOff / (1 - law.fraction) }
                case .epoch(let batches):
                    if t % batches == 0 { used = false }
                    chance = used ? 0 : 1 / Double(batches - t % batches)
                    used = used || isOn[t]
                }
                probability *= isOn[t] ? chance : 1 - chance
            }
            guard probability > 0 else { return nil }
            return Path(probability: probability, weights: isOn.map { $0 ? law.weight : 0 })
        }
    }
}
