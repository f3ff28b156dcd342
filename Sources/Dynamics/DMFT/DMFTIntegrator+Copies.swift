import Numerics

// The copies of the effective process: what one step does to each of them.
extension DMFTIntegrator {
    /// Evaluates some tiles of copies at the present time: fields, gradients, tangents, and the sums that kernels are
    /// made of.
    func evaluate(_ range: Range<Int>, loss wantsLoss: Bool, into sums: inout StepSums) {
        let (L, k) = (channel.tokens, channel.students)
        let width = DMFTSettings.tileWidth
        let length = L * width
        let size = k * length
        let (directions, places) = (tangents.directions(time: time), tangents.places(time: time))
        let isWhole = settings.batches == .full
        withUnsafeTemporaryAllocation(of: Double.self, capacity: size * (2 + places) + width) { scratch in
            coefficients.withPointers { c in
                sums.withPointers { sums in
                    guard let fields = scratch.baseAddress else { return }
                    let gradient = fields + size
                    let directionsAt = gradient + size
                    let loss = directionsAt + places * size
                    for tile in range {
                        expect(after: tile)
                        formFields(c, tile: tile, into: fields)
                        tangents.load(
                            responses: c.responses, time: time, tile: tile, into: directionsAt, size: size)
                        channel.evaluate(
                            FieldBatch(
                                blocks: width / 8, tokenStride: width, studentStride: length, fields: fields,
                                targets: targets.column(0, tile: tile), targetStride: width, gradient: gradient,
                                loss: wantsLoss ? loss : nil, tangents: directionsAt, tangentCount: directions,
                                tangentStride: size))
                        if !isWhole {
                            weights.withUnsafeBufferPointer { weights in
                                guard let weights = weights.baseAddress else { return }
                                scale(gradient, weights + tile * width, rows: k * L)
                                scale(directionsAt, weights + tile * width, rows: directions * k * L)
                            }
                        }
                        tangents.store(directionsAt, time: time, tile: tile, size: size, sums: sums.tangents)
                        collect(gradient, fields: fields, tile: tile, into: sums)
                        guard wantsLoss else {
                            sums.loss[0] = .nan
                            continue
                        }
                        var total = Lanes.zero
                        for b in 0..<width / 8 { total += lanes(loss, b) }
                        sums.loss[0] += total.sum()
                    }
                }
            }
        }
    }

    /// Asks for the single columns of many arrays that the tile after `tile` needs: each would be waited for.
    @inline(__always)
    private func expect(after tile: Int) {
        let first = 1 + channel.noiseCount + channel.teachers
        teacherFields.expect(columns: 0..<channel.teachers, after: tile)
        normals.history.expect(columns: first..<startColumns, after: tile)
        targets.expect(columns: 0..<channel.targetWidth, after: tile)
        present.expect(columns: 0..<channel.students, after: tile)
        tangents.expect(time: time, after: tile)
    }

    /// Z_t of one tile, k rows of L x 64 numbers.
    @inline(__always)
    private func formFields(
        _ c: StepCoefficients.Pointers, tile: Int, into fields: UnsafeMutablePointer<Double>
    ) {
        let (L, k, a) = (channel.tokens, channel.students, channel.teachers)
        let width = DMFTSettings.tileWidth
        let length = L * width
        let members = basis.size
        fields.update(repeating: 0, count: k * length)
        for i in 0..<k {
            let row = fields + i * length
            for j in 0..<k {
                normals.history.add(
                    c.start[i * k + j], 1 + channel.noiseCount + a + j, tile: tile, to: row)
            }
            for j in 0..<a { teacherFields.add(c.teacher[i * a + j], j, tile: tile, to: row) }
            guard prior.positions != nil else { continue }
            for l in 0..<L {
                let mean = prior.studentMean(c.overlap, token: l, student: i)
                for x in l * width..<(l + 1) * width { row[x] += mean }
            }
        }
        gradients.addCombination(
            rows: k, columns: members, c.gradients, leading: max(members, 1), tile: tile, to: fields)
        addNoise(c.noise, members: members, tile: tile, to: fields)
    }

    /// Keeps the gradients of one tile, and adds to the sums that make mu and the row of Cg.
    @inline(__always)
    private func collect(
        _ gradient: UnsafePointer<Double>, fields: UnsafePointer<Double>, tile: Int, into sums: StepSums.Pointers
    ) {
        let (L, k, a) = (channel.tokens, channel.students, channel.teachers)
        let width = DMFTSettings.tileWidth
        let length = L * width
        let members = basis.size
        for i in 0..<k {
            let g = gradient + i * length
            present.set(i, tile: tile, to: g)
            gradients.addProducts(columns: members, g, tile: tile, to: sums.members + i * members)
            for j in 0..<k {
                sums.own[i * k + j] += BLAS.dot(length, g, gradient + j * length)
                sums.fields[i * k + j] += BLAS.dot(length, g, fields + j * length)
            }
            for j in 0..<a {
                var sum = BLAS.dot(length, g, teacherFields.column(j, tile: tile))
                for l in 0..<(prior.positions == nil ? 0 : L) {
                    var total = 0.0
                    for x in l * width..<(l + 1) * width { total += g[x] }
                    sum += total * prior.teacherMean(token: l, teacher: j)
                }
                sums.teacher[i * a + j] += sum
            }
        }
    }

    /// The noise's columns begin in the middle of a slab of normals.
    @inline(__always)
    private func addNoise(
        _ coefficients: UnsafePointer<Double>, members: Int, tile: Int, to fields: UnsafeMutablePointer<Double>
    ) {
        normals.history.addCombination(
            rows: channel.students, columns: members == 0 ? 0 : startColumns + members, coefficients,
            leading: startColumns + members, tile: tile, to: fields)
    }

    /// x[row, copy] *= weights[copy].
    private func scale(_ x: UnsafeMutablePointer<Double>, _ weights: UnsafePointer<Double>, rows: Int) {
        for row in 0..<rows {
            let at = x + row * DMFTSettings.tileWidth
            for b in 0..<DMFTSettings.tileWidth / 8 { Numerics.store(lanes(at, b) * lanes(weights, b), at, b) }
        }
    }
}
