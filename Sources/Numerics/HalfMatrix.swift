import CVector

/// Rows of numbers in half precision (IEEE 754 binary16: 11 digits of the mantissa, the largest number 65504), for data
/// whose products are bounded by the time of reading them: half the bytes of single precision.
///
/// Arithmetic is in single precision, in an order that depends on the sizes alone: the same bits on every processor.
public struct HalfMatrix: Sendable {
    /// Rows, and numbers in a row.
    public let rows: Int
    public let columns: Int
    /// From row to row: `columns` rounded up to 16, the rest zeros. Rows are rounded up to 8.
    private let stride: Int
    private var bits: [UInt16]
    /// The vector that rows are multiplied with, and the sum of rows.
    private var vector: [Float]
    private var sum: [Float]

    /// Rounds to nearest what `fill` writes, row after row from the first.
    public init(rows: Int, columns: Int, fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
        let stride = (columns + 15) & ~15
        (self.rows, self.columns, self.stride) = (rows, columns, stride)
        vector = Array(repeating: 0, count: stride)
        sum = vector
        bits = Array(repeating: 0, count: ((rows + 7) & ~7) * stride)
        var row = Array(repeating: Float(0), count: stride)
        for i in 0..<rows {
            row.withUnsafeMutableBufferPointer { row in
                fill(UnsafeMutableBufferPointer(rebasing: row[..<columns]))
                bits.withUnsafeMutableBytes { bits in
                    for j in Swift.stride(from: 0, to: stride, by: 16) {
                        let values = UnsafeRawPointer(row.baseAddress.unsafelyUnwrapped + j)
                            .loadUnaligned(as: SIMD16<Float>.self)
                        bits.storeBytes(
                            of: cvector_f16_from_f32x16(values), toByteOffset: 2 * (i * stride + j),
                            as: SIMD16<UInt16>.self)
                    }
                }
            }
        }
    }

    /// Bytes that a matrix of this size holds.
    public static func bytes(rows: Double, columns: Double) -> Double {
        2 * (rows + 7) * (columns + 15) + 8 * (columns + 15)
    }

    /// Writes row `i` to `target`, which gets `columns` numbers.
    public func copyRow(_ i: Int, to target: UnsafeMutablePointer<Float>) {
        bits.withUnsafeBytes { bits in
            let row = bits.baseAddress.unsafelyUnwrapped + 2 * i * stride
            var j = 0
            while j + 16 <= columns {
                UnsafeMutableRawPointer(target + j).storeBytes(of: sixteen(row, 2 * j), as: SIMD16<Float>.self)
                j += 16
            }
            if j < columns {
                let rest = sixteen(row, 2 * j)
                for lane in 0..<columns - j { target[j + lane] = rest[lane] }
            }
        }
    }

    /// All rows in single precision, one after the other.
    public func unpacked() -> [Float] {
        Array(unsafeUninitializedCapacity: rows * columns) { buffer, count in
            if let target = buffer.baseAddress { for i in 0..<rows { copyRow(i, to: target + i * columns) } }
            count = rows * columns
        }
    }

    /// Multiplies with the matrix and its transpose while each row is read from memory once: `A x` in blocks of eight rows,
    /// then `result = A^T g` with the g that `respond` makes of each block's products.
    ///
    /// - Parameters:
    ///   - x: `columns` numbers.
    ///   - result: gets `columns` numbers.
    ///   - respond: called with each block of rows, in order, and their products; returns their g. Lanes beyond the last row
    ///     mean nothing.
    public mutating func pass(
        _ x: UnsafePointer<Float>, result: UnsafeMutablePointer<Float>,
        respond: (Range<Int>, SIMD8<Float>) -> SIMD8<Float>
    ) {
        for j in 0..<columns {
            vector[j] = x[j]
            sum[j] = 0
        }
        let (rows, rowBytes) = (rows, 2 * stride)
        bits.withUnsafeBytes { bits in
            vector.withUnsafeBytes { vector in
                sum.withUnsafeMutableBytes { sum in
                    let v = vector.baseAddress.unsafelyUnwrapped
                    for first in Swift.stride(from: 0, to: rows, by: 8) {
                        let block = bits.baseAddress.unsafelyUnwrapped + first * rowBytes
                        let count = min(8, rows - first)
                        var weights = respond(first..<first + count, Self.dotProducts(block, rowBytes, v))
                        for i in count..<8 { weights[i] = 0 }
                        Self.add(block, rowBytes, weights, to: sum.baseAddress.unsafelyUnwrapped)
                    }
                }
            }
        }
        for j in 0..<columns { result[j] = sum[j] }
    }

    /// The products of eight rows with `v`, four at a time: as many sums as there are registers for.
    @inline(__always)
    private static func dotProducts(_ block: UnsafeRawPointer, _ rowBytes: Int, _ v: UnsafeRawPointer) -> SIMD8<Float> {
        var products = SIMD8<Float>()
        for half in 0..<2 {
            let row0 = block + 4 * half * rowBytes
            let (row1, row2, row3) = (row0 + rowBytes, row0 + 2 * rowBytes, row0 + 3 * rowBytes)
            var (s0, s1, s2, s3) = (SIMD16<Float>(), SIMD16<Float>(), SIMD16<Float>(), SIMD16<Float>())
            var offset = 0
            while offset < rowBytes {
                let x = (v + 2 &* offset).loadUnaligned(as: SIMD16<Float>.self)
                s0 = cvector_fma_f32x16(x, sixteen(row0, offset), s0)
                s1 = cvector_fma_f32x16(x, sixteen(row1, offset), s1)
                s2 = cvector_fma_f32x16(x, sixteen(row2, offset), s2)
                s3 = cvector_fma_f32x16(x, sixteen(row3, offset), s3)
                offset &+= 32
            }
            products[4 * half] = s0.sum()
            products[4 * half + 1] = s1.sum()
            products[4 * half + 2] = s2.sum()
            products[4 * half + 3] = s3.sum()
        }
        return products
    }

    /// Adds eight rows times `weights` to `sum`; the block is in the cache from ``dotProducts(_:_:_:)``.
    @inline(__always)
    private static func add(
        _ block: UnsafeRawPointer, _ rowBytes: Int, _ weights: SIMD8<Float>, to sum: UnsafeMutableRawPointer
    ) {
        let (w0, w1) = (SIMD16<Float>(repeating: weights[0]), SIMD16<Float>(repeating: weights[1]))
        let (w2, w3) = (SIMD16<Float>(repeating: weights[2]), SIMD16<Float>(repeating: weights[3]))
        let (w4, w5) = (SIMD16<Float>(repeating: weights[4]), SIMD16<Float>(repeating: weights[5]))
        let (w6, w7) = (SIMD16<Float>(repeating: weights[6]), SIMD16<Float>(repeating: weights[7]))
        var offset = 0
        while offset < rowBytes {
            let place = sum + 2 &* offset
            var s = UnsafeRawPointer(place).loadUnaligned(as: SIMD16<Float>.self)
            s = cvector_fma_f32x16(w0, sixteen(block, offset), s)
            s = cvector_fma_f32x16(w1, sixteen(block + rowBytes, offset), s)
            s = cvector_fma_f32x16(w2, sixteen(block + 2 &* rowBytes, offset), s)
            s = cvector_fma_f32x16(w3, sixteen(block + 3 &* rowBytes, offset), s)
            s = cvector_fma_f32x16(w4, sixteen(block + 4 &* rowBytes, offset), s)
            s = cvector_fma_f32x16(w5, sixteen(block + 5 &* rowBytes, offset), s)
            s = cvector_fma_f32x16(w6, sixteen(block + 6 &* rowBytes, offset), s)
            s = cvector_fma_f32x16(w7, sixteen(block + 7 &* rowBytes, offset), s)
            place.storeBytes(of: s, as: SIMD16<Float>.self)
            offset &+= 32
        }
    }
}

@inline(__always)
private func sixteen(_ base: UnsafeRawPointer, _ offset: Int) -> SIMD16<Float> {
    cvector_f32_from_f16x16((base + offset).loadUnaligned(as: SIMD16<UInt16>.self))
}
