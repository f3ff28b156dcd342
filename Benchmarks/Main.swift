import CPlatform
import Foundation
import Numerics

/// A named set of timings. Each returns its results by name: seconds, nanoseconds or whatever the name's ending says.
struct Benchmark: Sendable {
    let name: String
    let run: @Sendable () throws -> [String: Double]
}

/// Add a benchmark here, its NumPy side (if it has one) to `reference.py`, and its target to `run.py`.
let benchmarks = [
    Benchmark(name: "machine", run: benchmarkMachine),
    Benchmark(name: "random", run: benchmarkRandom),
    Benchmark(name: "sgd", run: benchmarkSGD),
    Benchmark(name: "chain", run: benchmarkChain),
    Benchmark(name: "attention", run: benchmarkSelfAttention),
    Benchmark(name: "slr", run: benchmarkSingleLocation),
    Benchmark(name: "dmft-gd", run: benchmarkGradientDynamics),
    Benchmark(name: "dmft", run: benchmarkMeanFieldDynamics),
    Benchmark(name: "smi", run: benchmarkSequenceMultiIndex),
    Benchmark(name: "miw", run: benchmarkMultiIndexWeakRecovery),
    Benchmark(name: "bsr", run: benchmarkBilinearSequence),
    Benchmark(name: "ewq", run: benchmarkExtensiveWidth),
    Benchmark(name: "costs", run: benchmarkCosts),
    Benchmark(name: "coordination", run: benchmarkCoordination),
]

@main
struct Main {
    /// `Benchmarks [NAME ...]` prints one JSON object, results by name; without names all run. `Benchmarks --about` prints
    /// what this program was built for and the BLAS that it found.
    static func main() throws {
        let asked = CommandLine.arguments.dropFirst()
        if asked == ["--about"] {
            print("built for \(String(cString: cplatform_architecture_level())); \(BLAS.linkedVersion)")
            return
        }
        let names = benchmarks.map(\.name)
        for name in asked where !names.contains(name) {
            FileHandle.standardError.write(Data("unknown benchmark '\(name)'; there are: \(names)\n".utf8))
            exit(2)
        }
        var results: [String: Double] = [:]
        for benchmark in benchmarks where asked.isEmpty || asked.contains(benchmark.name) {
            results.merge(try benchmark.run()) { $1 }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        print(String(decoding: try encoder.encode(results), as: UTF8.self))
    }
}

/// The shortest of `repeats` runs of `body`, in seconds: the run the rest of the machine disturbed least.
func shortestSeconds(repeats: Int, _ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    var best = Duration.seconds(1e9)
    for _ in 0..<repeats { best = min(best, try clock.measure(body)) }
    return best / .seconds(1)
}
