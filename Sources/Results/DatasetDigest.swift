/// The checksum of a dataset's values, kept as its `checksum` attribute: the wrapping sum of XXH64 over rows, each
/// seeded with its index. Rows that hold nothing (all NaN, or empty) count as 0, so that tasks still pending cost nothing.
struct DatasetDigest {
    /// The leading dimensions of the dataset that number the rows; 0 makes one row of it all.
    let rowDimensions: Int
    private(set) var sum: UInt64 = 0

    init(rowDimensions: Int) { self.rowDimensions = rowDimensions }

    /// Adds a row of doubles.
    mutating func add(doubles row: UnsafeRawBufferPointer, index: Int) {
        // Almost every row that holds something does so at its first or last number.
        var isBlank = true
        var at = 0
        while at < row.count {
            if !Double(bitPattern: row.loadLittle(UInt64.self, at: at)).isNaN {
                isBlank = false
                break
            }
            at += 8
        }
        if !isBlank { sum &+= XXH64.hash(row, seed: UInt64(index)) }
    }

    /// Adds a row that counts whatever it holds.
    mutating func add(_ row: UnsafeRawBufferPointer, index: Int) {
        sum &+= XXH64.hash(row, seed: UInt64(index))
    }

    mutating func add<Element: BitwiseCopyable>(_ value: Element, index: Int) {
        withUnsafeBytes(of: value) { sum &+= XXH64.hash($0, seed: UInt64(index)) }
    }

    mutating func add(_ text: String, index: Int) {
        let text = HDF5.storable(text)
        if !text.isEmpty { sum &+= XXH64.hash(text, seed: UInt64(index)) }
    }

    /// The attribute's text, e.g. `xxh64 rows=3 0123456789abcdef`.
    var text: String { "xxh64 rows=\(rowDimensions) \(GridFingerprint.hexadecimal(sum))" }

    /// The row dimensions that an attribute's text names; nil when it is no such text.
    static func rowDimensions(of text: String) -> Int? {
        let parts = text.split(separator: " ")
        guard parts.count == 3, parts[0] == "xxh64", parts[1].hasPrefix("rows="), let rows = Int(parts[1].dropFirst(5)),
            rows >= 0
        else { return nil }
        return rows
    }
}
