/// BLAKE2b (RFC 7693), unkeyed, with a digest of 1 to 64 bytes. It names tasks: fast on 64-bit machines (one
/// compression for a usual task), with published test vectors, and no collision will ever be met by chance.
public enum Blake2b {
    private static let initialRows = SIMD8<UInt64>(
        0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179)

    private static let permutations: [UInt8] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
        11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4,
        7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
        9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13,
        2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
        12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11,
        13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
        6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5,
        10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
    ]

    /// The digest of `message`. `length` is clamped by the type's contract: 1...64, else the result is empty.
    public static func digest(_ message: [UInt8], length: Int) -> [UInt8] {
        guard (1...64).contains(length) else { return [] }
        let state = message.withUnsafeBytes { hash($0, length: length) }
        return (0..<length).map { UInt8(truncatingIfNeeded: state[$0 / 8] >> (8 * UInt64($0 % 8))) }
    }

    /// The first two little-endian words of the 16-byte digest.
    static func digest128(_ message: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        let state = hash(message, length: 16)
        return (state[0], state[1])
    }

    private static func hash(_ message: UnsafeRawBufferPointer, length: Int) -> SIMD8<UInt64> {
        var state = initialRows
        state[0] ^= 0x0101_0000 ^ UInt64(length)
        var offset = 0
        while message.count - offset > 128 {
            compress(&state, message, offset, bytes: 128, total: UInt64(offset + 128), isLast: false)
            offset += 128
        }
        compress(&state, message, offset, bytes: message.count - offset, total: UInt64(message.count), isLast: true)
        return state
    }

    private static func compress(
        _ state: inout SIMD8<UInt64>, _ message: UnsafeRawBufferPointer, _ offset: Int, bytes: Int, total: UInt64,
        isLast: Bool
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 16) { m in
            if bytes == 128 {
                for i in 0..<16 {
                    m[i] = UInt64(littleEndian: message.loadUnaligned(fromByteOffset: offset + 8 * i, as: UInt64.self))
                }
            } else {
                m.initialize(repeating: 0)
                for i in 0..<bytes { m[i / 8] |= UInt64(message[offset + i]) << (8 * UInt64(i % 8)) }
            }
            var rows = Rows(a: state.lowHalf, b: state.highHalf, c: initialRows.lowHalf, d: initialRows.highHalf)
            rows.d[0] ^= total
            if isLast { rows.d[2] = ~rows.d[2] }
            permutations.withUnsafeBufferPointer { sigma in
                for round in 0..<12 {
                    let base = 16 &* round
                    func words(_ i: Int) -> SIMD4<UInt64> {
                        SIMD4(
                            m[Int(sigma[base &+ i])], m[Int(sigma[base &+ i &+ 2])], m[Int(sigma[base &+ i &+ 4])],
                            m[Int(sigma[base &+ i &+ 6])])
                    }
                    rows.mix(words(0), words(1))
                    rows.turn()
                    rows.mix(words(8), words(9))
                    rows.turnBack()
                }
            }
            state ^= SIMD8(lowHalf: rows.a ^ rows.c, highHalf: rows.b ^ rows.d)
        }
    }
}

/// The rows of the 4 x 4 state: a column, and a diagonal once the rows are turned, is a lane.
private struct Rows {
    var a: SIMD4<UInt64>
    var b: SIMD4<UInt64>
    var c: SIMD4<UInt64>
    var d: SIMD4<UInt64>

    @inline(__always)
    mutating func mix(_ x: SIMD4<UInt64>, _ y: SIMD4<UInt64>) {
        a = a &+ b &+ x
        d = Self.rotate(d ^ a, 32)
        c = c &+ d
        b = Self.rotate(b ^ c, 24)
        a = a &+ b &+ y
        d = Self.rotate(d ^ a, 16)
        c = c &+ d
        b = Self.rotate(b ^ c, 63)
    }

    @inline(__always)
    mutating func turn() {
        b = SIMD4(b[1], b[2], b[3], b[0])
        c = SIMD4(c[2], c[3], c[0], c[1])
        d = SIMD4(d[3], d[0], d[1], d[2])
    }

    @inline(__always)
    mutating func turnBack() {
        b = SIMD4(b[3], b[0], b[1], b[2])
        c = SIMD4(c[2], c[3], c[0], c[1])
        d = SIMD4(d[1], d[2], d[3], d[0])
    }

    @inline(__always)
    private static func rotate(_ x: SIMD4<UInt64>, _ n: UInt64) -> SIMD4<UInt64> { x &>> n | x &<< (64 &- n) }
}
