import CSafeDriver

/// A file that is read: its bytes, and its texts and lists of variable length, which lie in "global heaps": collections
/// of objects.
///
/// The library takes the lengths of objects as they come, and goes on for ever or writes beyond its memory when they
/// are wrong; so they are read here.
final class HDF5Source {
    let file: DiskFile
    private var collections: [Int: [Int: Range<Int>]] = [:]

    private static let signature = Array("GCOL".utf8) + [1]
    private static let headerSize = 16

    init(_ file: DiskFile) { self.file = file }

    /// The bytes that ``csafedriver_place_size`` bytes of a dataset or attribute stand for: so many elements, in this
    /// collection, of this number in it. Nil when the file holds none of that length there.
    ///
    /// - Parameters:
    ///   - width: of an element.
    ///   - left: how much more may be read; all texts together are no longer than their file.
    func bytes(at place: UnsafeRawBufferPointer, width: Int = 1, left: inout Int) throws -> [UInt8]? {
        let length = Int(place.loadLittle(UInt32.self, at: 0)) * width
        let number = Int(place.loadLittle(UInt32.self, at: 12))
        guard length > 0 else { return [] }
        guard let address = Int(exactly: place.loadLittle(UInt64.self, at: 4)), length <= left else { return nil }
        if collections[address] == nil { collections[address] = try Self.objects(of: file, at: address) ?? [:] }
        guard let object = collections[address]?[number], length <= object.count else { return nil }
        left -= length
        var bytes = [UInt8](repeating: 0, count: length)
        let got = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: object.lowerBound) }
        return got == length ? bytes : nil
    }

    /// As ``bytes(at:width:left:)``, of a text.
    func text(at place: UnsafeRawBufferPointer, left: inout Int) throws -> String? {
        try bytes(at: place, left: &left).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Where the objects of the collection at `address` lie, by number; nil when there is no such thing.
    private static func objects(of file: DiskFile, at address: Int) throws -> [Int: Range<Int>]? {
        var header = [UInt8](repeating: 0, count: headerSize)
        let size = try file.size()
        guard address < size,
            try header.withUnsafeMutableBytes({ try file.read(into: $0, at: address) }) == headerSize,
            header.starts(with: signature),
            let length = Int(exactly: header.withUnsafeBytes { $0.loadLittle(UInt64.self, at: 8) }),
            length >= headerSize, length <= size - address
        else { return nil }
        var objects: [Int: Range<Int>] = [:]
        var at = address + headerSize
        let end = address + length
        while end - at >= headerSize {
            _ = try header.withUnsafeMutableBytes { try file.read(into: $0, at: at) }
            let number = header.withUnsafeBytes { Int($0.loadLittle(UInt16.self, at: 0)) }
            guard let count = Int(exactly: header.withUnsafeBytes { $0.loadLittle(UInt64.self, at: 8) }) else {
                return nil
            }
            // Number 0 is what is free at the end; its count is that of all of it.
            if number == 0 { return count == end - at ? objects : nil }
            guard count <= end - at - headerSize, padded(count) <= end - at - headerSize else { return nil }
            objects[number] = (at + headerSize)..<(at + headerSize + count)
            at += headerSize + padded(count)
        }
        return objects
    }
}
