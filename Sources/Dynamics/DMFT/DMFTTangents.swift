import Numerics

/// The tangents of the effective process: how gradients respond to fields added to the fields at earlier steps (sheet
/// `dmft-gradient-dynamics`, equation (5) and section 4.6), by probes or exactly.
///
/// D_t = -eta sum_{s<t} R_ts dg_s, dg_t = w_t J_t[D_t + h_t], with h the probes' signs, or one unit field at a time.
///
/// Of the probes' estimate of Gamma_ts only those products are taken whose mean is not 0: the part J_t[r_t] with r_t itself, J_t[D_t]
/// with the signs of earlier steps. What is left out is noise, and most of it.
struct DMFTTangents: Sendable, Resumable {
    private let mode: DMFTSettings.Tangents
    private let tiles: Int
    private let tokens: Int
    private let students: Int
    private var probes: SignProbes
    /// dg of each direction; probes have one, exact tangents one for each step, token and student column.
    private var histories: [TileHistory<Float>] = []

    init(
        _ mode: DMFTSettings.Tangents, copies: Int, tiles: Int, tokens: Int, students: Int, random: RandomStream
    ) {
        self.mode = mode
        self.tiles = tiles
        self.tokens = tokens
        self.students = students
        probes = SignProbes(copies: copies, tileWidth: DMFTSettings.tileWidth, random: random)
    }

    private var length: Int { tokens * DMFTSettings.tileWidth }

    /// Directions that are evaluated at time `time`: those of D_t and of the field.
    func directions(time: Int) -> Int { mode == .probes ? 2 : (time + 1) * tokens * students }

    /// Places of `size` numbers for ``load(responses:time:tile:into:size:)``, from the first direction on.
    func places(time: Int) -> Int { mode == .probes ? 3 : directions(time: time) }

    /// Numbers that ``store(_:time:tile:size:sums:)`` adds to.
    var sumCount: Int {
        mode == .probes
            ? probes.generations * tokens * students * probes.order + students * students : histories.count * students
    }

    /// Makes room for time `time`.
    mutating func prepare(time: Int) {
        switch mode {
        case .probes:
            if histories.isEmpty { histories.append(TileHistory<Float>(tiles: tiles, rowLength: length)) }
            histories[0].reserve(columns: (time + 1) * students)
            probes.draw(columns: (time + 1) * tokens * students)
        case .exact:
            while histories.count < directions(time: time) {
                histories.append(TileHistory<Float>(tiles: tiles, rowLength: length))
            }
            for m in histories.indices {
                histories[m].reserve(columns: (time + 1 - m / (tokens * students)) * students)
            }
        }
    }

    /// Asks for what the tile after `tile` needs and the processor does not foresee.
    @inline(__always)
    func expect(time: Int, after tile: Int) {
        guard mode == .probes else { return }
        histories[0].expect(columns: time * students..<(time + 1) * students, after: tile)
        probes.expect(after: tile)
    }

    /// Writes D_t + h_t of every direction to `out`, `size` = k rows of L x 64 numbers each; of probes D_t, h_t, and h_t again
    /// for ``store(_:time:tile:size:sums:)``. `responses` is -eta R_t, k x (t k).
    @inline(__always)
    func load(
        responses: UnsafePointer<Double>, time: Int, tile: Int, into out: UnsafeMutablePointer<Double>, size: Int
    ) {
        let width = DMFTSettings.tileWidth
        let past = time * students
        out.update(repeating: 0, count: places(time: time) * size)
        switch mode {
        case .probes:
            histories[0].addCombination(
                rows: students, columns: past, responses, leading: past, tile: tile, to: out)
            for l in 0..<tokens {
                for i in 0..<students {
                    probes.add(
                        column: (time * tokens + l) * students + i, tile: tile,
                        to: out + size + (i * tokens + l) * width)
                }
            }
            (out + 2 * size).update(from: out + size, count: size)
        case .exact:
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
    }

    /// Keeps dg_t of every direction, and adds to the sums that make the row of Gamma.
    @inline(__always)
    func store(
        _ values: UnsafePointer<Double>, time: Int, tile: Int, size: Int, sums: UnsafeMutablePointer<Double>
    ) {
        let width = DMFTSettings.tileWidth
        switch mode {
        case .probes:
            let own = sums + probes.generations * tokens * students * probes.order
            for i in 0..<students {
                let row = values + i * length
                let direct = row + size
                let kept = histories[0].column(time * students + i, tile: tile)
                for b in 0..<length / 8 { Float.store(lanes(row, b) + lanes(direct, b), kept, b) }
                for j in 0..<students {
                    own[i * students + j] += BLAS.dot(length, direct, values + 2 * size + j * length)
                }
                for generation in 0..<probes.generations {
                    for l in 0..<tokens {
                        probes.accumulate(
                            row + l * width, generation: generation, tile: tile,
                            into: sums + ((generation * tokens + l) * students + i) * probes.order)
                    }
                }
            }
        case .exact:
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
    }

    /// Makes the row of Gamma at `time` out of the sums (which it uses up); `factor` is alpha over the number of copies.
    func reduce(_ kernels: inout DMFTKernels, factor: Double, time: Int, sums: inout [Double]) {
        let (k, n) = (students, kernels.stride)
        switch mode {
        case .probes:
            let order = probes.order
            sums.withUnsafeMutableBufferPointer { sums in
                guard let sums = sums.baseAddress else { return }
                for part in 0..<probes.generations * tokens * k { probes.transform(sums + part * order) }
            }
            let own = probes.generations * tokens * k * order
            for i in 0..<k {
                for j in 0..<k {
                    kernels.Gamma[(time * k + i) * n + time * k + j] = factor * sums[own + i * k + j]
                }
            }
            for s in 0..<time {
                for l in 0..<tokens {
                    for j in 0..<k {
                        let column = (s * tokens + l) * k + j
                        for i in 0..<k {
                            let part = (column / order * tokens + l) * k + i
                            kernels.Gamma[(time * k + i) * n + s * k + j] +=
                                factor * sums[part * order + column % order]
                        }
                    }
                }
            }
        case .exact:
            for m in 0..<directions(time: time) {
                let (s, _, j) = place(m)
                for i in 0..<k {
                    kernels.Gamma[(time * k + i) * n + s * k + j] += factor * sums[m * k + i]
                }
            }
        }
    }

    /// The step, token and student column of an exact direction.
    private func place(_ m: Int) -> (step: Int, token: Int, student: Int) {
        (m / (tokens * students), m / students % tokens, m % students)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&probes)
        var count = histories.count
        try archive.exchange(&count, in: 0...1 << 24)
        if archive.isRestoring {
            histories = (0..<count).map { _ in TileHistory<Float>(tiles: tiles, rowLength: length) }
        }
        for m in histories.indices { try archive.exchange(&histories[m]) }
    }
}
