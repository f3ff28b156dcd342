import CSafeDriver

/// Reads texts of variable length from where they lie in the file, the "global heap": collections of objects.
///
/// The library takes the lengths of texts and of objects as they come, and writes beyond its memory when they differ.
struct TextHeap {
    let source: DiskFile
    private var collections: [Int: [Int: Range<Int>]] = [:]
    /// All texts together are no longer than their file.
    private var left: Int

    static let signature = Array("GCOL".utf8) + [1, 0, 0, 0]
    private static let headerSize = 16

    init(_ source: DiskFile) throws {
        self.source = source
        left = try source.size()
    }

    /// The text that 16 bytes of a dataset stand for: its length, its collection, and its number there. Nil when the file
    /// holds none of that length there.
    mutating func text(_ place: UnsafeRawBufferPointer) throws -> String? {
        let length = Int(place.loadLittle(UInt32.self, at: 0))
        let number = Int(place.loadLittle(UInt32.self, at: 12))
        guard length > 0 else { return "" }
        guard let address = Int(exactly: place.loadLittle(UInt64.self, at: 4)), length <= left else { return nil }
        if collections[address] == nil { collections[address] = try Self.objects(of: source, at: address) ?? [:] }
        guard let object = collections[address]?[number], length <= object.count else { return nil }
        left -= length
        var bytes = [UInt8](repeating: 0, count: length)
        guard try bytes.withUnsafeMutableBytes({ try source.read(into: $0, at: object.lowerBound) }) == length else {
            return nil
        }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Where collections begin in `bytes`, from its first byte.
    static func places(in bytes: ArraySlice<UInt8>) -> [Int] {
        var found: [Int] = []
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress else { return }
            var at = 0
            while let next = csafedriver_find(base + at, all.count - at, signature, signature.count) {
                found.append(next - base)
                at = (found.last ?? 0) + 1
            }
        }
        return found
    }

    /// Where the objects of the collection at `address` lie, by number; nil when there is no such thing.
    static func objects(of file: DiskFile, at address: Int) throws -> [Int: Range<Int>]? {
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
            guard let count = Int(exactly: header.withUnsafeBytes { $0.loadLittle(UInt64.self, at: 8) }) else { return nil }
            // Number 0 is what is free; its count is that of all of it.
            if number == 0 { return count <= end - at ? objects : nil }
            guard count <= end - at - headerSize, padded(count) <= end - at - headerSize else { return nil }
            objects[number] = (at + headerSize)..<(at + headerSize + count)
            at += headerSize + padded(count)
        }
        return objects
    }
}
