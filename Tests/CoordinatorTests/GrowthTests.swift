import Coordinator
import Foundation
import Logging
import Results
import Sweep
import Testing

/// A task's numbers depend on what its run reads at its point and on nothing else: jobs in which only some points read
/// an axis, alone and grown from smaller ones. Whole runs, on one rank.
@Suite struct GrowthTests {
    private func run(_ path: String) -> ExitCode {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return SweepRun(
            options: RunOptions(jobPath: path, isQuiet: true), models: [WalkModel()], logger: logger
        ).run()
    }

    /// The last position of each seed, of the first point.
    private func lastPositions(_ path: String) throws -> [String] {
        var text = ""
        try ResultFile.exportCSV(path, method: "walk") { text += $0 }
        let rows = text.split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let header = try #require(rows.first)
        let seed = try #require(header.firstIndex(of: "seed"))
        let last = try #require(header.firstIndex(of: "last"))
        var found: [(seed: String, last: String)] = []
        for row in rows.dropFirst() where !found.contains(where: { $0.seed == row[seed] }) {
            found.append((row[seed], row[last]))
        }
        return found.map(\.last)
    }

    private static let seeds = "seeds: 3\nrecord: {times: [0, 10, 40]}\n"

    /// Jobs of one fate, and of all fates with a bias that only drifting walks read.
    @Test(arguments: ["done", "[done]", "drifts"]) func aFileGrowsByAnAxisThatSomePointsRead(fate: String) throws {
        let folder = try Folder()
        let grown = "methods: [walk, variance]\nparameters: {bias: [1, 0], fate: [drifts, done], scale: [1, 2]}\n"
        #expect(run(try folder.job(grown + Self.seeds, output: "whole.h5")) == .allDone)
        let small = "methods: [walk, variance]\nparameters: {fate: \(fate)}\n"
        #expect(run(try folder.job(small + Self.seeds, output: "parts.h5")) == .allDone)
        let began = try ResultFile(folder.path + "/parts.h5").summary().counts[.done]
        #expect(began == 3 + 1)
        #expect(run(try folder.job(grown + Self.seeds, output: "parts.h5")) == .allDone)
        func checksums(_ name: String) throws -> [String: String] {
            try ResultFile("\(folder.path)/\(name)").checksums().filter {
                !$0.key.hasSuffix("/wall_seconds") && !$0.key.hasSuffix("/mpi_rank")
                    && !$0.key.hasSuffix("/build")
            }
        }
        #expect(try checksums("parts.h5") == checksums("whole.h5"))
    }

    @Test func aTaskHasTheSameNumbersAloneAndInAnyGrid() throws {
        let folder = try Folder()
        func last(_ name: String, _ parameters: String, _ rest: String = Self.seeds) throws -> [String] {
            #expect(run(try folder.job("methods: [walk]\n\(parameters)\n\(rest)", output: name)) == .allDone)
            return try lastPositions("\(folder.path)/\(name)")
        }
        let alone = try last("alone.h5", "parameters: {scale: 2}")
        #expect(alone.count == 3 && Set(alone).count == 3)
        let forms = [
            "parameters: {scale: 2, fate: done, bias: 3, milliseconds: 0.001}",
            "parameters: {scale: [2], bias: [1, 2]}",
        ]
        for (number, form) in forms.enumerated() { #expect(try last("form\(number).h5", form) == alone) }
        let inTime = "seeds: 3\nrecord: {times: [5, 40], time_unit: t}\n"
        #expect(try last("t.h5", "parameters: {scale: 2}", inTime) == alone)
    }
}
