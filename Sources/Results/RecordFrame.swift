/// The frame around every journal record: magic (4 bytes), body length (4), XXH64 of the body (8), the body padded to 8.
///
/// A reader that meets a bad record looks for the next place where magic, length and checksum agree, so damage never
/// costs more than the records it hits.
enum RecordFrame {
    static let headerSize = 16
    /// "DSR" and a byte outside ASCII, so that text never looks like a record.
    static let magic: UInt32 = 0x9C52_5344

    /// Fills in the frame of `record`, whose body is in place from ``headerSize`` on.
    static func seal(_ record: UnsafeMutableRawBufferPointer, seed: UInt64) {
        let body = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(record)[headerSize...])
        record.storeLittle(magic, at: 0)
        record.storeLittle(UInt32(body.count), at: 4)
        record.storeLittle(XXH64.hash(body, seed: seed), at: 8)
    }

    /// Wraps a body.
    static func encode(_ body: [UInt8], seed: UInt64, into bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: headerSize))
        bytes.append(contentsOf: body)
        bytes.append(contentsOf: repeatElement(0, count: padded(body.count) - body.count))
        bytes.withUnsafeMutableBytes { all in
            seal(UnsafeMutableRawBufferPointer(rebasing: all[start..<(start + headerSize + body.count)]), seed: seed)
        }
    }

    /// The length of the body that the frame at `offset` announces; nil when there is no frame.
    static func bodyLength(of bytes: UnsafeRawBufferPointer, at offset: Int) -> Int? {
        guard offset + headerSize <= bytes.count, bytes.loadLittle(UInt32.self, at: offset) == magic else { return nil }
        return Int(bytes.loadLittle(UInt32.self, at: offset + 4))
    }

    /// The body of the record at `offset`; nil when it is not whole or its checksum does not match `seed`.
    static func body(of bytes: UnsafeRawBufferPointer, at offset: Int, seed: UInt64) -> UnsafeRawBufferPointer? {
        guard let length = bodyLength(of: bytes, at: offset), offset + headerSize + length <= bytes.count else {
            return nil
        }
        let body = UnsafeRawBufferPointer(rebasing: bytes[(offset + headerSize)..<(offset + headerSize + length)])
        return XXH64.hash(body, seed: seed) == bytes.loadLittle(UInt64.self, at: offset + 8) ? body : nil
    }

    static func size(bodyLength: Int) -> Int { headerSize + padded(bodyLength) }
}
