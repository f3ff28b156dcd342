import ArgumentParser

@main
struct Dynsweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dynsweep", abstract: "Sweeps over learning dynamics: simulations and theory on the same axes.")
}
