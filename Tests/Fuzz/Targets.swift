import Foundation
import Modeling
import Models
import Results
import Sweep

/// One kind of input: how it is made of a corpus, and what must hold when it is read.
protocol FuzzTarget: Sendable {
    /// The input of a number, of the corpus' files.
    func input(_ corpus: [[UInt8]], _ draw: inout Draw) -> [UInt8]
    /// Reads it. A trap, a hang or a crash is a finding, and so is what this returns.
    func problem(_ input: [UInt8], _ corpus: [[UInt8]]) -> String?
}

let targets: [String: any FuzzTarget] = [
    "jobs": JobTarget(), "results": ResultTarget(), "journals": JournalTarget(), "ranks": RankTarget(),
]

struct JobTarget: FuzzTarget {
    func input(_ corpus: [[UInt8]], _ draw: inout Draw) -> [UInt8] {
        let texts = corpus.map { String(decoding: $0, as: UTF8.self) }
        return Array(TextMutation.apply(draw.one(of: texts), others: texts, &draw).utf8)
    }

    func problem(_ input: [UInt8], _ corpus: [[UInt8]]) -> String? {
        guard let text = String(bytes: input, encoding: .utf8) else { return nil }
        do {
            let job = try Job.parse(text: text, path: "fuzz.yaml", models: allModels)
            let again = try Job.parse(text: text, path: "fuzz.yaml", models: allModels)
            guard GridFingerprint(grids: job.grids).value == GridFingerprint(grids: again.grids).value else {
                return "two readings differ"
            }
            guard (try? JSONSerialization.jsonObject(with: Data(job.effectiveText.utf8))) != nil else {
                return "the job in effect is no JSON"
            }
            // What it would take; small grids only, as a plan asks every point.
            if job.taskCount < 2000 { _ = try Plan(job) }
        } catch {
            guard !"\(error)".isEmpty else { return "an error without a text" }
        }
        return nil
    }
}

/// Files of results, read as every command reads them.
private func read(_ path: String) {
    _ = ResultFile.validate(path)
    guard let file = try? ResultFile(path) else { return }
    _ = try? file.summary(failureLimit: 5, slowestLimit: 3)
    _ = try? file.job()
    _ = try? file.buildCounts()
    for method in file.methods.prefix(8) {
        var rows = 0
        struct Enough: Error {}
        try? ResultFile.exportCSV(path, method: method) { _ in
            rows += 1
            if rows > 10_000 { throw Enough() }
        }
    }
}

struct ResultTarget: FuzzTarget {
    private static let magic: UInt64 = 0x4C41_4553_5357_5944

    func input(_ corpus: [[UInt8]], _ draw: inout Draw) -> [UInt8] {
        var bytes = Array(draw.one(of: corpus).dropLast(32))
        ByteMutation.apply(&bytes, &draw)
        // Its checksum made anew: what reads it may not rely on that.
        let sum = bytes.withUnsafeBytes { CRC32.checksum($0) }
        for word in [Self.magic, UInt64(bytes.count), UInt64(sum), Self.magic] {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    func problem(_ input: [UInt8], _ corpus: [[UInt8]]) -> String? {
        let path = scratch("fuzz.h5")
        guard FileManager.default.createFile(atPath: path, contents: Data(input)) else { return nil }
        read(path)
        return nil
    }
}

struct JournalTarget: FuzzTarget {
    func input(_ corpus: [[UInt8]], _ draw: inout Draw) -> [UInt8] {
        var bytes = draw.one(of: corpus)
        ByteMutation.apply(&bytes, &draw)
        // Now and then a whole record of a task that no grid has.
        if draw.below(3) == 0 {
            let grid = UInt64(truncatingIfNeeded: draw.next())
            let task = TaskID(
                method: draw.one(of: [0, 1, 1000, Int(Int32.max)]),
                point: draw.one(of: [0, 1 << 40, Int.max, Int.max - 1]),
                seed: draw.one(of: [0, 1 << 62, Int.max]))
            TaskRecord(
                task: task, status: draw.one(of: TaskStatus.allCases), error: "e\u{0}\u{1B}", wallSeconds: .nan,
                rank: draw.one(of: [-1, 0, Int(Int32.max)]), build: UInt32(truncatingIfNeeded: draw.next()),
                buffers: (0..<draw.below(4)).map { _ in [1, .nan] }
            ).encode(into: &bytes, grid: grid)
        }
        return bytes
    }

    func problem(_ input: [UInt8], _ corpus: [[UInt8]]) -> String? {
        let path = scratch("fuzz.h5.journal")
        guard FileManager.default.createFile(atPath: path, contents: Data(input)) else { return nil }
        guard let found = try? JournalFile.read(path, grid: 0) else { return nil }
        // Every record that is believed was written so.
        let known = JournalTarget.records(corpus)
        let wrong = found.records.filter { !known.contains(Self.bytes($0)) && $0.error != "e \u{1B}" }
        return wrong.first.map { "\(wrong.count) records are believed that nobody wrote: \($0.task)" }
    }

    nonisolated(unsafe) private static var cache: Set<[UInt8]>?

    /// A record as bytes: numbers that are none are equal then.
    private static func bytes(_ record: TaskRecord) -> [UInt8] {
        var bytes: [UInt8] = []
        record.encode(into: &bytes, grid: 0)
        return bytes
    }

    /// What the files of the corpus hold.
    private static func records(_ corpus: [[UInt8]]) -> Set<[UInt8]> {
        if let cache { return cache }
        var all: Set<[UInt8]> = []
        for bytes in corpus {
            let path = scratch("whole.journal")
            _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
            all.formUnion(((try? JournalFile.read(path, grid: 0))?.records ?? []).map(Self.bytes))
        }
        cache = all
        return all
    }
}

struct RankTarget: FuzzTarget {
    func input(_ corpus: [[UInt8]], _ draw: inout Draw) -> [UInt8] {
        var bytes = draw.one(of: corpus)
        ByteMutation.apply(&bytes, &draw)
        return bytes
    }

    func problem(_ input: [UInt8], _ corpus: [[UInt8]]) -> String? {
        let output = scratch("rank.h5")
        guard FileManager.default.createFile(atPath: output + ".rank-0", contents: Data(input)) else { return nil }
        for leftover in RankLeftover.all(of: output) {
            _ = leftover.flight?.accusation
            _ = leftover.checkpoint
        }
        return nil
    }
}
