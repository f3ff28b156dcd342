import Dynamics
import Numerics
import Randomness
import Testing

private func stream(_ number: UInt64) -> RandomStream {
    RandomStream(identity: TaskIdentity(high: 0x444D_4654, low: number))
}

@Suite("DMFT: normals, probes, gradients' basis") struct DMFTPartsTests {
    @Test(
        "matched normals are orthonormal over the sample, with the constant",
        arguments: [(MixedHistory.Precision.double, 1e-13), (.single, 2e-8)])
    func normals(precision: MixedHistory.Precision, tolerance: Double) {
        var normals = MatchedNormals(tiles: 12, rowLength: 128, precision: precision, random: stream(1))
        normals.draw(columns: 70)
        let rows = 12 * 128
        func column(_ c: Int) -> [Double] {
            (0..<12).flatMap { tile in
                var values = Array(repeating: 0.0, count: 128)
                normals.history.read(c, tile: tile, into: &values)
                return values
            }
        }
        let columns = (0..<96).map(column)
        #expect(columns[0].allSatisfy { abs($0 - 1) < 1e-7 })
        for a in 0..<96 {
            for b in 0...a {
                var sum = 0.0
                for i in 0..<rows { sum += columns[a][i] * columns[b][i] }
                // Rounding to single precision is independent from row to row.
                #expect(abs(sum / Double(rows) - (a == b ? 1 : 0)) < tolerance, "\(a), \(b)")
            }
        }
        // Still normals: the fourth moment of all is 3 within 5 standard errors of the sample.
        let fourth = columns[1...].joined().reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(95 * rows)
        #expect(abs(fourth - 3) < 5 * (96 / Double(95 * rows)).squareRoot())
    }

    @Test("tangents of 8 bits: rounded at random, right on average even where all copies are alike")
    func roundedTangents() {
        let (tiles, length) = (400, 128)
        let rows = Double(tiles * length)
        var history = TileHistory<BFloat16>(tiles: tiles, rowLength: length, salt: 7)
        history.reserve(columns: 66)
        var random = stream(4)
        let scales = (0..<66).map { _ in 1e-3 + random.uniform() }
        var values = Array(repeating: 0.0, count: length)
        for tile in 0..<tiles {
            for c in 0..<66 {
                // Even columns are the same number for all copies, odd ones any.
                for x in 0..<length { values[x] = c % 2 == 0 ? scales[c] : scales[c] * random.normal() }
                history.set(c, tile: tile, to: values)
                var kept = Array(repeating: 0.0, count: length)
                history.read(c, tile: tile, into: &kept)
                #expect(zip(values, kept).allSatisfy { abs($0 - $1) <= abs($0) / 128 })
            }
        }
        for c in stride(from: 0, to: 66, by: 2) {
            var (sum, deviation) = (0.0, 0.0)
            for tile in 0..<tiles {
                history.read(c, tile: tile, into: &values)
                for value in values {
                    sum += value - scales[c]
                    deviation += (value - scales[c]) * (value - scales[c])
                }
            }
            // Nearest rounding would leave up to 4e-3 of the value, 30 times the bound.
            #expect(abs(sum) < 4.5 * deviation.squareRoot() + 1e-7 * rows, "column \(c)")
            #expect(abs(sum) / rows < 2e-4 * scales[c], "column \(c)")
        }
    }

    @Test("histories: combinations and products in every precision", arguments: [1, 2, 3]) func histories(rows: Int) {
        func check<Element: TileElement>(_: Element.Type, _ tolerance: Double) {
            let (tiles, length, columns) = (3, 128, 150)
            var history = TileHistory<Element>(tiles: tiles, rowLength: length, salt: 1)
            history.reserve(columns: columns)
            var random = stream(5)
            var kept = Array(repeating: Array(repeating: 0.0, count: length), count: columns)
            for tile in 0..<tiles {
                for c in 0..<columns {
                    history.set(c, tile: tile, to: (0..<length).map { _ in random.normal() })
                    history.read(c, tile: tile, into: &kept[c])
                }
                for count in [1, 2, 63, 64, 65, 150] {
                    let coefficients = (0..<rows * columns).map { _ in random.normal() }
                    let start = (0..<rows * length).map { _ in random.normal() }
                    var out = start
                    history.addCombination(
                        rows: rows, columns: count, coefficients, leading: columns, tile: tile, to: &out)
                    let x = Array(start[0..<length])
                    var sums = Array(repeating: Lanes(repeating: 0.25), count: count)
                    history.addProducts(columns: count, x, tile: tile, to: &sums)
                    for i in 0..<rows {
                        for at in 0..<length {
                            let sum = (0..<count).reduce(start[i * length + at]) {
                                $0 + coefficients[i * columns + $1] * kept[$1][at]
                            }
                            #expect(abs(out[i * length + at] - sum) < tolerance * Double(count).squareRoot())
                        }
                    }
                    for c in 0..<count {
                        #expect(
                            abs(sums[c].sum() - 2 - zip(x, kept[c]).reduce(0) { $0 + $1.0 * $1.1 }) < 30 * tolerance)
                    }
                }
            }
        }
        check(Double.self, 1e-13)
        check(Float.self, 3e-6)
        check(BFloat16.self, 3e-6)
    }

    @Test("probes: orthogonal in a generation, products by the transform equal direct sums") func probes() {
        let (copies, width) = (512, 64)
        var probes = SignProbes(copies: copies, tileWidth: width, random: stream(2))
        #expect(probes.order == 256)
        probes.draw(columns: 600)
        #expect(probes.generations == 3)
        func column(_ c: Int) -> [Double] {
            (0..<copies / width).flatMap { tile in
                var x = Array(repeating: 0.0, count: width)
                probes.add(column: c, tile: tile, to: &x)
                return x
            }
        }
        var random = stream(3)
        let x = (0..<copies).map { _ in random.normal() }
        for generation in 0..<3 {
            var sums = Array(repeating: 0.0, count: probes.order)
            for tile in 0..<copies / width {
                Array(x[tile * width..<(tile + 1) * width]).withUnsafeBufferPointer { part in
                    guard let part = part.baseAddress else { return }
                    probes.accumulate(part, generation: generation, tile: tile, into: &sums)
                }
            }
            probes.transform(&sums)
            for c in [0, 1, 2, 77, 255] {
                let signs = column(generation * 256 + c)
                #expect(signs.allSatisfy { abs($0) == 1 })
                let direct = zip(signs, x).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(sums[probes.place(of: generation * 256 + c).row] - direct) < 1e-10)
            }
        }
        for (a, b) in [(0, 1), (3, 250), (256, 300)] {
            #expect(zip(column(a), column(b)).reduce(0) { $0 + $1.0 * $1.1 } == 0, "\(a), \(b)")
        }
        // Different generations are independent: not orthogonal, but of the size of a random sum.
        let mixed = zip(column(0), column(300)).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(mixed) < 6 * Double(copies).squareRoot())
    }

    /// Columns that become more and more alike, as the gradients of full-batch descent do.
    @Test("the factor of a covariance that is singular to rounding") func basis() {
        let (rows, count) = (400, 60)
        var random = stream(4)
        let (a, b) = ((0..<rows).map { _ in random.normal() }, (0..<rows).map { _ in random.uniform() })
        var columns: [[Double]] = []
        for t in 0..<count {
            let rate = 0.05 * Double(t)
            columns.append((0..<rows).map { a[$0] / (1 + rate * b[$0] * b[$0]) })
        }
        func product(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
        var basis = GradientBasis(capacity: count, tolerance: 1e-13)
        var kept: [[Double]] = []
        for g in columns {
            let variance = product(g, g)
            func less(_ x: [Double], _ combination: [Double]) -> [Double] {
                var rest = x
                for (coefficient, vector) in zip(combination, kept) {
                    for i in 0..<rows { rest[i] -= coefficient * vector[i] }
                }
                return rest
            }
            switch basis.append(covariances: kept.map { product(g, $0) }, variance: variance) {
            case .dropped: break
            case .whole: kept.append(g)
            case .residual(let combination):
                var residual = less(g, combination)
                residual = less(residual, basis.correct(covariances: kept.map { product(residual, $0) }))
                basis.setPivot(product(residual, residual))
                kept.append(residual)
            }
        }
        #expect(basis.size < 30, "\(basis.size) of \(count) columns are kept")
        for t in 0..<count {
            let row = (0..<basis.size).map { basis.coordinates[t * basis.leading + $0] }
            let size = product(columns[t], columns[t]).squareRoot()
            for i in 0..<rows {
                var value = 0.0
                for (coefficient, vector) in zip(row, kept) { value += coefficient * vector[i] }
                #expect(abs(value - columns[t][i]) < 2e-6 * size)
            }
            for s in 0...t {
                var covariance = 0.0
                for c in 0..<basis.size {
                    covariance += basis.factor[t * basis.leading + c] * basis.factor[s * basis.leading + c]
                }
                // The root of the tolerance times what a later column has of a dropped one's residual.
                let other = product(columns[s], columns[s]).squareRoot()
                #expect(abs(covariance - product(columns[t], columns[s])) < 1e-9 * size * other)
            }
        }
    }
}
