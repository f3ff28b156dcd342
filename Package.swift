// swift-tools-version:6.2
import Foundation
import PackageDescription

// The hot kernels are fixed-width SIMD; which instructions they become is a build setting. By default it is the best
// level this machine has; DYNSWEEP_MARCH=x86-64-v3 (say) builds for older nodes. A binary started on a CPU below its
// level stops with a message (Sources/CPlatform), never with an illegal instruction.
func defaultArchitectureLevel() -> String {
    #if arch(x86_64)
        let flags =
            (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?
            .split(separator: "\n").first { $0.hasPrefix("flags") }?
            .split(separator: " ").map(String.init) ?? []
        let has = Set(flags)
        if has.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]) { return "x86-64-v4" }
        if has.isSuperset(of: ["avx2", "bmi1", "bmi2", "fma", "f16c", "movbe"]) { return "x86-64-v3" }
        return "x86-64"
    #else
        return "native-baseline"
    #endif
}

let level = Context.environment["DYNSWEEP_MARCH"] ?? defaultArchitectureLevel()
let levelNumber = ["x86-64-v2": "2", "x86-64-v3": "3", "x86-64-v4": "4"][level] ?? "0"
let commit = Context.gitInformation.map { $0.currentCommit + ($0.hasUncommittedChanges ? "+changes" : "") } ?? "unknown"
let simd: [SwiftSetting] =
    levelNumber == "0" ? [] : [.unsafeFlags(["-Xcc", "-march=\(level)"])]

// The MPI library: openmpi (the default) or mpich, which its relatives of the same binary interface are too.
let mpi = Context.environment["DYNSWEEP_MPI"] ?? "openmpi"
guard ["openmpi", "mpich"].contains(mpi) else { fatalError("DYNSWEEP_MPI must be openmpi or mpich, not '\(mpi)'") }
let isMPICH = mpi == "mpich"

let package = Package(
    name: "dynsweep",
    products: [.executable(name: "dynsweep", targets: ["dynsweep"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-atomics", from: "1.3.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // The C libraries: a module map and a shim header each; the shims only wrap macros that Swift cannot import.
        .systemLibrary(
            name: "CMPI", path: "Sources/CMPI", pkgConfig: isMPICH ? "mpich" : "ompi-c",
            providers: [.apt([isMPICH ? "libmpich-dev" : "libopenmpi-dev"])]),
        .systemLibrary(
            name: "CHDF5", path: "Sources/CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(
            name: "COpenBLAS", path: "Sources/COpenBLAS", pkgConfig: "openblas",
            providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CSundials", path: "Sources/CSundials", providers: [.apt(["libsundials-dev"])]),
        .systemLibrary(name: "CVector", path: "Sources/CVector"),
        .target(name: "CSafeDriver", dependencies: ["CHDF5"]),
        .target(
            name: "CPlatform",
            cSettings: [
                .define("DYNSWEEP_LEVEL", to: levelNumber), .define("DYNSWEEP_COMMIT", to: "\"\(commit)\""),
                .define("DYNSWEEP_MARCH", to: "\"\(level)\""),
            ]),

        // Downwards: dynsweep -> Commands -> Coordinator -> Results -> Sweep -> Modeling, and Models -> Dynamics -> Numerics.
        .target(name: "Numerics", dependencies: ["COpenBLAS", "CVector"], swiftSettings: simd),
        .target(name: "Dynamics", dependencies: ["Numerics", "CSundials", "CVector"], swiftSettings: simd),
        .target(name: "Modeling", dependencies: ["Numerics"], swiftSettings: simd),
        .target(name: "Models", dependencies: ["Modeling", "Dynamics", "Numerics"], swiftSettings: simd),
        .target(
            name: "Sweep", dependencies: ["Modeling", .product(name: "Yams", package: "Yams")], swiftSettings: simd),
        .target(name: "Results", dependencies: ["Sweep", "Modeling", "CHDF5", "CSafeDriver"], swiftSettings: simd),
        .target(
            name: "Coordinator",
            dependencies: [
                "Results", "Sweep", "Modeling", "CMPI", "CPlatform",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Atomics", package: "swift-atomics"),
            ],
            // Links to the templates in slurm/, so that the binary needs no files beside it.
            resources: [.embedInCode("Slurm/job.sbatch"), .embedInCode("Slurm/merge.sbatch")], swiftSettings: simd,
            // MPICH's library has different names; its pkg-config file says which.
            linkerSettings: isMPICH ? [] : [.linkedLibrary("mpi")]),
        .target(
            name: "Commands",
            dependencies: [
                "Coordinator", "Results", "Sweep", "Modeling", "Dynamics", "Numerics", "CPlatform",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: simd),
        .executableTarget(name: "dynsweep", dependencies: ["Commands", "Models"], swiftSettings: simd),
        // The same command line over models that fail in every way, for tests and benchmarks only.
        .executableTarget(
            name: "dynsweep-testbench", dependencies: ["Commands", "Models", "Modeling", "Numerics", "CPlatform"],
            path: "Tests/Testbench", swiftSettings: simd),
        .executableTarget(
            name: "Benchmarks",
            dependencies: ["Coordinator", "Models", "Modeling", "Numerics", "Results", "Sweep"], path: "Benchmarks",
            exclude: ["engine.py", "reference.py", "run.py", "scale.py"], swiftSettings: simd),

        .systemLibrary(name: "CRandom123", path: "Tests/CRandom123", providers: [.apt(["librandom123-dev"])]),
        .testTarget(name: "NumericsTests", dependencies: ["Numerics", "CRandom123"], swiftSettings: simd),
        .testTarget(name: "DynamicsTests", dependencies: ["Dynamics", "Numerics"], swiftSettings: simd),
        .testTarget(
            name: "ModelsTests", dependencies: ["Models", "Modeling", "Dynamics", "Numerics"], swiftSettings: simd),
        .testTarget(name: "SweepTests", dependencies: ["Sweep", "Modeling", "Models"], swiftSettings: simd),
        .testTarget(
            name: "ResultsTests", dependencies: ["Results", "Sweep", "Modeling", "Models"], swiftSettings: simd),
        .testTarget(
            name: "CoordinatorTests",
            dependencies: ["Coordinator", "Models", "Results", "Sweep", "Modeling", "Numerics"],
            swiftSettings: simd),
    ],
    swiftLanguageModes: [.v6]
)
