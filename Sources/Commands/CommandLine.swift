import ArgumentParser
import Coordinator
import Foundation
import Modeling
import Synchronization

/// The whole command line over the given models; never returns.
///
/// The models are an argument so that a test binary can have other ones than the real one.
///
/// - Parameter libraries: names and versions of the libraries that the models compute with, for results; the commands
///   themselves need none.
public func runCommandLine(
    models: [any Model], libraries: @escaping @Sendable () -> [String: String] = { [:] }
) -> Never {
    Registry.shared.withLock { $0 = Registry(models: models, libraries: libraries) }
    Dynsweep.runToExit()
}

/// What this binary has. Commands are made by the argument parser, which can hand nothing to them.
private struct Registry {
    var models: [any Model] = []
    var libraries: @Sendable () -> [String: String] = { [:] }

    static let shared = Mutex(Registry())
}

/// The models of this binary.
var allModels: [any Model] { Registry.shared.withLock { $0.models } }

/// Versions of the libraries that the models compute with.
var linkedLibraries: [String: String] { Registry.shared.withLock { $0.libraries }() }

struct Dynsweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dynsweep",
        abstract: "Sweeps over learning dynamics: simulations and theory on the same axes, in one HDF5 file.",
        version: ProgramVersion.current,
        subcommands: [
            RunCommand.self, PlanCommand.self, StatusCommand.self, ModelsCommand.self, ValidateCommand.self,
            ExportCommand.self, MergeCommand.self, SubmitCommand.self,
        ])

    /// Exit codes are ours, not the argument parser's: 2 for bad arguments.
    static func runToExit() -> Never {
        do {
            var command = try parseAsRoot()
            try command.run()
            Console.exit(.allDone)
        } catch let error as FatalUserError {
            let prefix = error.isComplete ? "" : "dynsweep: error: "
            Console.log("\(prefix)\(error.text)\n")
            Console.exit(error.code)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty {
                if code.isSuccess { print(text) } else { Console.log("\(text)\n") }
            }
            Console.exit(
                code == .validationFailure ? .badInput : Coordinator.ExitCode(rawValue: code.rawValue) ?? .internalError
            )
        }
    }
}
