/// Reads the records of a block of tasks from the journal, in the order they lie there and in few large reads.
struct BlockReader {
    let journal: Journal
    let maximumBody: Int
    private var buffer: [UInt8] = []

    /// Gaps up to this many bytes are read over, and one read is at most so long.
    private static let gap = 32 << 10
    private static let longest = 4 << 20

    init(journal: Journal, maximumBody: Int) {
        self.journal = journal
        self.maximumBody = maximumBody
    }

    /// Calls `visit` with (index within `offsets`, record) for every nonzero offset, in any order.
    mutating func forEach(_ offsets: [Int], visit: (Int, TaskRecordView) throws -> Void) throws {
        let order = offsets.indices.filter { offsets[$0] != 0 }.sorted { offsets[$0] < offsets[$1] }
        var next = 0
        while next < order.count {
            let start = offsets[order[next]]
            var last = next
            while last + 1 < order.count, offsets[order[last + 1]] - offsets[order[last]] <= Self.gap + maximumBody,
                offsets[order[last + 1]] - start <= Self.longest
            {
                last += 1
            }
            let span = offsets[order[last]] - start + RecordFrame.size(bodyLength: maximumBody)
            if buffer.count < span { buffer = [UInt8](repeating: 0, count: span) }
            let filled = try buffer.withUnsafeMutableBytes {
                try journal.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<span]), at: start)
            }
            try buffer.withUnsafeBytes { raw in
                let bytes = UnsafeRawBufferPointer(rebasing: raw[..<filled])
                for index in order[next...last] {
                    guard
                        let body = RecordFrame.body(of: bytes, at: offsets[index] - start, seed: journal.header.grid),
                        let view = TaskRecordView(body: body)
                    else {
                        throw ResultError.unreadable(
                            path: journal.path, reason: "the record at byte \(offsets[index]) changed on disk")
                    }
                    try visit(index, view)
                }
            }
            next = last + 1
        }
    }
}
