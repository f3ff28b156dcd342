/// A value whose changing state can be saved as bytes and put back: a run in progress, a random stream, an integrator.
public protocol Resumable {
    /// Hands all state that changes while the value is used to `archive`, item by item, always in the same order.
    ///
    /// The one list serves both directions: saving leaves the items as they are, restoring overwrites them. What the
    /// value was made from (parameters, sizes, tables) is left out: a value is restored into one freshly made from the
    /// same arguments. An item that only certain values of fit is checked (``StateArchive/exchange(_:in:)``, or
    /// ``StateArchiveError/invalid(_:)``), so that foreign bytes end in an error.
    mutating func exchange(with archive: inout StateArchive) throws
}

/// The saved state of a ``Resumable`` value, on its way out of the value or back into it.
///
/// The bytes are a sequence of items: a header of 8 bytes (the kind in the lowest, the count in the other seven), then
/// `count` elements as they lie in memory (little-endian on all machines this is built for). Kind and count are
/// compared when an item is read back, so bytes that are cut short, too long, or of another layout give a
/// ``StateArchiveError``. Flipped bits inside of numbers go unnoticed: what stores the bytes keeps a checksum.
public struct StateArchive {
    private enum Kind: UInt8 {
        case integer = 1
        case unsigned, flag, double, float, text, doubles, floats, integers, value, values, end

        var name: String {
            switch self {
            case .integer: "whole number"
            case .unsigned: "unsigned number"
            case .flag: "flag"
            case .double: "double"
            case .float: "float"
            case .text: "byte of text"
            case .doubles: "element of doubles"
            case .floats: "element of floats"
            case .integers: "element of whole numbers"
            case .value: "value"
            case .values: "value in a list"
            case .end: "end of a value"
            }
        }
    }

    /// True while bytes are read back into a value, false while they are made from it. For state that has to be
    /// converted: `exchange` a local copy, and take it over only when restoring. Saving goes through the list twice.
    public let isRestoring: Bool
    private var bytes: [UInt8]
    /// While the length of the bytes is measured: that of the items so far.
    private var measured: Int?
    /// Where the next item is read.
    private var position = 0
    private var itemCount = 0

    private init(restoring bytes: [UInt8]?) {
        isRestoring = bytes != nil
        self.bytes = bytes ?? []
    }

    /// The present state of `value`, which goes on unchanged.
    ///
    /// - Throws: what `value` throws.
    public static func save(_ value: inout some Resumable) throws -> [UInt8] {
        // Growing the bytes bit by bit would take twice their memory and time.
        var archive = StateArchive(restoring: nil)
        archive.measured = 0
        try archive.exchange(&value)
        archive.bytes.reserveCapacity(archive.measured ?? 0)
        archive.measured = nil
        archive.itemCount = 0
        try archive.exchange(&value)
        return archive.bytes
    }

    /// Puts the state `bytes` into `value`, which must be freshly made from the same arguments as the saved one.
    ///
    /// - Throws: ``StateArchiveError`` when the bytes do not fit, and what `value` throws; `value` may then be half
    ///   restored and must not be used.
    public static func restore(_ value: inout some Resumable, from bytes: [UInt8]) throws {
        var archive = StateArchive(restoring: bytes)
        try archive.exchange(&value)
        guard archive.position == bytes.count else {
            throw StateArchiveError.leftOver(bytes: bytes.count - archive.position)
        }
    }

    // MARK: Items

    public mutating func exchange(_ value: inout Int) throws { try exchangeScalar(&value, .integer) }
    public mutating func exchange(_ value: inout UInt64) throws { try exchangeScalar(&value, .unsigned) }
    public mutating func exchange(_ value: inout Double) throws { try exchangeScalar(&value, .double) }
    public mutating func exchange(_ value: inout Float) throws { try exchangeScalar(&value, .float) }

    /// A whole number of which only those in `range` make sense, such as an index.
    public mutating func exchange(_ value: inout Int, in range: ClosedRange<Int>) throws {
        try exchange(&value)
        guard !isRestoring || range.contains(value) else {
            throw StateArchiveError.invalid("item \(itemCount) is \(value), not within \(range)")
        }
    }

    public mutating func exchange(_ value: inout Bool) throws {
        var byte: UInt8 = value ? 1 : 0
        try exchangeScalar(&byte, .flag)
        guard byte <= 1 else { throw StateArchiveError.invalid("item \(itemCount) is \(byte), not a flag") }
        value = byte == 1
    }

    public mutating func exchange(_ value: inout String) throws {
        var units = isRestoring ? [] : Array(value.utf8)
        try exchangeArray(&units, .text, resizes: true)
        guard isRestoring else { return }
        guard let text = String(validating: units, as: UTF8.self) else {
            throw StateArchiveError.invalid("item \(itemCount) is not UTF-8 text")
        }
        value = text
    }

    /// An array of a length that does not change: the saved and the present one must be equally long.
    public mutating func exchange(_ value: inout [Double]) throws { try exchangeArray(&value, .doubles) }
    /// An array of a length that does not change: the saved and the present one must be equally long.
    public mutating func exchange(_ value: inout [Float]) throws { try exchangeArray(&value, .floats) }
    /// An array of a length that does not change: the saved and the present one must be equally long.
    public mutating func exchange(_ value: inout [Int]) throws { try exchangeArray(&value, .integers) }

    /// An array whose length is state, too; it takes the saved one.
    public mutating func exchange(resizing value: inout [Double]) throws {
        try exchangeArray(&value, .doubles, resizes: true)
    }

    /// An array whose length is state, too; it takes the saved one.
    public mutating func exchange(resizing value: inout [Float]) throws {
        try exchangeArray(&value, .floats, resizes: true)
    }

    /// An array whose length is state, too; it takes the saved one.
    public mutating func exchange(resizing value: inout [Int]) throws {
        try exchangeArray(&value, .integers, resizes: true)
    }

    /// A part with state of its own.
    public mutating func exchange(_ value: inout some Resumable) throws {
        _ = try exchangeHeader(.value, count: 1)
        try value.exchange(with: &self)
        _ = try exchangeHeader(.end, count: 1)
    }

    /// Parts with state of their own, as many as when saved.
    public mutating func exchange(_ values: inout [some Resumable]) throws {
        _ = try exchangeHeader(.values, count: values.count)
        for index in values.indices { try values[index].exchange(with: &self) }
        _ = try exchangeHeader(.end, count: 1)
    }

    // MARK: Bytes

    private mutating func exchangeScalar<Scalar: BitwiseCopyable>(_ value: inout Scalar, _ kind: Kind) throws {
        _ = try exchangeHeader(kind, count: 1)
        try withUnsafeMutableBytes(of: &value) { try exchangeBytes($0) }
    }

    private mutating func exchangeArray<Element: BitwiseCopyable>(
        _ array: inout [Element], _ kind: Kind, resizes: Bool = false
    ) throws {
        let count = try exchangeHeader(kind, count: array.count, anyCount: resizes)
        let size = count * MemoryLayout<Element>.stride
        if isRestoring { try checkRemaining(size) }
        if count != array.count {
            array = Array(unsafeUninitializedCapacity: count) { buffer, initializedCount in
                copy(to: UnsafeMutableRawBufferPointer(buffer))
                initializedCount = count
            }
            position += size
        } else if isRestoring {
            try array.withUnsafeMutableBytes { try exchangeBytes($0) }
        } else {
            array.withUnsafeBytes { write($0) }
        }
    }

    /// Writes the header of an item, or reads one and compares; returns the count.
    private mutating func exchangeHeader(_ kind: Kind, count: Int, anyCount: Bool = false) throws -> Int {
        itemCount += 1
        var header = UInt64(count) << 8 | UInt64(kind.rawValue)
        try withUnsafeMutableBytes(of: &header) { try exchangeBytes($0) }
        guard isRestoring else { return count }
        let found = Int(header >> 8)
        guard header & 0xFF == kind.rawValue, anyCount || found == count else {
            let name = Kind(rawValue: UInt8(header & 0xFF)).map { "\(found) x \($0.name)" } ?? "nothing known"
            throw StateArchiveError.mismatch(
                item: itemCount, saved: name, expected: anyCount ? "\(kind.name), any count" : "\(count) x \(kind.name)"
            )
        }
        return found
    }

    private mutating func exchangeBytes(_ target: UnsafeMutableRawBufferPointer) throws {
        guard isRestoring else { return write(UnsafeRawBufferPointer(target)) }
        try checkRemaining(target.count)
        copy(to: target)
        position += target.count
    }

    private mutating func write(_ source: UnsafeRawBufferPointer) {
        if let length = measured {
            measured = length + source.count
        } else {
            bytes.append(contentsOf: source)
        }
    }

    private func checkRemaining(_ size: Int) throws {
        guard size <= bytes.count - position else {
            throw StateArchiveError.endsEarly(item: itemCount, missing: size - (bytes.count - position))
        }
    }

    /// Fills `target` from the present position; the bytes must be there.
    private func copy(to target: UnsafeMutableRawBufferPointer) {
        bytes.withUnsafeBytes {
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position...].prefix(target.count)))
        }
    }
}

/// Why saved bytes cannot be put back into a value. In every case the work they stand for has to be done again.
public enum StateArchiveError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The bytes end within this item (counted from 1), short of so many bytes.
    case endsEarly(item: Int, missing: Int)
    /// This item (counted from 1) is of another kind or count than the value has there.
    case mismatch(item: Int, saved: String, expected: String)
    /// The value has all it needs and there are still bytes.
    case leftOver(bytes: Int)
    /// An item that the value cannot have.
    case invalid(String)

    public var description: String {
        let reason =
            switch self {
            case .endsEarly(let item, let missing): "it ends within item \(item), \(missing) bytes early"
            case .mismatch(let item, let saved, let expected): "item \(item) is \(saved), expected \(expected)"
            case .leftOver(let bytes): "\(bytes) bytes are left over"
            case .invalid(let what): what
            }
        return "the saved state does not fit this run (\(reason)): it is damaged, or of another task or program "
            + "version; start the task from its beginning"
    }
}
