import Coordinator
import Foundation
import Logging
import Modeling
import Results
import Sweep
import Testing

/// Whole runs on one rank, without MPI.
@Suite struct SweepRunTests {
    private func run(_ path: String, fresh: Bool = false, overrides: [String] = []) -> ExitCode {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let options = RunOptions(jobPath: path, overrides: overrides, isFresh: fresh, isQuiet: true)
        return SweepRun(options: options, models: [WalkModel()], logger: logger).run()
    }

    private func summary(_ folder: Folder, _ name: String = "out.h5") throws -> ResultSummary {
        try ResultFile(folder.path + "/" + name).summary()
    }

    @Test func everyFateOfATaskIsInTheFileAndTheExitCodeSaysSo() throws {
        let folder = try Folder()
        let path = try folder.job(
            """
            methods: [walk, variance]
            parameters: {fate: [done, throws, diverges]}
            seeds: 4
            record: {times: [0, 10, 100]}
            """)
        #expect(run(path) == .someFailed)
        let walk = try #require(try summary(folder).methods.first { $0.name == "walk" })
        #expect(walk.counts[.done] == 4)
        #expect(walk.counts[.failed] == 4)
        #expect(walk.counts[.diverged] == 4)
        #expect(walk.reasons.contains { $0.error.contains("diverged at step 50: told to") && $0.count == 4 })
        #expect(walk.reasons.contains { $0.error.contains("did not converge: told to") && $0.count == 4 })
        // The theory does not see the fate: it has one task, not three.
        let theory = try #require(try summary(folder).methods.first { $0.name == "variance" })
        #expect(theory.counts.total == 1)
        #expect(run(path) == .someFailed, "a second run has nothing to do and says the same")
    }

    @Test func aTaskOverTheMemoryLimitFailsWithBothNumbers() throws {
        let folder = try Folder()
        let path = try folder.job(
            """
            methods: [walk]
            parameters: {size: [1000, 3000000000]}
            record: {times: [1]}
            seeds: 1
            limits: {task_memory: 2GB}
            """)
        #expect(run(path) == .someFailed)
        let method = try summary(folder).methods[0]
        #expect(method.counts[.done] == 1)
        #expect(
            method.failures.first?.error
                == "not begun: by the estimate it would hold 3.0 GB, over limits.task_memory (2.0 GB); "
                + "lower size (3000000000), or raise the limit")
    }

    @Test func aTaskThatIsExpectedToTakeFarTooLongIsNotBegun() throws {
        let folder = try Folder()
        let path = try folder.job(
            """
            methods: [walk]
            parameters: {milliseconds: [1, 7200000]}
            record: {times: [1]}
            seeds: 1
            limits: {task_minutes: 30}
            """)
        let start = ContinuousClock.now
        #expect(run(path) == .someFailed)
        #expect(ContinuousClock.now - start < .seconds(600))
        let method = try summary(folder).methods[0]
        #expect(method.counts[.done] == 1)
        #expect(
            method.failures.first?.error
                == "not begun: by the estimate it would take 2.0 h, over limits.task_minutes (30 min); "
                + "lower milliseconds (7200000), or raise the limit")
    }

    /// As the test of the common rule below, for one method of two.
    @Test func aMethodHasSeedsOfItsOwn() throws {
        let folder = try Folder()
        let path = try folder.job(
            """
            methods: [walk, sampled, variance]
            parameters: {scale: [0.1, 1]}
            record: {times: [4]}
            seeds: 3
            per_method: {sampled: {seeds: {sem: {position: 0.25}, max: 400}}}
            """)
        #expect(run(path) == .allDone)
        let methods = try summary(folder).methods
        #expect(methods.map(\.counts.total) == [6, 800, 2])
        #expect(methods[0].counts[.done] == 6 && methods[0].counts[.spared] == 0)
        #expect(methods[1].counts[.spared] > 0 && methods[1].counts[.done] < 300)
        #expect(methods[1].counts[.done] > 8 + 16)
    }

    @Test func aTaskOverTheTimeLimitIsStopped() throws {
        let folder = try Folder()
        let path = try folder.job(
            """
            methods: [walk]
            record: {times: [1000000000000]}
            seeds: 1
            limits: {task_minutes: 0.0005}
            """)
        #expect(run(path) == .someFailed)
        #expect(try summary(folder).methods[0].failures.first?.error.contains("limits.task_minutes") == true)
    }

    /// x after 4 steps of size s has standard deviation 2 s: to bring its standard error below 0.25, s = 1 needs about
    /// 64 seeds and s = 0.1 fewer than the minimum of 8.
    @Test func seedsAreAddedUntilTheStandardErrorIsSmallEnough() throws {
        let folder = try Folder()
        let path = try folder.job(
            """
            methods: [walk]
            parameters: {scale: [0.1, 1]}
            record: {times: [0, 4]}
            seeds: {sem: {position: 0.25}, min: 8, max: 400}
            """)
        #expect(run(path) == .allDone)
        let file = folder.path + "/out.h5"
        let axis = try #require(try summary(folder).methods[0].axes.first { $0.name == "scale" })
        let done = axis.values.map { $0.counts[.done] }
        #expect(done[0] == 8)
        #expect((32...128).contains(done[1]), "\(done[1]) seeds")
        #expect(axis.values.allSatisfy { $0.counts[.done] + $0.counts[.spared] == 400 })
        #expect(ResultFile.validate(file).isEmpty)

        // Twice the precision: four times the seeds, and those that are there are kept.
        #expect(run(path, overrides: ["seeds={sem: {position: 0.125}, min: 8, max: 400}"]) == .allDone)
        let more = try #require(try summary(folder).methods[0].axes.first { $0.name == "scale" })
        #expect(more.values[0].counts[.done] == 8)
        #expect((130...400).contains(more.values[1].counts[.done]))
    }

    /// Half of the walks never hit: their mean time has no error, and stopping early would pretend that it has.
    @Test func infiniteValuesNeverMeetATolerance() throws {
        let folder = try Folder()
        let path = try folder.job(
            "methods: [walk]\nrecord: {times: [4]}\nseeds: {sem: {hit: 0.5}, min: 8, max: 20}\n")
        #expect(run(path) == .allDone)
        #expect(try summary(folder).counts[.done] == 20)
    }

    @Test func theSeedsThatTheRuleRunsDoNotDependOnInterruptions() throws {
        let folder = try Folder()
        let rule = "methods: [walk]\nrecord: {times: [4]}\nseeds: {sem: {position: 0.25}, min: 8, max: 400}\n"
        #expect(run(try folder.job(rule, output: "whole.h5")) == .allDone)
        // First only 20 seeds, as a run does that was stopped there; then the rule.
        #expect(run(try folder.job(rule + "", output: "parts.h5"), overrides: ["seeds=20"]) == .allDone)
        #expect(run(try folder.job(rule, output: "parts.h5")) == .allDone)
        let whole = try summary(folder, "whole.h5").counts[.done]
        let parts = try summary(folder, "parts.h5").counts[.done]
        #expect(parts == max(whole, 20))
    }

    @Test func badJobsAndRefusalsHaveCodeTwoAndLeaveNothing() throws {
        let folder = try Folder()
        let path = try folder.job("methods: [wolk]\n")
        #expect(run(path) == .badInput)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["job.yaml"])
        #expect(run(folder.path + "/no-such.yaml") == .badInput)
    }
}
