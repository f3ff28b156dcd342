import Foundation
import Sweep
import Testing

@Suite("Every mistake is answered with its place and what is right")
struct BadJobTests {
    @Test(arguments: BadJob.all) func `the whole answer`(bad: BadJob) {
        do {
            _ = try Job.parse(text: bad.text, path: "job.yaml", overrides: bad.overrides, models: [ToyModel()])
            Issue.record("the job was accepted")
        } catch {
            #expect(error.description == bad.answer)
        }
    }

    @Test func `the job without mistakes is accepted`() throws {
        #expect(try job(BadJob.base).taskCount == 1)
        #expect(try job(BadJob.adding("  L: [1, 2]")).taskCount == 2)
        #expect(try job(BadJob.having("  d: 10\n  step_size: [1, 2, 3]")).taskCount == 3)
    }

    @Test func `no prefix of a job, and no damage to one character of it, stops the program`() {
        let text = JobTests.base
        let scalars = Array(text.unicodeScalars)
        for length in stride(from: 0, to: scalars.count, by: 3) {
            _ = try? job(String(String.UnicodeScalarView(scalars[..<length])))
        }
        for (position, replacement) in zip(
            stride(from: 0, to: scalars.count, by: 2),
            Array(repeating: "{[:,&*#'\"-9 \t\u{0}é", count: 100).joined().unicodeScalars)
        {
            var damaged = scalars
            damaged[position] = replacement
            _ = try? job(String(String.UnicodeScalarView(damaged)))
        }
    }

    @Test func `a thousand mistakes are not a thousand lines`() {
        let values = (1...1000).map { "-\($0)" }.joined(separator: ", ")
        do {
            _ = try Job.parse(text: BadJob.having("  d: [\(values)]"), path: "job.yaml", models: [ToyModel()])
            Issue.record("the job was accepted")
        } catch {
            #expect(error.description.split(separator: "\n").count < 50)
            #expect(error.description.hasSuffix("more errors"))
        }
    }

    @Test func `files that cannot be read`() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sweep-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func answer(_ path: String) -> String {
            do {
                return try Job.load(path: path, models: [ToyModel()]).name
            } catch {
                return error.description.replacingOccurrences(of: directory.path, with: "DIR")
            }
        }
        let latin = directory.appendingPathComponent("latin.yaml")
        try Data(Array("model: toy\nname: ".utf8) + [0xe9, 0x0a]).write(to: latin)
        #expect(
            answer(latin.path)
                == "DIR/latin.yaml:2:1: error: the file is not UTF-8 text\n  hint: save it as UTF-8")
        #expect(answer(directory.path + "/none.yaml") == "DIR/none.yaml: error: no such file")
        #expect(answer(directory.path) == "DIR: error: the file cannot be read: Is a directory")
        let good = directory.appendingPathComponent("good.yaml")
        try Data((BadJob.base + "output: \(directory.path)/new/deep/a.h5\n").utf8).write(to: good)
        #expect(answer(good.path) == "good")
    }
}
