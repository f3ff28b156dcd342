import Foundation
import Results
import Sweep
import Testing

@Suite struct RunLockTests {
    @Test func aLivingHolderIsNamed() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        let error = #expect(throws: ResultError.self) { try openStore(job) }
        #expect("\(try #require(error))".contains("process \(getpid()) on \(LockHolder.hostName())"))
        try store.abandon()
        try openStore(job).abandon()
    }

    @Test func aDeadHolderIsReplaced() throws {
        let folder = try TemporaryDirectory()
        let job = try toyJob(wideJob, output: folder.file("a.h5"))
        let store = try openStore(job)
        let lock = URL(fileURLWithPath: job.output + ".lock")
        let text = try String(contentsOf: lock, encoding: .utf8)
        try store.abandon()
        // A pid that no process has, and a living pid that was recycled.
        for (key, value) in [("pid", "4194999"), ("processStart", "1"), ("bootID", "\"another boot\"")] {
            var fields = try #require(
                try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            fields[key] = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
            try JSONSerialization.data(withJSONObject: fields).write(to: lock)
            try openStore(job).abandon()
            #expect(try !folder.contents().contains("a.h5.lock"))
        }
        try Data("debris".utf8).write(to: lock)
        try openStore(job).abandon()
    }
}
