import Foundation
import Results
import Sweep
import Testing

@Suite struct ReaderTests {
    private func makeFile(_ folder: TemporaryDirectory) throws -> Job {
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        let tasks = includedTasks(job)
        for task in tasks.dropFirst(2) { try store.append(toyRecord(job, task)) }
        try store.append(TaskRecord(task: tasks[0], status: .failed, error: "too \"much\", memory"))
        _ = try store.finish()
        return job
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// Debian package netcdf-bin.
    @Test func ncdumpReadsNamedAxes() throws {
        let folder = try TemporaryDirectory()
        let job = try makeFile(folder)
        let (status, text) = try run("ncdump", [job.output])
        #expect(status == 0, "\(text.suffix(500))")
        for line in [
            "double test_loss(d, L, student, seed, time) ;", "double overlap_vec(d, L, student, seed, time, token) ;",
            "double mean_escape_time(d, L, student) ;", "string student(student) ;", "double step_size(L) ;",
            "byte status(d, L, student, seed) ;", "test_loss:_FillValue = NaN ;", "token = 3 ;",
            "double critical_step(student) ;", "string step_size:symbol = \"gamma\" ;", "too \\\"much\\\", memory",
        ] { #expect(text.contains(line), "\(line)") }
    }

    /// Debian package hdf5-tools.
    @Test func h5dumpReadsEverything() throws {
        let folder = try TemporaryDirectory()
        let job = try makeFile(folder)
        let (status, text) = try run("h5dump", [job.output])
        #expect(status == 0, "\(text.suffix(500))")
        #expect(text.contains("DATASET \"test_loss\"") && text.contains("much"))
    }

    @Test func theTableHoldsEveryNumber() throws {
        let folder = try TemporaryDirectory()
        let job = try makeFile(folder)
        var text = ""
        try ResultFile.exportCSV(job.output, method: "sgd") { text += $0 }
        let lines = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(
            lines[0].map(String.init) == [
                "d", "L", "student", "step_size", "seed", "status", "time", "test_loss", "overlap_vec[0]",
                "overlap_vec[1]", "overlap_vec[2]", "escape_time", "mean_escape_time",
            ])
        #expect(lines.count == 1 + (job.grids[0].taskCount - 2) * 3)
        // The first task with results: d=10, L=1, tied, seed 2. Overlaps are padded to three tokens.
        let record = try toyRecord(job, TaskID(method: 0, point: 0, seed: 2))
        #expect(lines[1][0] == "10" && lines[1][2] == "tied" && lines[1][4] == "2" && lines[1][5] == "done")
        for time in 0..<3 {
            let row = lines[1 + time]
            #expect(Double(row[7]) == record.buffers[0][time])
            #expect(Double(row[8]) == record.buffers[1][time])
            #expect(row[9] == "" && row[10] == "")
            #expect(Double(row[11]) == record.buffers[2][0])
            #expect(Double(row[12]) == record.buffers[2][0])
        }
        // Three tokens at L=3: the last point, its last seed, its last time.
        let last = try #require(lines.last)
        let task = TaskID(method: 0, point: job.grids[0].pointCount - 1, seed: 2)
        #expect(try last[8...10].map { Double($0) } == toyRecord(job, task).buffers[1].suffix(3).map { $0 })
        let means = try (0..<3).map {
            try toyRecord(job, TaskID(method: 0, point: task.point, seed: $0)).buffers[2][0]
        }
        #expect(Double(last[12]) == (means[0] + means[1] + means[2]) / 3)
        #expect(throws: ResultError.self) { try ResultFile.exportCSV(job.output, method: "amp") { _ in } }
        #expect(throws: ResultError.self) { try ResultFile.exportCSV(job.output, method: nil) { _ in } }
    }
}
