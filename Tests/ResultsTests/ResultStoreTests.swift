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
    }

    @Test func theOrderOfCompletionDoesNotShowInTheFile() throws {
        let folder = try TemporaryDirectory()
        let one = try toyJob(wideJob, output: folder.file("one.h5"))
        let other = try toyJob(wideJob, output: folder.file("other.h5"))
        var random = SplitMix(state: 7)
        for (job, tasks) in [(one, includedTasks(one)), (other, includedTasks(other).shuffled(using: &random))] {
            let store = try openStore(job)
            for task in tasks { try store.append(toyRecord(job, task)) }
            _ = try store.finish()
        }
        #expect(try checksums(one.output) == checksums(other.output))
    }
}
