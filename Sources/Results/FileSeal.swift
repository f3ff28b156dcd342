/// The last 32 bytes of a result file: the checksum of all bytes before them. HDF5 readers ignore what follows their
/// data. It is checked before a file is trusted, because the HDF5 library may crash or hang on damaged metadata.
///
/// Layout (little-endian, 8 bytes each): magic, length of the file before the seal, its CRC-32, magic.
enum FileSeal {
    private static let magic: UInt64 = 0x4C41_4553_5357_5944
    private static let size = 32
    private static let piece = 4 << 20

    /// Appends the seal to a finished file.
    static func seal(_ file: DiskFile) throws {
        let length = try file.size()
        let sum = try checksum(file, length: length)
        var trailer: [UInt8] = []
        for word in [magic, UInt64(length), UInt64(sum), magic] {
            withUnsafeBytes(of: word.littleEndian) { trailer.append(contentsOf: $0) }
        }
        try trailer.withUnsafeBytes { try file.write($0, at: length) }
    }

    /// What is wrong with the file's bytes; nil when they are as they were written.
    ///
    /// - Parameter isQuick: look at the seal only, which finds files that were cut.
    static func problem(_ file: DiskFile, isQuick: Bool = false) throws -> String? {
        let length = try file.size() - size
        var trailer = [UInt8](repeating: 0, count: size)
        if length > 0 { _ = try trailer.withUnsafeMutableBytes { try file.read(into: $0, at: length) } }
        let words = trailer.withUnsafeBytes { raw in (0..<4).map { raw.loadLittle(UInt64.self, at: 8 * $0) } }
        guard words[0] == magic, words[3] == magic, words[1] == UInt64(max(0, length)) else {
            return "it does not end as a result file does: it was cut, damaged, or written by another program"
        }
        if words[2] > UInt64(UInt32.max) {
            return "it was written by version 0.1 of this program, whose files this one cannot check"
        }
        if isQuick { return nil }
        return try UInt64(checksum(file, length: length)) == words[2]
            ? nil : "its bytes do not match their checksum: it is damaged"
    }

    static func problem(_ path: String) throws -> String? { try problem(DiskFile(path, .read)) }

    private static func checksum(_ file: DiskFile, length: Int) throws -> UInt32 {
        var buffer = [UInt8](repeating: 0, count: min(piece, max(1, length)))
        var sum: UInt32 = 0
        var at = 0
        while at < length {
            let count = min(buffer.count, length - at)
            let got = try buffer.withUnsafeMutableBytes {
                try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), at: at)
            }
            sum = buffer.withUnsafeBytes { CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[..<got]), before: sum) }
            if got < count { break }
            at += got
        }
        return sum
    }
}
