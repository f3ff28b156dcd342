import Foundation
import Modeling
import Results
import Sweep
import Testing

@Suite struct ResultStoreTests {
    @Test func aFinishedSweepIsOneValidFile() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        for task in includedTasks(job) { try store.append(toyRecord(job, task)) }
        #expect(try folder.contents() == ["a.h5.journal", "a.h5.lock"])
        let outcome = try store.finish()
        #expect(outcome.isComplete)
        #expect(outcome.counts[.done] == job.taskCount)
        #expect(try folder.contents() == ["a.h5"])
        #expect(ResultFile.validate(job.output) == [])

        let again = try openStore(job)
        #expect(again.wasComplete)
        #expect(again.isFinished(TaskID(method: 0, point: 0, seed: 0)))
        #expect(try again.finish().isComplete)
        #expect(try folder.contents() == ["a.h5"])
    }

    @Test func theOrderOfCompletionDoesNotShowInTheFile() throws {
        let folder = try TemporaryDirectory()
        let one = try toyJob(wideJob, output: folder.file("one.h5"))
        let other = try toyJob(wideJob, output: folder.file("other.h5"))
        var random = SplitMix(state: 7)
        try fill(one, includedTasks(one))
        // In another order, and in three runs, of which two were cut short.
        let tasks = includedTasks(other).shuffled(using: &random)
        for part in [tasks[..<5], tasks[5..<20]] {
            let store = try openStore(other)
            for task in part { try store.append(toyRecord(other, task)) }
            try store.abandon()
        }
        let last = try openStore(other)
        for task in tasks where !last.isFinished(task) { try last.append(toyRecord(other, task)) }
        #expect(try last.finish().isComplete)
        #expect(try checksums(one.output) == checksums(other.output))
    }

    @Test func aPartialFileSaysWhatIsMissing() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob + "\nwhere: \"d * L < 60\"", output: folder.file("a.h5"))
        let store = try openStore(job)
        let tasks = includedTasks(job)
        try store.append(TaskRecord(task: tasks[0], status: .failed, error: "no memory", wallSeconds: 1))
        var diverged = try toyRecord(job, tasks[1])
        diverged.status = .diverged
        diverged.error = "diverged at step 3: norm"
        try store.append(diverged)
        try store.append(TaskRecord(task: tasks[2], status: .spared))
        try store.append(toyRecord(job, tasks[3]))
        let outcome = try store.finish()
        #expect(!outcome.isComplete)
        #expect(outcome.counts[.excluded] == job.taskCount - job.includedTaskCount)
        #expect(try folder.contents() == ["a.h5", "a.h5.journal"])

        let problems = ResultFile.validate(job.output)
        #expect(problems.map(\.severity) == [.incomplete])
        #expect(problems.first?.what == "\(job.includedTaskCount - 4) tasks are still pending")
        let summary = try ResultFile(job.output).summary()
        #expect(summary.counts == outcome.counts)
        #expect(summary.model == "toy")
        #expect(summary.holder == nil)
        let sgd = try #require(summary.methods.first)
        #expect(sgd.failures.map(\.error) == ["no memory", "diverged at step 3: norm"])
        #expect(sgd.failures.first?.place == "d=10 L=1 student=tied seed=0")
        let seeds = try #require(sgd.axes.last)
        #expect(seeds.name == "seed" && seeds.values.map(\.label) == ["0", "1", "2"])
        #expect(seeds.values[0].counts[.failed] == 1 && seeds.values[1].counts[.diverged] == 1)
    }

    @Test func aGridGrowsAndKeepsWhatItHas() throws {
        let folder = try TemporaryDirectory()
        let small = """
            model: toy
            methods: [sgd, ode]
            parameters: {L: [1, 3], student: untied, step_size: [0.1, 0.3]}
            seeds: 2
            record: {times: [0, 1]}
            """
        let large = """
            model: toy
            methods: [ode, sgd]
            parameters: {L: [2, 3, 1], student: [tied, untied], step_size: [0.1, 0.2, 0.3], d: [5, 10]}
            seeds: 3
            record: {times: [0, 1]}
            """
        let whole = try toyJob(large, output: folder.file("whole.h5"))
        try fill(whole, includedTasks(whole))

        // Extended from a finished file, and from a journal.
        for isFinished in [true, false] {
            let output = folder.file("grown-\(isFinished).h5")
            let before = try toyJob(small, output: output)
            let store = try openStore(before)
            for task in includedTasks(before) { try store.append(toyRecord(before, task)) }
            if isFinished { _ = try store.finish() } else { try store.abandon() }

            let after = try toyJob(large, output: output)
            let grown = try openStore(after)
            #expect(grown.counts[.done] == before.taskCount)
            for task in includedTasks(after) {
                if grown.isFinished(task) {
                    #expect(try grown.record(of: task) == toyRecord(after, task))
                } else {
                    try grown.append(toyRecord(after, task))
                }
            }
            #expect(try grown.finish().isComplete)
            #expect(try checksums(output) == checksums(whole.output))
        }
    }

    /// Only an untied student has a norm: what was computed without one has a place beside each.
    @Test(arguments: [false, true]) func anAxisThatDoesNotMatterEverywhereIsAddedToAFile(isFinished: Bool) throws {
        let folder = try TemporaryDirectory()
        func text(_ parameters: String) -> String {
            "model: toy\nmethods: [sgd, ode, closed-form]\nparameters: {\(parameters)}\nseeds: 2\nrecord: {times: [0, 1]}"
        }
        let before = try toyJob(text("L: [1, 3], student: tied"), output: folder.file("a.h5"))
        let store = try openStore(before)
        for task in includedTasks(before) { try store.append(toyRecord(before, task)) }
        if isFinished { _ = try store.finish() } else { try store.abandon() }

        let larger = text("L: [1, 3], student: [tied, untied], norm_mode: [token, global]")
        let after = try toyJob(larger, output: folder.file("a.h5"))
        let grown = try openStore(after)
        // sgd: 2 L times 2 norms times 2 seeds, ode: 2 L times 2 norms, closed form: 2 norms.
        #expect(grown.counts[.done] == 8 + 4 + 2)
        var computed = 0
        for task in includedTasks(after) {
            let isTied = after.grids[task.method].point(at: task.point)["student"] == .text("tied")
            #expect(grown.isFinished(task) == isTied)
            if isTied {
                // The same numbers, though not the same time and rank.
                #expect(try grown.record(of: task)?.buffers == toyRecord(after, task).buffers)
            } else {
                try grown.append(toyRecord(after, task))
                computed += 1
            }
        }
        #expect(computed == 8 + 4 + 2)
        #expect(try grown.finish().isComplete)
        let whole = try toyJob(larger, output: folder.file("whole.h5"))
        try fill(whole, includedTasks(whole))
        #expect(try checksums(after.output) == checksums(whole.output))
    }

    @Test func anotherJobIsRefusedAndChangesNothing() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let other = try toyJob(wideJob.replacingOccurrences(of: "[0, 1, 10]", with: "[0, 1, 11]"), output: job.output)
        for isFinished in [false, true] {
            let store = try openStore(job)
            for task in includedTasks(job) where !store.isFinished(task) { try store.append(toyRecord(job, task)) }
            if isFinished { _ = try store.finish() } else { try store.abandon() }
            let before = try folder.contents()
            let error = #expect(throws: ResultError.self) { try openStore(other) }
            #expect("\(try #require(error))".contains("record.times"))
            #expect(try folder.contents() == before)
        }
        var fresh = quiet
        fresh.fresh = true
        let store = try openStore(other, fresh)
        #expect(store.counts[.done] == 0)
        try store.abandon()
        let aside = try #require(try folder.contents().first { $0.hasPrefix("a.h5.old-") })
        #expect(ResultFile.validate(folder.file(aside)) == [])
        // Twice within a second: nothing is overwritten.
        try openStore(other, fresh).abandon()
        try openStore(other, fresh).abandon()
        #expect(try folder.contents().filter { $0.hasPrefix("a.h5.old-") }.count == 3)
    }

    @Test func resultsOfAnotherRevisionOfTheModelAreRefusedAndThoseOfAnotherProgramAreNot() throws {
        let folder = try TemporaryDirectory()
        func open(_ revision: Int, _ version: String) throws -> (Job, ResultStore) {
            let models = [ToyModel(revision: revision)]
            let job = try Job.parse(
                text: wideJob + "\noutput: \(folder.file("a.h5"))\n", path: "toy.yaml", models: models)
            return (
                job,
                try ResultStore.open(
                    job: job, models: models, options: quiet, provenance: Provenance(programVersion: version))
            )
        }
        for isFinished in [false, true] {
            let (job, store) = try open(1, "0.3.1")
            for task in includedTasks(job) where !store.isFinished(task) { try store.append(toyRecord(job, task)) }
            if isFinished { _ = try store.finish() } else { try store.abandon() }
            let before = try folder.contents()
            let error = #expect(throws: ResultError.self) { try open(2, "0.3.1") }
            let text = "\(try #require(error))"
            #expect(text.contains("of revision 1 of model 'toy' (program version 0.3.1)"), "\(text)")
            #expect(text.contains("has revision 2") && text.contains("--fresh"), "\(text)")
            #expect(try folder.contents() == before)
            try open(1, "7.0").1.abandon()
        }
        #expect(try ResultFile(folder.file("a.h5")).attribute("effective_job")?.hasPrefix("{\"name\": \"toy\"") == true)
    }

    @Test func aDamagedFileIsRebuiltFromItsJournal() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        let tasks = includedTasks(job)
        for task in tasks.dropLast() { try store.append(toyRecord(job, task)) }
        _ = try store.finish()
        try Data("not HDF5".utf8).write(to: URL(fileURLWithPath: job.output))
        #expect(ResultFile.validate(job.output).first?.severity == .error)
        let again = try openStore(job)
        #expect(again.counts[.done] == tasks.count - 1)
        try again.append(toyRecord(job, tasks[tasks.count - 1]))
        _ = try again.finish()
        #expect(ResultFile.validate(job.output) == [])
    }

    @Test func whatADamagedJournalLostComesFromTheFile() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        let tasks = includedTasks(job)
        for task in tasks.dropLast() { try store.append(toyRecord(job, task)) }
        _ = try store.finish()
        let journal = URL(fileURLWithPath: job.output + ".journal")
        var bytes = try Data(contentsOf: journal)
        for index in stride(from: bytes.count / 3, to: 2 * bytes.count / 3, by: 7) { bytes[index] ^= 0xFF }
        try bytes.write(to: journal)
        #expect(try JournalFile.read(journal.path, grid: 1).records.count < tasks.count - 5)
        let again = try openStore(job)
        #expect(again.counts[.done] == tasks.count - 1)
        for task in tasks.dropLast() { #expect(try again.record(of: task) == toyRecord(job, task)) }
        try again.abandon()
    }

    @Test func aDamagedFileAloneIsRefused() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        try fill(job, includedTasks(job))
        let good = try Data(contentsOf: URL(fileURLWithPath: job.output))
        // Every byte counts: the data, the metadata, the seal.
        for index in stride(from: 0, to: good.count, by: good.count / 100) + [good.count - 40, good.count - 1] {
            var bad = good
            bad[index] ^= 0x40
            try bad.write(to: URL(fileURLWithPath: job.output))
            #expect(ResultFile.validate(job.output).map(\.severity) == [.error], "byte \(index)")
            #expect(throws: ResultError.self) { try openStore(job) }
        }
        try good.prefix(good.count / 2).write(to: URL(fileURLWithPath: job.output))
        #expect(throws: ResultError.self) { try openStore(job) }
        #expect(try folder.contents() == ["a.h5"])
    }

    @Test func sparedSeedsAreLookedAtAnewWhenTheRuleChanges() throws {
        let folder = try TemporaryDirectory()
        func job(_ error: Double) throws -> Job {
            try toyJob(
                "model: toy\nmethods: [sgd]\nseeds: {sem: {test_loss: \(error)}, max: 4}\nrecord: {times: [1]}",
                output: folder.file("a.h5"))
        }
        let first = try job(0.1)
        let store = try openStore(first)
        for seed in 0..<2 { try store.append(toyRecord(first, TaskID(method: 0, point: 0, seed: seed))) }
        for seed in 2..<4 {
            try store.append(TaskRecord(task: TaskID(method: 0, point: 0, seed: seed), status: .spared))
        }
        #expect(try store.values(of: TaskID(method: 0, point: 0, seed: 1), observable: "test_loss")?.count == 1)
        #expect(try store.finish().isComplete)
        let same = try openStore(first)
        #expect(same.wasComplete && same.counts[.spared] == 2)
        _ = try same.finish()
        let stricter = try openStore(try job(0.01))
        #expect(stricter.counts[.spared] == 0 && stricter.counts[.pending] == 2 && stricter.counts[.done] == 2)
        try stricter.abandon()
    }

    @Test func aRunThatDiesAfterTheRuleForSeedsChangedLeavesNothingSparedByTheOldOne() throws {
        let folder = try TemporaryDirectory()
        func job(_ error: Double) throws -> Job {
            try toyJob(
                "model: toy\nmethods: [sgd]\nseeds: {sem: {test_loss: \(error)}, max: 4}\nrecord: {times: [1]}",
                output: folder.file("a.h5"))
        }
        let store = try openStore(try job(0.1))
        for seed in 2..<4 {
            try store.append(TaskRecord(task: TaskID(method: 0, point: 0, seed: seed), status: .spared))
        }
        try store.abandon()
        for _ in 0..<2 {
            let stricter = try openStore(try job(0.01))
            #expect(stricter.counts[.spared] == 0 && stricter.counts[.pending] == 4)
            try stricter.abandon()
        }
    }

    @Test func aDiskThatRefusesTheFileIsNamedAndTheJournalKept() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        for task in includedTasks(job) { try store.append(toyRecord(job, task)) }
        // Nothing can be written where a folder is.
        try FileManager.default.createDirectory(atPath: job.output + ".publishing", withIntermediateDirectories: false)
        let error = #expect(throws: ResultError.self) { try store.finish() }
        #expect("\(try #require(error))" == "cannot remove '\(job.output).publishing': Is a directory")
        try store.abandon()
        #expect(try folder.contents() == ["a.h5.journal", "a.h5.publishing"])
        try FileManager.default.removeItem(atPath: job.output + ".publishing")
        #expect(try openStore(job).finish().isComplete)
    }

    @Test func aRemovedJournalIsWrittenAnew() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        let tasks = includedTasks(job)
        for task in tasks { try store.append(toyRecord(job, task)) }
        try FileManager.default.removeItem(atPath: job.output + ".journal")
        let error = #expect(throws: ResultError.self) { try store.finish() }
        #expect("\(try #require(error))".contains("was removed while the run went on"))
        #expect(try store.abandon() == job.output + ".journal")
        let again = try openStore(job)
        #expect(again.counts[.done] == tasks.count)
        #expect(try again.finish().isComplete)
    }

    @Test func failedTasksRunAgainWhenAsked() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        let tasks = includedTasks(job)
        for task in tasks.dropFirst() { try store.append(toyRecord(job, task)) }
        try store.append(TaskRecord(task: tasks[0], status: .failed, error: "killed"))
        #expect(try store.finish().isComplete)
        var again = quiet
        again.retriesFailed = true
        let second = try openStore(job, again)
        #expect(second.counts[.pending] == 1)
        try second.append(toyRecord(job, tasks[0]))
        // A late failure of a task that is done changes nothing.
        try second.append(TaskRecord(task: tasks[0], status: .failed, error: "late"))
        #expect(try second.finish().counts[.done] == tasks.count)
    }

    @Test func recordsThatDoNotFitAreRefused() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        let task = TaskID(method: 0, point: 0, seed: 0)
        var wrong = try toyRecord(job, task)
        wrong.buffers[0].append(1)
        let other = TaskRecord(task: TaskID(method: 0, point: 10_000, seed: 0), status: .failed)
        for record in [wrong, other, TaskRecord(task: task, status: .done), TaskRecord(task: task, status: .pending)] {
            #expect(throws: ResultError.self) { try store.append(record) }
        }
        #expect(throws: ResultError.self) { try store.append([1, 2, 3]) }
        #expect(store.counts[.pending] == job.taskCount)
        try store.abandon()
    }

    @Test func anUnwritableOutputIsAnError() throws {
        let folder = try TemporaryDirectory()
        try Data().write(to: URL(fileURLWithPath: folder.file("file")))
        let job = try Job.parse(
            text: wideJob + "\noutput: \(folder.file("file"))/sub/a.h5", path: "toy.yaml", models: toyModels,
            checksOutput: false)
        #expect(throws: ResultError.self) { try openStore(job) }
    }

    @Test func theFileIsPublishedWhileTheRunGoesOn() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        var options = ResultStore.Options()
        options.firstPublishSeconds = 0.05
        options.publishShare = 1
        options.syncSeconds = 0.02
        let store = try openStore(job, options)
        try store.append(toyRecord(job, TaskID(method: 0, point: 0, seed: 0)))
        let end = Date().addingTimeInterval(30)
        while Date() < end, (try? ResultFile(job.output).summary())?.counts[.done] != 1 { usleep(10_000) }
        #expect(try ResultFile(job.output).summary().counts[.done] == 1)
        #expect(try ResultFile(job.output).summary().holder?.pid == getpid())
        #expect(store.publishingProblem == nil)
        try store.abandon()
    }

    private func fill(_ job: Job, _ tasks: [TaskID]) throws {
        let store = try openStore(job)
        for task in tasks { try store.append(toyRecord(job, task)) }
        #expect(try store.finish().isComplete)
    }
}
