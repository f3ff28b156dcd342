import Foundation
import Results
import Sweep
import Testing

@Suite struct KernelFileTests {
    private let text = """
        model: toy
        methods: [sgd, ode]
        parameters: {d: 10, L: [1, 3]}
        seeds: 2
        record: {times: [0, 1, 10], kernels: true}
        """

    private func compute(_ job: Job) throws {
        let store = try openStore(job)
        for task in includedTasks(job) where !store.isFinished(task) { try store.append(toyRecord(job, task)) }
        #expect(try store.finish().isComplete)
    }

    /// Debian package netcdf-bin.
    @Test func aKernelHasTwoTimesWithTheSameCoordinate() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(text, output: folder.file("a.h5"))
        try compute(job)
        #expect(ResultFile.validate(job.output) == [])
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["ncdump", job.output]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        for line in [
            "double correlation(L, seed, time, time_prime, token) ;", "time_prime = 3 ;",
            "double time_prime(time_prime) ;", "string time_prime:units = \"steps\" ;",
            "string time_prime:long_name = \"algorithm steps\" ;", "string time_prime:symbol = \"k\" ;",
            "time_prime = 0, 1, 10 ;", "double overlap_vec(L, seed, time, token) ;",
        ] { #expect(text.contains(line), "\(line)") }
        // The theory has no kernel, and no second time.
        #expect(text.components(separatedBy: "double time_prime(").count == 2)
        let sums = try checksums(job.output)
        #expect(sums["/sgd/time_prime"] != nil && sums["/sgd/time_prime"] == sums["/sgd/time"])
    }

    @Test func theTableHasAColumnForEveryComponent() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(text, output: folder.file("a.h5"))
        try compute(job)
        var table = ""
        try ResultFile.exportCSV(job.output, method: "sgd") { table += $0 }
        let lines = table.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let first = try #require(lines[0].firstIndex(of: "correlation[0][0]"))
        #expect(
            lines[0][first..<(first + 9)].map(String.init)
                == (0..<9).map { "correlation[\($0 / 3)][\($0 % 3)]" })
        #expect(!lines[0].contains("time_prime"))
        // L = 3, seed 1, the second time.
        let record = try toyRecord(job, TaskID(method: 0, point: 1, seed: 1))
        let row = try #require(lines.dropFirst().first { $0[0] == "3" && $0[1] == "1" && $0[3] == "1" })
        #expect(row[first..<(first + 9)].map { Double($0) } == record.buffers[2][9..<18].map { $0 })
    }

    @Test func resultsWithKernelsAreExtendedAndThoseWithoutAreNot() throws {
        let folder = try TemporaryDirectory()
        let output = folder.file("a.h5")
        let small = try toyJob(text, output: output)
        try compute(small)
        let larger = text.replacingOccurrences(of: "[1, 3]", with: "[3, 2, 1]")
            .replacingOccurrences(of: "seeds: 2", with: "seeds: 3")
        let after = try toyJob(larger, output: output)
        let store = try openStore(after)
        #expect(store.counts[.done] == small.taskCount)
        for task in includedTasks(after) where store.isFinished(task) {
            #expect(try store.record(of: task) == toyRecord(after, task))
        }
        try store.abandon()
        try compute(after)
        let whole = try toyJob(larger, output: folder.file("whole.h5"))
        try compute(whole)
        #expect(try checksums(output) == checksums(whole.output))

        let without = try toyJob(
            larger.replacingOccurrences(of: ", kernels: true", with: ""), output: folder.file("without.h5"))
        try compute(without)
        do {
            _ = try openStore(whole.writing(to: without.output))
            Issue.record("kernels are not in the file")
        } catch {
            #expect("\(error)".contains("observable 'correlation' of method 'sgd': the job asks for it"))
        }
    }
}
