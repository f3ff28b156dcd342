import Foundation
import Sweep
import Testing

@Suite("The documentation")
struct DocumentationTests {
    /// The YAML blocks behind `<!-- job -->` in docs/job-file.md.
    static let jobs: [String] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/job-file.md")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.components(separatedBy: "<!-- job -->\n```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
    }()

    @Test func `has examples`() { #expect(Self.jobs.count == 11) }

    @Test(arguments: jobs) func `every example is a job`(text: String) throws {
        let job = try job(text)
        #expect(job.includedTaskCount > 0)
        #expect(job.notes.isEmpty)
        #expect(try Plan(job).tasks == job.includedTaskCount)
    }

    @Test func `--set as documented`() throws {
        let base = try #require(Self.jobs.first)
        let changed = try job(
            base,
            set: [
                "L=[2, 4]", "gamma={linspace: [0.1, 1, 3]}", "parameters.d=50", "seeds=4", "record.times=[0,10,100]",
                "output=b.h5", "per_method.ode.d=1000", "where=L < 3",
            ])
        #expect(changed.axes.map(\.count) == [2, 3])
        #expect(changed.grids[0].seedCount == 4)
        #expect(changed.times.values == [0, 10, 100])
        #expect(changed.output == "b.h5")
        #expect(changed.grids[0].fixed["d"] == .integer(50))
        #expect(changed.grids[1].fixed["d"] == .integer(1000))
        #expect(changed.grids[0].includedCount == 3)
        // The text and the overrides together are the job.
        let again = try Job.parse(
            text: changed.text, path: changed.path, overrides: changed.overrides, models: [ToyModel()],
            checksOutput: false)
        #expect(again.incompatibilities(with: changed) == [] && changed.incompatibilities(with: again) == [])
    }
}
