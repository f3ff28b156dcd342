/// CRC-32 as in zlib, gzip and PNG: what every language can check a result file with.
package enum CRC32 {
    /// The usual table, and seven more that carry it on by a byte each, so that eight bytes are taken at once.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            tables[byte] = (0..<8).reduce(UInt32(byte)) { value, _ in (value >> 1) ^ (value & 1 == 1 ? 0xEDB8_8320 : 0)
            }
        }
        for index in 256..<(8 * 256) {
            let before = tables[index - 256]
            tables[index] = (before >> 8) ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()

    /// The checksum of `bytes`, or of what `before` is the checksum of followed by them.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, before: UInt32 = 0) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var sum = ~before
            var at = 0
            while at &+ 8 <= bytes.count {
                let word = bytes.loadLittle(UInt64.self, at: at) ^ UInt64(sum)
                sum = 0
                for byte in 0..<8 {
                    sum ^= tables[(7 &- byte) &* 256 &+ Int(truncatingIfNeeded: word >> UInt64(8 &* byte) & 0xFF)]
                }
                at &+= 8
            }
            while at < bytes.count {
                sum = (sum >> 8) ^ tables[Int((sum ^ UInt32(bytes[at])) & 0xFF)]
                at &+= 1
            }
            return ~sum
        }
    }
}
