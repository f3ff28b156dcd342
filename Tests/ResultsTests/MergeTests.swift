import Foundation
import Modeling
import Results
import Sweep
import Testing

@Suite struct MergeTests {
    /// Values to draw axes from; texts as a job has them, in increasing order.
    private static let pool: [(name: String, values: [String])] = [
        ("d", ["10", "20", "30", "40"]), ("L", ["1", "2", "3", "4"]), ("step_size", ["0.1", "0.25", "1", "1e-3"]),
        ("student", ["tied", "untied"]), ("signed", ["yes", "no"]),
        ("M0", ["{value: [[0.5, -0.25]]}", "{value: [[0.1, 1]]}", "{value: [[0, 0.3]]}"]),
    ]

    /// The same job with its seeds under `per_method`, or with kernels: neither makes a difference to a merge.
    private func written(_ text: String, ownSeeds: Bool, kernels: Bool) -> String {
        var text = text
        guard text.contains("sgd") else { return text }
        if kernels { text = text.replacingOccurrences(of: "10]}", with: "10], kernels: true}") }
        guard ownSeeds else { return text }
        return text.replacingOccurrences(of: "seeds: {", with: "per_method: {sgd: {seeds: {")
            .split(separator: "\n").map { $0.hasPrefix("per_method") ? $0 + "}}" : $0 }.joined(separator: "\n")
    }

    private func jobText(_ axes: [(String, [String])], seeds: String, methods: [String]) -> String {
        "model: toy\nmethods: [\(methods.joined(separator: ", "))]\nparameters:\n"
            + axes.map { "  \($0.0): [\($0.1.joined(separator: ", "))]" }.joined(separator: "\n")
            + "\nseeds: \(seeds)\nrecord: {times: [0, 1, 10]}\n"
    }

    private func merge(
        _ inputs: [String], _ output: String, _ change: (inout Merge) -> Void = { _ in }
    ) throws -> Merge.Outcome {
        var merge = Merge(inputs: inputs, output: output, models: toyModels, provenance: testProvenance)
        change(&merge)
        return try merge.run()
    }

    /// Computes some tasks of a job; the file is left as a finished, a stopped or a killed run leaves it.
    private enum End: CaseIterable { case finished, abandoned }

    private func compute(_ job: Job, _ tasks: [TaskID], _ end: End = .finished, record: (TaskID) throws -> TaskRecord)
        throws
    {
        let store = try openStore(job)
        for task in tasks { try store.append(record(task)) }
        switch end {
        case .finished: _ = try store.finish()
        case .abandoned: try store.abandon()
        }
    }

    private func computeAll(_ job: Job) throws { try compute(job, includedTasks(job)) { try toyRecord(job, $0) } }

    /// A random grid, cut along a random axis (or its seeds, or its methods) into parts that may overlap and whose
    /// tasks are computed in part each: merged, they are the whole.
    @Test(arguments: 0..<30) func partsMergedAreTheWhole(number: Int) throws {
        var random = SplitMix(state: UInt64(number))
        let folder = try TemporaryDirectory()
        var axes = Self.pool.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)).map { entry in
            (entry.name, Array(entry.values.shuffled(using: &random).prefix(Int.random(in: 2...3, using: &random))))
        }
        axes = axes.map { ($0.0, $0.1) }
        let seeds = Int.random(in: 2...4, using: &random)
        let base = Int.random(in: 0...3, using: &random)
        let methods = ["sgd", "ode", "closed-form"].shuffled(using: &random)
        let kernels = Bool.random(using: &random)
        let whole = try toyJob(
            written(
                jobText(axes, seeds: "{count: \(seeds), base: \(base)}", methods: methods),
                ownSeeds: Bool.random(using: &random), kernels: kernels), output: folder.file("whole.h5"))
        try computeAll(whole)

        let cut = Int.random(in: 0..<(axes.count + 2), using: &random)
        var parts: [Job] = []
        for part in 0..<2 {
            var (itsAxes, itsMethods, itsSeeds) = (axes, methods, "{count: \(seeds), base: \(base)}")
            switch cut {
            case axes.count: itsMethods = part == 0 ? Array(methods.prefix(2)) : Array(methods.suffix(2))
            case axes.count + 1:
                let first = seeds / 2
                itsSeeds =
                    part == 0
                    ? "{count: \(first), base: \(base)}"
                    : "{count: \(seeds - first), base: \(base + first)}"
            default:
                let values = axes[cut].1
                let middle = values.count / 2
                // Parts that share a value, now and then.
                let from = part == 0 ? 0 : Bool.random(using: &random) ? middle - 1 : middle
                itsAxes[cut].1 = Array(values[from..<(part == 0 ? middle : values.count)])
            }
            if !itsMethods.contains("sgd") { itsSeeds = "" }
            let text = jobText(itsAxes, seeds: itsSeeds, methods: itsMethods)
                .replacingOccurrences(of: "seeds: \n", with: "")
            let job = try toyJob(
                written(text, ownSeeds: Bool.random(using: &random), kernels: kernels),
                output: folder.file("part\(part).h5"))
            // Each part as two files of one grid, each of which has some of its tasks.
            let tasks = includedTasks(job).shuffled(using: &random)
            let middle = tasks.count / 2
            for (half, some) in [tasks[..<middle], tasks[max(0, middle - 1)...]].enumerated() {
                let its = job.writing(to: folder.file("part\(part)-\(half).h5"))
                try compute(its, Array(some), End.allCases.randomElement(using: &random) ?? .finished) {
                    try toyRecord(its, $0)
                }
                parts.append(its)
            }
        }
        let output = folder.file("merged.h5")
        let outcome = try merge(parts.map(\.output).shuffled(using: &random), output)
        #expect(outcome.counts.isComplete, "\(outcome.job.overrides)")
        #expect(outcome.counts[.done] == whole.taskCount)
        #expect(ResultFile.validate(output) == [])
        #expect(try folder.contents().filter { $0.hasPrefix("merged") } == ["merged.h5"])

        // In the order of its own job, which may be another than that of the whole.
        let again = folder.file("again.h5")
        try computeAll(
            try Job.parse(
                text: outcome.job.text, path: "union", overrides: outcome.job.overrides + ["output=\(again)"],
                models: toyModels))
        #expect(try checksums(output) == checksums(again))
        // And with the whole job, in its order too: to the byte what was computed in one go.
        let ordered = folder.file("ordered.h5")
        _ = try merge(parts.map(\.output), ordered) { $0.job = whole }
        #expect(try checksums(ordered) == checksums(whole.output))
        // The whole job goes on with it, and has nothing to do.
        #expect(try openStore(whole.writing(to: output)).counts.isComplete)
    }

    @Test func theUnionKeepsAscendingAxesAscendingAndZipsTogether() throws {
        let folder = try TemporaryDirectory()
        func part(_ name: String, _ parameters: String) throws -> Job {
            let job = try toyJob(
                "model: toy\nmethods: [sgd]\nparameters: {\(parameters)}\nzip: [[L, d]]\nseeds: 2\n"
                    + "record: {times: [1]}", output: folder.file(name))
            try computeAll(job)
            return job
        }
        let one = try part("one.h5", "L: [1, 4], d: [10, 40], step_size: [0.5, 0.1]")
        let other = try part("other.h5", "L: [2, 4], d: [20, 40], step_size: [0.2, 0.1]")
        let outcome = try merge([one.output, other.output], folder.file("c.h5"))
        let grid = outcome.job.grids[0]
        #expect(grid.axes.map(\.name) == ["L", "step_size"])
        #expect(grid.axes[0].coordinates[1].values == [10, 20, 40].map(ParameterValue.integer))
        #expect(outcome.job.overrides.first == "parameters.L=[1, 2, 4]")
        #expect(grid.axes[1].coordinates[0].values == [0.5, 0.1, 0.2].map(ParameterValue.real))
        // 3 x 3 points of which neither part has (L = 1, step_size = 0.2) and (2, 0.5).
        #expect(outcome.counts[.pending] == 4 && outcome.counts[.done] == 14)
        #expect(ResultFile.validate(folder.file("c.h5")).map(\.severity) == [.incomplete])
        // It goes on where it is, with values more.
        let larger = try Job.parse(
            text: outcome.job.text, path: "union",
            overrides: outcome.job.overrides + ["seeds=3", "output=\(folder.file("c.h5"))"], models: toyModels)
        let store = try openStore(larger)
        #expect(store.counts[.done] == 14 && store.counts[.pending] == 13)
        for task in includedTasks(larger) where !store.isFinished(task) { try store.append(toyRecord(larger, task)) }
        #expect(try store.finish().isComplete)
        try computeAll(larger.writing(to: folder.file("whole.h5")))
        #expect(try checksums(folder.file("c.h5")) == checksums(folder.file("whole.h5")))
    }

    @Test func manyWholeNumbersInEqualStepsAreARange() throws {
        let folder = try TemporaryDirectory()
        let parts = try [0, 1].map { part in
            let values = (0..<6).map { String(12 * $0 + 6 * part + 10) }.joined(separator: ", ")
            let job = try toyJob(
                "model: toy\nmethods: [sgd]\nparameters: {d: [\(values)]}\nrecord: {times: [1]}",
                output: folder.file("\(part).h5"))
            try computeAll(job)
            return job
        }
        let outcome = try merge(parts.map(\.output), folder.file("c.h5"))
        #expect(outcome.job.overrides == ["parameters.d={range: [10, 76, 6]}"])
        #expect(outcome.counts.isComplete && outcome.counts[.done] == 12)
    }

    @Test func whatCannotBeJoinedIsNamed() throws {
        let folder = try TemporaryDirectory()
        let base = "model: toy\nmethods: [sgd]\nparameters: {L: [1, 2], d: 10}\nseeds: 2\nrecord: {times: [0, 1]}\n"
        let one = try toyJob(base, output: folder.file("one.h5"))
        try computeAll(one)
        let changes: [(String, String, String)] = [
            ("d: 10", "d: 20", "parameter 'd'"), ("[0, 1]", "[0, 2]", "record.times"),
            ("[0, 1]}", "[0, 1], observables: [test_loss]}", "observable 'overlap_vec'"),
            ("seeds: 2", "seeds: {count: 2, base: 5}", "seeds:"),
            ("seeds: 2", "seeds: {sem: {test_loss: 0.1}, max: 2}", "seeds:"),
            ("[0, 1]", "[0, 1], time_unit: t", "record.time_unit"),
        ]
        for (old, new, name) in changes {
            let output = folder.file("other.h5")
            let other = try toyJob(base.replacingOccurrences(of: old, with: new), output: output)
            try computeAll(other)
            let error = #expect(throws: MergeError.self) { try merge([one.output, output], folder.file("c.h5")) }
            let text = "\(try #require(error))"
            #expect(text.contains(name) && text.contains("one.h5") && text.contains("other.h5"), "\(text)")
            try FileManager.default.removeItem(atPath: output)
        }
        #expect(try folder.contents() == ["one.h5"])
        let small = try toyJob(base.replacingOccurrences(of: "[1, 2]", with: "[1]"), output: folder.file("x.h5"))
        let error = #expect(throws: MergeError.self) { try merge([one.output], folder.file("c.h5")) { $0.job = small } }
        #expect("\(try #require(error))".contains("axis 'L'"))
        #expect(throws: ResultError.self) {
            try Merge(
                inputs: [one.output], output: folder.file("c.h5"), models: [ToyModel(revision: 2)],
                provenance: testProvenance
            ).run()
        }
        #expect(try folder.contents() == ["one.h5"])
    }

    @Test func contradictionsAreListedAndNothingIsWritten() throws {
        let folder = try TemporaryDirectory()
        let one = try toyJob(wideJob, output: folder.file("one.h5"))
        let other = one.writing(to: folder.file("other.h5"))
        try computeAll(one)
        let wrong = includedTasks(one).filter { $0.method == 0 }.prefix(8)
        try compute(other, includedTasks(one)) { task in
            var record = try toyRecord(other, task)
            if wrong.contains(task) { record.buffers[0][1] = record.buffers[0][1].nextUp }
            return record
        }
        let before = try Data(contentsOf: URL(fileURLWithPath: one.output))
        for output in [folder.file("c.h5"), one.output] {
            let error = #expect(throws: MergeError.self) { try merge([one.output, other.output], output) }
            guard case .conflicts(let count, let first)? = error else {
                Issue.record("not a conflict: \(String(describing: error))")
                return
            }
            #expect(count == 8 && first.count == 5)
            let value = try toyRecord(one, wrong[0]).buffers[0][1]
            #expect(
                first[0]
                    == "sgd d=10 L=1 student=tied seed=0: test_loss at steps 1 is \(value) in '\(one.output)', "
                    + "\(value.nextUp) in '\(other.output)'")
        }
        #expect(try folder.contents() == ["one.h5", "other.h5"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: one.output)) == before)
    }

    @Test func ofSeveralFatesTheResultCounts() throws {
        let folder = try TemporaryDirectory()
        let one = try toyJob(wideJob, output: folder.file("one.h5"))
        let other = one.writing(to: folder.file("other.h5"))
        let tasks = includedTasks(one)
        func diverged(_ task: TaskID, at time: Int) throws -> TaskRecord {
            var record = try toyRecord(one, task)
            record.status = .diverged
            record.error = "diverged"
            for slot in record.buffers.indices {
                for at in record.buffers[slot].indices where at >= time { record.buffers[slot][at] = .nan }
            }
            return record
        }
        func bad(_ task: TaskID, _ status: TaskStatus) -> TaskRecord {
            TaskRecord(task: task, status: status, error: "e")
        }
        // What the two say of each task, and what is left.
        let cases: [(TaskRecord, TaskRecord, TaskStatus)] = [
            (bad(tasks[0], .failed), try toyRecord(one, tasks[0]), .done),
            (try toyRecord(one, tasks[1]), bad(tasks[1], .failed), .done),
            (bad(tasks[2], .failed), try diverged(tasks[2], at: 1), .diverged),
            (bad(tasks[3], .failed), bad(tasks[3], .failed), .failed),
            (bad(tasks[4], .spared), try toyRecord(one, tasks[4]), .done),
            // What was observed before is compared; a file does not tell NaN from nothing.
            (try diverged(tasks[5], at: 0), try diverged(tasks[5], at: 0), .diverged),
            (try diverged(tasks[6], at: 2), try diverged(tasks[6], at: 2), .diverged),
        ]
        for end in End.allCases {
            for (job, end) in [(one, end), (other, .finished)] {
                let store = try openStore(job)
                for its in cases { try store.append(job.output == one.output ? its.0 : its.1) }
                if end == .finished { _ = try store.finish() } else { try store.abandon() }
            }
            let output = folder.file("c.h5")
            _ = try merge([one.output, other.output], output)
            let store = try openStore(one.writing(to: output))
            for its in cases { #expect(store.status(its.0.task) == its.2) }
            try store.abandon()
            for name in try folder.contents() { try FileManager.default.removeItem(atPath: folder.file(name)) }
        }
        // Of the same numbers there is one fate.
        try compute(one, [tasks[0]]) { try toyRecord(one, $0) }
        try compute(other, [tasks[0]]) { try diverged($0, at: 2) }
        let error = #expect(throws: MergeError.self) { try merge([one.output, other.output], folder.file("c.h5")) }
        #expect("\(try #require(error))".contains("done in '\(one.output)', diverged in '\(other.output)'"))
    }

    @Test func aJournalHoldsMoreThanItsFileAndDamageIsMendedOrRefused() throws {
        let folder = try TemporaryDirectory()
        let one = try toyJob(wideJob, output: folder.file("one.h5"))
        let tasks = includedTasks(one)
        // Published with all but two; the last two are in the journal alone.
        try compute(one, tasks.dropLast(2)) { try toyRecord(one, $0) }
        let store = try openStore(one)
        for task in tasks.suffix(2) { try store.append(toyRecord(one, task)) }
        try store.abandon()
        let output = folder.file("c.h5")
        #expect(try merge([one.output], output).counts.isComplete)
        try computeAll(one.writing(to: folder.file("whole.h5")))
        #expect(try checksums(output) == checksums(folder.file("whole.h5")))

        let journal = URL(fileURLWithPath: one.output + ".journal")
        let good = try Data(contentsOf: journal)
        func remerge() throws -> Merge.Outcome { try merge([one.output], output) { $0.fresh = true } }
        // A damaged middle: the file has what the journal lost.
        var bad = good
        for index in stride(from: bad.count / 3, to: bad.count / 2, by: 7) { bad[index] ^= 0xFF }
        try bad.write(to: journal)
        let mended = try remerge()
        #expect(mended.counts.isComplete && mended.notices.contains { $0.contains("damaged bytes") })
        // A damaged beginning: the records are known by their checksums.
        bad = good
        for index in 0..<(bad.count / 4) { bad[index] ^= 0xFF }
        try bad.write(to: journal)
        #expect(try remerge().counts.isComplete)
        // A damaged file beside a good journal.
        try good.write(to: journal)
        let file = URL(fileURLWithPath: one.output)
        let published = try Data(contentsOf: file)
        try published.prefix(1000).write(to: file)
        #expect(try remerge().counts.isComplete)
        // Both, or the file alone: refused, and the output stays.
        let before = try checksums(output)
        try bad.write(to: journal)
        #expect(throws: ResultError.self) { try remerge() }
        try FileManager.default.removeItem(at: journal)
        let error = #expect(throws: ResultError.self) { try remerge() }
        #expect("\(try #require(error))".contains("leave it out"))
        #expect(try checksums(output) == before)
        #expect(throws: ResultError.self) { try merge([folder.file("nothing.h5")], folder.file("n.h5")) }
        #expect(try folder.contents().filter { !$0.contains(".old-") } == ["c.h5", "one.h5", "whole.h5"])
    }

    @Test func theOutputMayBeAnInputAndOthersAreNotOverwritten() throws {
        let folder = try TemporaryDirectory()
        let whole = try toyJob(wideJob, output: folder.file("whole.h5"))
        try computeAll(whole)
        let tasks = includedTasks(whole)
        let one = whole.writing(to: folder.file("one.h5"))
        let other = whole.writing(to: folder.file("other.h5"))
        try compute(one, Array(tasks.prefix(10)), .finished) { try toyRecord(one, $0) }
        try compute(other, Array(tasks.suffix(from: 10)), .abandoned) { try toyRecord(other, $0) }
        #expect(throws: MergeError.self) { try merge([one.output], other.output) }
        #expect(throws: MergeError.self) { try merge([one.output], whole.output) }
        // The output is an interrupted run: its journal must not outlive the merge.
        let outcome = try merge([other.output, one.output, one.output], other.output) { $0.removesInputs = true }
        #expect(outcome.counts.isComplete)
        #expect(try folder.contents() == ["other.h5", "whole.h5"])
        #expect(try checksums(other.output) == checksums(whole.output))
        let created = try ResultFile(other.output).attribute("created") ?? ""
        #expect(try created <= ResultFile(other.output).attribute("updated") ?? "")
        let history = try #require(try ResultFile(other.output).attribute("history"))
        let build = testProvenance.build.name
        #expect(history.contains("merged on testhost, 1 rank, version 0.0-test build \(build), of other.h5, one.h5"))
        // Both were started before.
        #expect(history.components(separatedBy: " started on testhost").count == 3)
        let larger = try Job.parse(
            text: whole.text, path: "larger", overrides: ["seeds=4", "output=\(other.output)"], models: toyModels)
        let store = try openStore(larger)
        _ = try store.finish()
        let now = try #require(try ResultFile(other.output).attribute("history"))
        #expect(now.hasPrefix(history) && now.contains("extended"))
        try FileManager.default.removeItem(atPath: other.output + ".journal")
        _ = try merge([other.output], whole.output) { $0.fresh = true }
        #expect(try folder.contents().count == 3)
    }

    @Test func resultsBeingWrittenAreRefusedByTheHoldersName() throws {
        let folder = try TemporaryDirectory()
        let one = try toyJob(wideJob, output: folder.file("one.h5"))
        let store = try openStore(one)
        let error = #expect(throws: ResultError.self) { try merge([one.output], folder.file("c.h5")) }
        #expect("\(try #require(error))".contains("process \(getpid()) on"))
        try store.abandon()
        #expect(try merge([one.output], folder.file("c.h5")).counts[.pending] == one.taskCount)
        #expect(try folder.contents() == ["c.h5", "one.h5.journal"])
    }
}
