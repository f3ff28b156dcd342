// swift-tools-version:6.2
import Foundation
import PackageDescription

// The hot kernels are fixed-width SIMD and rounds of AES; which instructions they become is a build setting. By default it
// is the best level this machine has; DYNSWEEP_MARCH=x86-64-v3 (say) builds for older nodes. From v3 on the AES
// instructions belong to it, which all such processors have; "+vaes" are those for several blocks at a time. A binary
// started on a CPU below its level stops with a message (Sources/CPlatform), never with an illegal instruction.
func defaultArchitectureLevel() -> String {
    #if arch(x86_64)
        let flags =
            (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?
            .split(separator: "\n").first { $0.hasPrefix("flags") }?
            .split(separator: " ").map(String.init) ?? []
        let has = Set(flags)
        let vaes = has.contains("vaes") ? "+vaes" : ""
        guard has.isSuperset(of: ["avx2", "bmi1", "bmi2", "fma", "f16c", "movbe", "aes"]) else { return "x86-64" }
        let isV4 = has.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])
        return (isV4 ? "x86-64-v4" : "x86-64-v3") + vaes
    #else
        return "native-baseline"
    #endif
}

let level = Context.environment["DYNSWEEP_MARCH"] ?? defaultArchitectureLevel()
let levels = ["x86-64": 0, "x86-64-v2": 2, "x86-64-v3": 3, "x86-64-v4": 4, "native-baseline": 0]
let hasVAES = level.hasSuffix("+vaes")
let march = hasVAES ? String(level.dropLast(5)) : level
guard let levelNumber = levels[march], !hasVAES || levelNumber >= 3 else {
    fatalError("DYNSWEEP_MARCH must be x86-64, x86-64-v2, or x86-64-v3 or -v4 with or without +vaes, not '\(level)'")
}
let features = (levelNumber >= 3 ? ["-maes"] : []) + (hasVAES ? ["-mvaes"] : [])
let commit = Context.gitInformation.map { $0.currentCommit + ($0.hasUncommittedChanges ? "+changes" : "") } ?? "unknown"
let simd: [SwiftSetting] =
    levelNumber == 0 ? [] : [.unsafeFlags((["-march=\(march)"] + features).flatMap { ["-Xcc", $0] })]

// OpenBLAS is linked as an archive where Debian's is there: its kernels then are those of the level, on every processor
// (Sources/CPlatform/blas_kernels.c sets them before the library looks at the processor). Elsewhere pkg-config finds the shared
// one, which chooses by itself; what it chose is part of what every record says it was made with.
#if arch(arm64)
    let openBLASFolder = "/usr/lib/aarch64-linux-gnu/openblas-pthread"
#else
    let openBLASFolder = "/usr/lib/x86_64-linux-gnu/openblas-pthread"
#endif
let hasOpenBLASArchive = FileManager.default.fileExists(atPath: openBLASFolder + "/libopenblas.a")
let openBLAS: [LinkerSetting] =
    hasOpenBLASArchive
    ? [.unsafeFlags(["-L\(openBLASFolder)", "-l:libopenblas.a", "-l:libgfortran.a", "-l:libquadmath.a"])]
    : [.linkedLibrary("openblas")]

// The MPI library: openmpi (the default) or mpich, which its relatives of the same binary interface are too.
let mpi = Context.environment["DYNSWEEP_MPI"] ?? "openmpi"
guard ["openmpi", "mpich"].contains(mpi) else { fatalError("DYNSWEEP_MPI must be openmpi or mpich, not '\(mpi)'") }
let isMPICH = mpi == "mpich"

// A model is a folder in Sources/Models and a target of its own; its tests are the folder of the same name in Tests/Models.
// DYNSWEEP_MODELS=SequenceSingleIndex builds the models named there alone, with their tests and what they stand on: the
// quick way while one is written.
func folders(in path: String) -> [String] {
    let root = Context.packageDirectory + "/" + path
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return entries.filter { entry in
        let content = try? FileManager.default.contentsOfDirectory(atPath: root + "/" + entry)
        return content?.contains { $0.hasSuffix(".swift") } ?? false
    }.sorted()
}
let chosen = Context.environment["DYNSWEEP_MODELS"]?.split(separator: ",").map(String.init)
let models = folders(in: "Sources/Models").filter { chosen?.contains($0) ?? true }
let modelTests = folders(in: "Tests/Models").filter { chosen?.contains($0) ?? true }

/// What models stand on.
let kit: [Target.Dependency] = ["ModelKit", "Modeling", "Dynamics", "Numerics", "Randomness", "Persistence"]
let modelTargets: [Target] =
    models.map { name in
        .target(name: name, dependencies: kit + ["CVector"], path: "Sources/Models/\(name)", swiftSettings: simd)
    }
    + modelTests.map { name in
        .testTarget(
            name: name + "Tests", dependencies: kit + ["ModelTesting", "ModelExamples", .target(name: name)],
            path: "Tests/Models/\(name)", swiftSettings: simd)
    }

/// The program: engine, commands, and what runs beside it.
let program: [Target] = [
    // The models, as an explicit list.
    .target(
        name: "Models", dependencies: ["Modeling"] + models.map { .target(name: $0) }, path: "Sources/Models",
        exclude: folders(in: "Sources/Models"), sources: ["Registry.swift"], swiftSettings: simd),
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
            "Coordinator", "Results", "Sweep", "Modeling", "CPlatform",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
        ], swiftSettings: simd),
    .executableTarget(
        name: "dynsweep", dependencies: ["Commands", "Models", "Numerics", "Dynamics"], swiftSettings: simd),
    // The same command line with models that fail in every way, for tests and benchmarks of the engine. With the second MPI
    // it has these models alone, so that a test run compiles the others twice and not three times.
    .executableTarget(
        name: "dynsweep-testbench",
        dependencies: ["Commands", "Modeling", "CPlatform"] + (isMPICH ? [] : ["Models", "Numerics"]),
        path: "Tests/Testbench", swiftSettings: simd),
    // Reads mutated jobs, results, journals and rank files.
    .executableTarget(
        name: "dynsweep-fuzz", dependencies: ["Models", "Results", "Sweep", "Modeling"], path: "Tests/Fuzz",
        exclude: ["fuzz.py"], swiftSettings: simd),
    .executableTarget(
        name: "Benchmarks",
        dependencies: kit + ["Coordinator", "Results", "Sweep", "Models", "ModelExamples", "CPlatform"]
            + models.map { .target(name: $0) },
        path: "Benchmarks", exclude: ["engine.py", "reference.py", "run.py", "scale.py"], swiftSettings: simd),
]

let tests: [Target] = [
    .systemLibrary(name: "CRandom123", path: "Tests/CRandom123", providers: [.apt(["librandom123-dev"])]),
    .testTarget(
        name: "NumericsTests", dependencies: ["Numerics", "Randomness", "Persistence", "CRandom123"],
        swiftSettings: simd),
    .testTarget(
        name: "DynamicsTests", dependencies: ["Dynamics", "Numerics", "Randomness", "Persistence", "ModelTesting"],
        swiftSettings: simd),
    // What holds for all models.
    .testTarget(
        name: "ModelsTests", dependencies: ["Models", "ModelExamples", "Sweep", "Modeling", "Numerics"],
        swiftSettings: simd),
    .testTarget(name: "SweepTests", dependencies: ["Sweep", "Modeling", "Models"], swiftSettings: simd),
    .testTarget(
        name: "ResultsTests", dependencies: ["Results", "Sweep", "Modeling", "Models"], swiftSettings: simd),
    .testTarget(
        name: "CoordinatorTests",
        dependencies: ["Coordinator", "Models", "Results", "Sweep", "Modeling", "Numerics"],
        swiftSettings: simd),
]

/// Batteries of tests for the generator, with a library that is not free software.
let quality: [Target] =
    Context.environment["DYNSWEEP_TESTU01"] == nil
    ? []
    : [
        .systemLibrary(name: "CTestU01", path: "Tests/CTestU01", providers: [.apt(["libtestu01-0-dev"])]),
        .executableTarget(
            name: "RandomQuality", dependencies: ["Randomness", "CTestU01"], path: "Tests/RandomQuality",
            swiftSettings: simd),
    ]

let package = Package(
    name: "dynsweep",
    products: chosen == nil ? [.executable(name: "dynsweep", targets: ["dynsweep"])] : [],
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
            name: "COpenBLAS", path: "Sources/COpenBLAS", pkgConfig: hasOpenBLASArchive ? nil : "openblas",
            providers: [.apt(["libopenblas-pthread-dev"])]),
        .systemLibrary(name: "CSundials", path: "Sources/CSundials", providers: [.apt(["libsundials-dev"])]),
        .systemLibrary(name: "CVector", path: "Sources/CVector"),
        // HDF5 itself needs zlib for the filter that result files use.
        .target(name: "CSafeDriver", dependencies: ["CHDF5"], linkerSettings: [.linkedLibrary("z")]),
        .target(
            name: "CPlatform",
            cSettings: [
                .define("DYNSWEEP_LEVEL", to: "\(levelNumber)"), .define("DYNSWEEP_VAES", to: hasVAES ? "1" : "0"),
                .define("DYNSWEEP_COMMIT", to: "\"\(commit)\""),
                .define("DYNSWEEP_MARCH", to: "\"\(level)\""),
            ],
            // A digest of the program in the program, by which records tell what they were made with.
            linkerSettings: [.unsafeFlags(["-Xlinker", "--build-id=sha1"])]),

        // Downwards: dynsweep -> Commands -> Coordinator -> Results -> Sweep -> Modeling, and models -> ModelKit -> Dynamics
        // -> Numerics. Whatever has to do with files, ranks and grids needs no linear algebra.
        .target(name: "Persistence", swiftSettings: simd),
        .target(name: "Randomness", dependencies: ["Persistence", "CVector"], swiftSettings: simd),
        .target(
            name: "Numerics", dependencies: ["Randomness", "COpenBLAS", "CPlatform", "CVector"], swiftSettings: simd,
            linkerSettings: openBLAS),
        .target(
            name: "Dynamics", dependencies: ["Numerics", "Randomness", "Persistence", "CSundials", "CVector"],
            swiftSettings: simd),
        .target(name: "Modeling", dependencies: ["Randomness", "Persistence"], swiftSettings: simd),
        .target(
            name: "ModelKit", dependencies: ["Modeling", "Dynamics", "Numerics", "Randomness", "Persistence"],
            swiftSettings: simd),
        // What tests of models share.
        .target(
            name: "ModelTesting", dependencies: ["Modeling", "Numerics"], path: "Tests/ModelTesting",
            swiftSettings: simd),
        // Small and large points of every model, for tests of the engine over all of them and for benchmarks of costs.
        .target(name: "ModelExamples", path: "Tests/ModelExamples", swiftSettings: simd),
        .testTarget(name: "ModelKitTests", dependencies: kit + ["ModelTesting"], swiftSettings: simd),
    ] + modelTargets + (chosen == nil ? program + tests + quality : []),
    swiftLanguageModes: [.v6]
)
