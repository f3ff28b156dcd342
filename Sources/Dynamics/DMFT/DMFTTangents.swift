import Numerics
import Persistence
import Randomness

/// The tangents of the effective process: how gradients respond to fields added to the fields at earlier steps ((21)
/// to (23) of docs/models/dmft-gradient-dynamics.md), by probes or exactly.
///
/// D_t = -eta sum_{s<t} R_ts dg_s, dg_t = w_t J_t[D_t + h_t], with h the probes' signs, or one unit field at a time.
///
/// Of the probes' estimate of Gamma_ts only those products are taken whose mean is not 0: the part J_t[r_t] with r_t itself, J_t[D_t]
/// with the signs of earlier steps. What is left out is noise, and most of it.
struct DMFTTangents: Sendable, Resumable {
    private let tiles: Int
    private let tokens: Int
    private let students: Int
    /// Independent probes, each with a tangent of its own.
    private var probes: [SignProbes]
    /// dg of each probe, or exactly of each step, token and student column.
    private var histories: [MixedHistory] = []
    private let precision: MixedHistory.Precision
    /// What the rounding of the tangents is drawn from.
    private let salt: UInt32

    /// Tangents are kept in `precision`.
    init(
        _ mode: DMFTSettings.Tangents, precision: MixedHistory.Precision, copies: Int, tiles: Int, tokens: Int,
        students: Int,
        random: RandomStream
    ) {
        self.tiles = tiles
        self.tokens = tokens
        self.students = students
        self.precision = precision
        var own = random.substream(15)
        salt = UInt32(own.uniform() * 0x1p32)
        if case .probes(let count) = mode {
            probes = (0..<max(count, 1)).map {
                SignProbes(
                    copies: copies, tileWidth: DMFTSettings.tileWidth, random: random.substream(16 + UInt32($0)))
            }
        } else {
            probes = []
        }
    }

    private var length: Int { tokens * DMFTSettings.tileWidth }

    /// Directions that are evaluated at time `time`: those of D_t and of the field.
    func directions(time: Int) -> Int { probes.isEmpty ? (time + 1) * tokens * students : 2 * probes.count }

    /// Places of `size` numbers for ``load(responses:time:tile:into:size:)``, from the first direction on.
    func places(time: Int) -> Int { probes.isEmpty ? directions(time: time) : 3 * probes.count }

    /// Numbers that ``store(_:time:tile:size:sums:)`` adds to.
    var sumCount: Int {
        probes.isEmpty ? histories.count * students : probes.count * probeSums + students * students
    }

    /// Those of one probe.
    private var probeSums: Int { (probes.first.map { $0.generations * $0.order } ?? 0) * tokens * students }

    private func emptyHistory(_ index: Int) -> MixedHistory {
        MixedHistory(
            precision, tiles: tiles, rowLength: length,
            salt: salt &+ UInt32(truncatingIfNeeded: index) &* 0x9e37_79b9)
    }

    /// Makes room for time `time`.
    mutating func prepare(time: Int) {
        let count = probes.isEmpty ? directions(time: time) : probes.count
        while histories.count < count { histories.append(emptyHistory(histories.count)) }
        for m in histories.indices {
            let first = probes.isEmpty ? m / (tokens * students) : 0
            histories[m].reserve(columns: (time + 1 - first) * students)
        }
        for p in probes.indices { probes[p].draw(columns: (time + 1) * tokens * students) }
    }

    /// Asks for what the tile after `tile` needs and the processor does not foresee.
    @inline(__always)
    func expect(time: Int, after tile: Int) {
        for p in probes.indices {
            histories[p].expect(columns: time * students..<(time + 1) * students, after: tile)
            probes[p].expect(after: tile)
        }
    }

    /// Writes D_t + h_t of every direction to `out`, `size` = k rows of L x 64 numbers each; of probes D_t and h_t of
    /// each, then each h_t again for ``store(_:time:tile:size:sums:)``. `responses` is -eta R_t, k x (t k).
    @inline(__always)
    func load(
        responses: UnsafePointer<Double>, time: Int, tile: Int, into out: UnsafeMutablePointer<Double>, size: Int
    ) {
        let width = DMFTSettings.tileWidth
        let past = time * students
        out.update(repeating: 0, count: places(time: time) * size)
        guard probes.isEmpty else {
            for p in probes.indices {
                let field = out + (2 * p + 1) * size
                histories[p].addCombination(
                    rows: students, columns: past, responses, leading: past, tile: tile, to: out + 2 * p * size)
                for l in 0..<tokens {
                    for i in 0..<students {
                        probes[p].add(
                            column: (time * tokens + l) * students + i, tile: tile,
                            to: field + (i * tokens + l) * width)
                    }
                }
                (out + (2 * probes.count + p) * size).update(from: field, count: size)
            }
            return
        }
        for m in 0..<directions(time: time) {
            let (s, l, i) = place(m)
            let v = out + m * size
            histories[m].addCombination(
                rows: students, columns: past - s * students, responses + s * students, leading: past, tile: tile,
                to: v)
            guard s == time else { continue }
            let field = v + (i * tokens + l) * width
            for x in 0..<width { field[x] += 1 }
        }
    }

    /// Keeps dg_t of every direction, and adds to the sums that make the row of Gamma; uses `values` up.
    @inline(__always)
    func store(
        _ values: UnsafeMutablePointer<Double>, time: Int, tile: Int, size: Int, sums: UnsafeMutablePointer<Double>
    ) {
        let width = DMFTSettings.tileWidth
        guard probes.isEmpty else {
            let own = sums + probes.count * probeSums
            for p in probes.indices {
                let field = values + (2 * probes.count + p) * size
                for i in 0..<students {
                    let row = values + 2 * p * size + i * length
                    let direct = row + size
                    for j in 0..<students {
                        own[i * students + j] += BLAS.dot(length, direct, field + j * length)
                    }
                    for generation in 0..<probes[p].generations {
                        for l in 0..<tokens {
                            let part = (generation * tokens + l) * students + i
                            probes[p].accumulate(
                                row + l * width, generation: generation, tile: tile,
                                into: sums + p * probeSums + part * probes[p].order)
                        }
                    }
                    for b in 0..<length / 8 { Numerics.store(lanes(row, b) + lanes(direct, b), direct, b) }
                    histories[p].set(time * students + i, tile: tile, to: direct)
                }
            }
            return
        }
        for m in 0..<directions(time: time) {
            let (s, l, _) = place(m)
            for i in 0..<students {
                let row = values + m * size + i * length
                histories[m].set((time - s) * students + i, tile: tile, to: row)
                var total = Lanes.zero
                for b in 0..<width / 8 { total += lanes(row + l * width, b) }
                sums[m * students + i] += total.sum()
            }
        }
    }

    /// Makes the row of Gamma at `time` out of the sums (which it uses up); `factor` is alpha over the number of copies.
    func reduce(_ kernels: inout DMFTKernels, factor: Double, time: Int, sums: inout [Double]) {
        let (k, n) = (students, kernels.stride)
        guard let order = probes.first?.order else {
            for m in 0..<directions(time: time) {
                let (s, _, j) = place(m)
                for i in 0..<k { kernels.Gamma[(time * k + i) * n + s * k + j] += factor * sums[m * k + i] }
            }
            return
        }
        let factor = factor / Double(probes.count)
        sums.withUnsafeMutableBufferPointer { sums in
            guard let sums = sums.baseAddress else { return }
            for part in 0..<probes.count * probeSums / order { probes[0].transform(sums + part * order) }
        }
        let own = probes.count * probeSums
        for i in 0..<k {
            for j in 0..<k { kernels.Gamma[(time * k + i) * n + time * k + j] = factor * sums[own + i * k + j] }
        }
        for p in probes.indices {
            for s in 0..<time {
                for l in 0..<tokens {
                    for j in 0..<k {
                        let (generation, row) = probes[p].place(of: (s * tokens + l) * k + j)
                        for i in 0..<k {
                            let part = (generation * tokens + l) * k + i
                            kernels.Gamma[(time * k + i) * n + s * k + j] +=
                                factor * sums[p * probeSums + part * order + row]
                        }
                    }
                }
            }
        }
    }

    /// The step, token and student column of an exact direction.
    private func place(_ m: Int) -> (step: Int, token: Int, student: Int) {
        (m / (tokens * students), m / students % tokens, m % students)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        for p in probes.indices { try archive.exchange(&probes[p]) }
        var count = histories.count
        try archive.exchange(&count, in: 0...1 << 24)
        if archive.isRestoring {
            histories = (0..<count).map(emptyHistory)
        }
        for m in histories.indices { try archive.exchange(&histories[m]) }
    }
}
