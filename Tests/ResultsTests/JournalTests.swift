import Foundation
import Results
import Sweep
import Testing

@Suite struct JournalTests {
    /// A journal of a small job that was left, and its records.
    private func makeJournal(_ folder: TemporaryDirectory) throws -> (job: Job, path: String, records: [TaskRecord]) {
        let job = try toyJob(
            "model: toy\nmethods: [sgd]\nparameters: {L: [1, 2, 3]}\nseeds: 2\nrecord: {times: [1, 2]}",
            output: folder.file("a.h5"))
        let store = try openStore(job)
        var records = try includedTasks(job).map { try toyRecord(job, $0) }
        records[2] = TaskRecord(task: records[2].task, status: .failed, error: "no memory: Speicher ist voll \u{1F4A5}")
        for record in records { try store.append(record) }
        try store.abandon()
        return (job, job.output + ".journal", records)
    }

    @Test func recordsComeBackAsTheyWere() throws {
        let folder = try TemporaryDirectory()
        let (job, path, records) = try makeJournal(folder)
        let (found, damage) = try JournalFile.read(path, grid: 1)
        #expect(found == records)
        #expect(damage.isNone)
        let store = try openStore(job)
        #expect(store.notices == [])
        for record in records { #expect(try store.record(of: record.task) == record) }
        try store.abandon()
    }

    @Test func encodedRecordsAreRefusedWhenAByteChanges() throws {
        let record = TaskRecord(
            task: TaskID(method: 1, point: 2, seed: 3), status: .diverged, error: "x", wallSeconds: 1.5, rank: 7,
            buffers: [[1, .nan, -.infinity], []])
        var bytes: [UInt8] = []
        record.encode(into: &bytes, grid: 99)
        let back = try TaskRecord.decode(bytes, grid: 99)
        #expect(back.task == record.task && back.error == "x" && back.buffers[0][2] == -.infinity)
        #expect(back.buffers[0][1].isNaN && back.rank == 7 && back.wallSeconds == 1.5 && back.status == .diverged)
        #expect(throws: ResultError.self) { try TaskRecord.decode(bytes, grid: 98) }
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: ResultError.self) { try TaskRecord.decode(damaged, grid: 99) }
        }
    }

    /// Whatever single bit flips, at most one record is lost and all others are read.
    @Test func aFlippedBitCostsAtMostOneRecord() throws {
        let folder = try TemporaryDirectory()
        let (job, path, records) = try makeJournal(folder)
        let grid = GridFingerprint(grids: job.grids).value
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let copy = folder.file("copy")
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(index % 8)
            try Data(damaged).write(to: URL(fileURLWithPath: copy))
            let (found, damage) = try JournalFile.read(copy, grid: grid)
            #expect(found.count >= records.count - 1, "byte \(index)")
            #expect(found.allSatisfy(records.contains), "byte \(index)")
            if found.count < records.count { #expect(!damage.isNone, "byte \(index)") }
        }
    }

    /// Wherever the file is cut, all records before the cut are read, and only they.
    @Test func aTornTailCostsOnlyWhatItTears() throws {
        let folder = try TemporaryDirectory()
        let (job, path, records) = try makeJournal(folder)
        let grid = GridFingerprint(grids: job.grids).value
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        var sizes: [Int] = []
        for record in records {
            var encoded: [UInt8] = []
            record.encode(into: &encoded, grid: grid)
            sizes.append(encoded.count)
        }
        // The events before and after the records have other lengths; find the first record by its bytes.
        var first: [UInt8] = []
        records[0].encode(into: &first, grid: grid)
        let start = try #require(Data(bytes).range(of: Data(first))?.lowerBound)
        let copy = folder.file("copy")
        for length in 0...bytes.count {
            try Data(bytes[..<length]).write(to: URL(fileURLWithPath: copy))
            let (found, _) = try JournalFile.read(copy, grid: grid)
            var end = start
            let whole = sizes.prefix { size in
                end += size
                return end <= length
            }
            #expect(found == Array(records.prefix(whole.count)), "cut at \(length)")
        }
    }

    @Test func aDamagedTailIsCutOffAndReported() throws {
        let folder = try TemporaryDirectory()
        let (job, path, records) = try makeJournal(folder)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let size = bytes.count
        bytes.append(Data(repeating: 0x5A, count: 37))
        try bytes.write(to: URL(fileURLWithPath: path))
        let store = try openStore(job)
        #expect(store.notices == ["cut off 37 damaged bytes at the end of \(path)"])
        #expect(store.counts[.done] == records.count - 1)
        #expect(store.counts[.failed] == 1)
        try store.abandon()
        let after = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(after.prefix(size) == bytes.prefix(size))
        #expect(try JournalFile.read(path, grid: 1).damage.isNone)
    }

    @Test func aJournalWithoutHeaderIsTakenWhenItsRecordsFit() throws {
        let folder = try TemporaryDirectory()
        let (job, path, records) = try makeJournal(folder)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for index in 0..<24 { bytes[index] = 0 }
        let second = try #require(bytes.range(of: Data([0x44, 0x53, 0x52, 0x9C])))
        for index in second.lowerBound..<(second.lowerBound + 24) { bytes[index] = 0 }
        try bytes.write(to: URL(fileURLWithPath: path))
        let other = try toyJob(
            "model: toy\nmethods: [sgd]\nparameters: {L: [1, 5]}\nseeds: 2\nrecord: {times: [1, 2]}",
            output: job.output)
        #expect(throws: ResultError.self) { try openStore(other) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
        let store = try openStore(job)
        #expect(store.counts[.done] == records.count - 1)
        try store.abandon()
        let again = try openStore(job)
        #expect(again.notices == [])
        #expect(again.counts[.done] == records.count - 1)
        try again.abandon()
    }
}
