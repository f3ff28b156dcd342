import ArgumentParser
import Coordinator
import Foundation
import Results

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes results as a tidy table: one row a point, seed and time.",
        discussion: "Numbers are written so that they read back exactly.")

    @Argument(help: "The result file.")
    var file: String

    @Flag(help: "Comma-separated values (the only format there is).")
    var csv = false

    @Option(help: "The method; needed when the file has several.")
    var method: String?

    @Option(name: [.short, .customLong("output")], help: "Where to; standard output when not given, or '-'.")
    var output: String?

    func validate() throws {
        if !csv { throw ValidationError("say in which format: --csv") }
    }

    func run() throws {
        do {
            if let output, !["-", "/dev/stdout"].contains(output) {
                try export(to: output)
            } else {
                try ResultFile.exportCSV(file, method: method) { Console.write($0) }
            }
        } catch {
            throw FatalUserError("\(error)", code: .badInput)
        }
    }

    /// The table appears under its name when it is whole.
    private func export(to path: String) throws {
        try OutputFile.write(path) { handle in
            try ResultFile.exportCSV(file, method: method) { try handle.write(contentsOf: Data($0.utf8)) }
        }
    }
}
