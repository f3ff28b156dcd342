import ArgumentParser
import Coordinator
import Foundation
import Numerics

@main
struct Dynsweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dynsweep",
        abstract: "Sweeps over learning dynamics: simulations and theory on the same axes, in one HDF5 file.",
        version: ProgramVersion.current,
        subcommands: [
            RunCommand.self, PlanCommand.self, StatusCommand.self, ModelsCommand.self, ValidateCommand.self,
            ExportCommand.self,
        ])

    /// Exit codes are ours, not the argument parser's: 2 for bad arguments.
    static func main() {
        BLAS.setSingleThreaded()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as FatalUserError {
            let prefix = error.isComplete ? "" : "dynsweep: error: "
            FileHandle.standardError.write(Data("\(prefix)\(error.text)\n".utf8))
            Foundation.exit(error.code.rawValue)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty {
                (code.isSuccess ? FileHandle.standardOutput : .standardError).write(Data("\(text)\n".utf8))
            }
            Foundation.exit(code == .validationFailure ? Coordinator.ExitCode.badInput.rawValue : code.rawValue)
        }
    }
}
