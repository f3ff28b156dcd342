import Numerics
import Randomness
import Testing

@Suite struct HalfMatrixTests {
    private func matrix(_ rows: Int, _ columns: Int) -> (HalfMatrix, exact: [Float]) {
        var random = RandomStream(identity: TaskIdentity(high: 0x4A1F, low: UInt64(rows * 1000 + columns)))
        var exact: [Float] = []
        let matrix = HalfMatrix(rows: rows, columns: columns) { row in
            random.fillNormal(row)
            exact += row
        }
        return (matrix, exact)
    }

    /// Each number is the nearest of half precision, whatever the width of a row.
    @Test(arguments: [(1, 1), (3, 15), (8, 16), (9, 17), (20, 100)]) func roundsToNearest(rows: Int, columns: Int) {
        let (matrix, exact) = matrix(rows, columns)
        #expect(matrix.unpacked() == exact.map { Float(Float16($0)) })
        var row = Array(repeating: Float(7), count: columns)
        matrix.copyRow(rows - 1, to: &row)
        #expect(row == exact[((rows - 1) * columns)...].map { Float(Float16($0)) })
    }

    /// Small and large numbers, zero, both signs: all that half precision has, and the ties in between.
    @Test func allNumbersOfHalfPrecision() {
        let finite = (UInt16.min...UInt16.max).map { Float16(bitPattern: $0) }.filter(\.isFinite)
        let columns = finite.count
        let matrix = HalfMatrix(rows: 2, columns: columns) { row in
            for j in 0..<columns { row[j] = Float(finite[j]) }
        }
        #expect(Array(matrix.unpacked()[..<columns]).map(\.bitPattern) == finite.map { Float($0).bitPattern })
        let ties = HalfMatrix(rows: 1, columns: 4) { row in
            for (j, x) in [1 + 0x1p-11, 1 + 0x3p-11, 0x1p-25, -(1 + 0x1.8p-11)].enumerated() { row[j] = Float(x) }
        }
        #expect(ties.unpacked() == [1, 1 + 0x1p-9, 0, -(1 + 0x1p-10)])
    }

    /// Both products against sums in double precision; blocks come in order and each row once.
    @Test(arguments: [(1, 1), (7, 5), (8, 16), (13, 33), (64, 300)]) func passAgainstSums(rows: Int, columns: Int) {
        var (matrix, _) = matrix(rows, columns)
        let a = matrix.unpacked().map { Double($0) }
        var random = RandomStream(identity: TaskIdentity(high: 0x4A20, low: 1))
        let x = (0..<columns).map { _ in Float(random.normal()) }
        var result = Array(repeating: Float.nan, count: columns)
        var (seen, products) = ([Int](), [Double]())
        // g = 2 a x + 1: of the block's own products, so that nothing else can be taken for them.
        matrix.pass(x, result: &result) { rows, block in
            seen += rows
            for i in rows { products.append(Double(block[i - rows.lowerBound])) }
            return 2 * block + 1
        }
        #expect(seen == Array(0..<rows))
        var expected = Array(repeating: 0.0, count: columns)
        for i in 0..<rows {
            let product = (0..<columns).reduce(0) { $0 + a[i * columns + $1] * Double(x[$1]) }
            #expect(abs(products[i] - product) < 2e-6 * Double(columns).squareRoot() * 4)
            for j in 0..<columns { expected[j] += (2 * product + 1) * a[i * columns + j] }
        }
        let scale = expected.map(abs).max() ?? 1
        for j in 0..<columns { #expect(abs(Double(result[j]) - expected[j]) < 4e-6 * scale) }
    }
}
