import ArgumentParser
import Coordinator
import Results

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Checks a result file: schema, checksums of every variable, completeness.",
        discussion: "Exit code 0 when it is sound and complete, 75 when it is sound and tasks are pending, 1 otherwise."
    )

    @Argument(help: "The result file.")
    var file: String

    func run() throws {
        let problems = ResultFile.validate(file)
        for problem in problems { print("\(problem.severity.rawValue): \(problem)") }
        if problems.isEmpty { print("\(file) is sound and complete") }
        if let builds = try? ResultFile(file).buildCounts() {
            for line in buildLines(builds) { print(line) }
        }
        let isDamaged = problems.contains { $0.severity == .error }
        throw ArgumentParser.ExitCode(
            (problems.isEmpty ? Coordinator.ExitCode.allDone : isDamaged ? .someFailed : .stoppedEarly).rawValue)
    }
}
