import Sweep

/// What travels between rank 0 and the others.
enum Tag: Int {
    /// Rank 0 to a worker: tasks to run.
    case assignment = 1
    /// A worker to rank 0: records of finished tasks.
    case results = 2
    /// Rank 0 to a worker: abandon what is in flight and report.
    case stop = 3
    /// Rank 0 to a worker: leave, with this exit code.
    case end = 4
}

extension Communicator {
    /// Rank 0 sends every other rank home with the agreed exit code.
    func dismiss(_ code: ExitCode) throws {
        for rank in 1..<size { try send([UInt8(code.rawValue)], to: rank, tag: Tag.end.rawValue) }
        var pause = Pause(capMicroseconds: 1000)
        while try !isFlushed() { pause.rest() }
    }
}

/// Which tasks have a checkpoint, and in which rank file, as rank 0 tells the others.
struct CheckpointTable {
    let slots: [TaskID: Int]

    init(slots: [TaskID: Int]) { self.slots = slots }

    var bytes: [UInt8] {
        let words = slots.flatMap { [$0.key.method, $0.key.point, $0.key.seed, $0.value] }.map { Int64($0) }
        return words.withUnsafeBytes { Array($0) }
    }

    init(bytes: [UInt8]) {
        let items = Assignment(bytes: bytes).items
        slots = Dictionary(items.map { ($0.task(0), $0.seedCount) }, uniquingKeysWith: { first, _ in first })
    }
}

/// Consecutive seeds of one grid point.
package struct WorkItem: Equatable {
    package var method: Int
    package var point: Int
    package var firstSeed: Int
    package var seedCount: Int

    package func task(_ offset: Int) -> TaskID { TaskID(method: method, point: point, seed: firstSeed + offset) }
}

/// Items that travel and are answered together.
package struct Assignment: Equatable {
    package var items: [WorkItem] = []

    package var bytes: [UInt8] {
        var words: [Int64] = []
        words.reserveCapacity(4 * items.count)
        for item in items {
            words.append(Int64(item.method))
            words.append(Int64(item.point))
            words.append(Int64(item.firstSeed))
            words.append(Int64(item.seedCount))
        }
        return words.withUnsafeBytes { Array($0) }
    }

    package init(items: [WorkItem] = []) { self.items = items }

    package init(bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw in
            let words = raw.count / 8
            func word(_ index: Int) -> Int { Int(raw.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self)) }
            items = stride(from: 0, to: words - words % 4, by: 4).map { at in
                WorkItem(
                    method: word(at), point: word(at + 1), firstSeed: word(at + 2), seedCount: word(at + 3))
            }
        }
    }
}

/// A worker's answer to one assignment: the encoded records, and whether it stopped before the assignment's end.
package struct Report {
    package var isCutShort: Bool
    package var records: [UInt8]

    package var bytes: [UInt8] { [isCutShort ? 1 : 0] + records }

    package init(isCutShort: Bool, records: [UInt8]) {
        self.isCutShort = isCutShort
        self.records = records
    }

    package init(bytes: [UInt8]) {
        isCutShort = bytes.first == 1
        records = Array(bytes.dropFirst())
    }
}
