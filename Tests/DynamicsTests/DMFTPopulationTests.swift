import Dynamics
import Numerics
import Testing

/// sum_l (sum_i c_i Z_li - y_l)^2/2 with y_l = z*_l0 + s zeta: all its means are known.
private struct QuadraticChannel: DMFTChannel {
    let tokens: Int
    let students: Int
    let teachers: Int
    var targetTeachers: Int
    var noise = 0.3
    var noiseCount: Int { noise > 0 ? 1 : 0 }
    var targetWidth: Int { tokens }

    func c(_ i: Int) -> Double { 1 - 0.3 * Double(i) }

    func target(_ batch: TargetBatch) {
        for b in 0..<batch.blocks {
            for l in 0..<tokens {
                let extra = noise > 0 ? Lanes(repeating: noise) * lanes(batch.noise, b) : Lanes.zero
                store(lanes(batch.fields + l * batch.tokenStride, b) + extra, batch.targets + l * batch.targetStride, b)
            }
        }
    }

    func evaluate(_ batch: FieldBatch) {
        for b in 0..<batch.blocks {
            var loss = Lanes.zero
            for l in 0..<tokens {
                func at(_ i: Int) -> Int { l * batch.tokenStride + i * batch.studentStride }
                var error = -lanes(batch.targets + l * batch.targetStride, b)
                for i in 0..<students { error += Lanes(repeating: c(i)) * lanes(batch.fields + at(i), b) }
                loss += Lanes(repeating: 0.5) * error * error
                for i in 0..<students { store(Lanes(repeating: c(i)) * error, batch.gradient + at(i), b) }
                for m in 0..<batch.tangentCount {
                    guard let tangents = batch.tangents else { continue }
                    let tangent = tangents + m * batch.tangentStride
                    var along = Lanes.zero
                    for i in 0..<students { along += Lanes(repeating: c(i)) * lanes(tangent + at(i), b) }
                    for i in 0..<students { store(Lanes(repeating: c(i)) * along, tangent + at(i), b) }
                }
            }
            if let losses = batch.loss { store(loss, losses, b) }
        }
    }
}

@Suite struct DMFTPopulationTests {
    private static let teacherGram = [1, 0.3, -0.2, 0.3, 0.5, 0.1, -0.2, 0.1, 0.4]
    private static let startGram = [0.9, 0.1, 0.1, 0.7]
    private static let startOverlap = [0.3, 0.2, -0.1, 0.4, -0.1, 0.05]

    /// Every rule: one token (split product), three normals (product), many (Sobol), more than Sobol has (with more tokens);
    /// with means of tokens, and with teacher columns that are no nodes.
    @Test(arguments: [(1, 1, 3), (1, 1, 1), (1, 2, 1), (2, 1, 1), (3, 2, 1), (3, 2, 3), (16, 2, 3)])
    func meansOfAQuadraticLoss(tokens L: Int, students k: Int, columns: Int) throws {
        let a = 3
        for positions in [nil, (0..<L).map { 1 + $0 % 2 }] {
            let channel = QuadraticChannel(tokens: L, students: k, teachers: a, targetTeachers: columns)
            let q = k == 2 ? Self.startGram : [0.9]
            let M = Array(Self.startOverlap[..<(k * a)])
            let prior = try DMFTPrior(
                students: k, teachers: a, teacherGram: Self.teacherGram, startGram: q, startOverlap: M,
                positions: positions)
            let population = DMFTPopulation(channel: channel, prior: prior)
            let m = population.moments(overlap: M, gram: q)
            // The error e_l = c.V_l - y_l: its variance, its mean by token, its covariance with z*_j.
            let c = (0..<k).map(channel.c)
            let cM = (0..<a).map { j in (0..<k).reduce(0) { $0 + c[$1] * M[$1 * a + j] } }
            var variance = channel.noise * channel.noise + Self.teacherGram[0] - 2 * cM[0]
            for i in 0..<k { for j in 0..<k { variance += c[i] * q[i * k + j] * c[j] } }
            var squares = 0.0
            var products = (0..<a).map { Double(L) * (cM[$0] - Self.teacherGram[$0]) }
            for l in 0..<L {
                let mean = positions.map { cM[$0[l]] - Self.teacherGram[$0[l] * a] } ?? 0
                squares += variance + mean * mean
                for j in 0..<a { products[j] += mean * (positions.map { Self.teacherGram[$0[l] * a + j] } ?? 0) }
            }
            // Sobol's error, of sums of L terms of order 1.
            let normals = L * (columns + k) + 1
            let tolerance =
                normals == 3 ? 1e-12 : normals <= 4 ? 1e-5 : normals <= 64 ? 2e-3 * Double(L) : 4e-3 * Double(L)
            #expect(abs(m.loss - 0.5 * squares) < tolerance)
            #expect(abs(m.loss - population.loss(overlap: M, gram: q)) < 1e-12 * Double(L))
            for i in 0..<k {
                for j in 0..<a { #expect(abs(m.teacherGradient[i * a + j] - c[i] * products[j]) < tolerance) }
                for j in 0..<k {
                    #expect(abs(m.gradientGram[i * k + j] - c[i] * c[j] * squares) < tolerance)
                    #expect(abs(m.curvature[i * k + j] - Double(L) * c[i] * c[j]) < 1e-9)
                }
            }
        }
    }

    /// A student in the span of the teacher has no variance of its own; a little less than none is noise, more is an error.
    @Test func degenerateCovariances() throws {
        for k in [1, 2] {
            let channel = QuadraticChannel(tokens: 2, students: k, teachers: 1, targetTeachers: 1, noise: 0)
            let prior = try DMFTPrior(
                students: k, teachers: 1, teacherGram: [1], startGram: SmallMatrix.diagonal(k, 1),
                startOverlap: Array(repeating: 0, count: k))
            let population = DMFTPopulation(channel: channel, prior: prior)
            let M = k == 1 ? [0.8] : [0.8, 0.4]
            func gram(_ more: Double) -> [Double] {
                (0..<k * k).map { M[$0 / k] * M[$0 % k] + ($0 / k == $0 % k ? more : 0) }
            }
            let along = (k == 1 ? 0.8 : 0.8 + 0.7 * 0.4) - 1
            for more in [0, 1e-9, -1e-9] {
                let loss = population.loss(overlap: M, gram: gram(more))
                #expect(abs(loss - along * along) < 2e-4, "\(loss)")
            }
            for bad in [gram(-1e-3), gram(.nan), gram(.infinity)] {
                #expect(population.loss(overlap: M, gram: bad).isNaN)
                let m = population.moments(overlap: M, gram: bad)
                #expect(m.loss.isNaN && (m.teacherGradient + m.gradientGram + m.curvature).allSatisfy(\.isNaN))
            }
        }
    }

    /// The nodes are the same in every run.
    @Test func populationsAreReproducible() throws {
        let channel = QuadraticChannel(tokens: 3, students: 2, teachers: 1, targetTeachers: 1)
        let prior = try DMFTPrior(
            students: 2, teachers: 1, teacherGram: [1], startGram: Self.startGram, startOverlap: [0.2, 0.3])
        let losses = (0..<2).map { _ in
            DMFTPopulation(channel: channel, prior: prior).loss(overlap: [0.2, 0.3], gram: Self.startGram)
        }
        #expect(losses[0] == losses[1])
        let finer = DMFTPopulation(channel: channel, prior: prior, refinement: 2)
        #expect(finer.nodeCount == 4 * DMFTPopulation(channel: channel, prior: prior).nodeCount)
    }
}
