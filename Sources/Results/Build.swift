import Foundation
import Sweep

/// What numbers were made with: a program, and the kernels of the libraries that it computes with.
///
/// A model's revision says which numbers it means to give; its build says which program gave them.
public struct Build: Codable, Sendable, Hashable {
    /// Stands for the build in every record; equal for equal programs with equal kernels, and never 0.
    public let key: UInt32
    /// Digest of the program, version, commit, build flags, libraries.
    public let text: String

    /// - Parameters:
    ///   - program: a digest of the program's file.
    ///   - text: what else is to be known of it; part of the key.
    public init(program: String, text: String) {
        let hash = XXH64.hash(program + " " + text)
        let short = UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
        key = short == 0 ? 1 : short
        self.text = text + (program.isEmpty ? "" : ", program \(program)")
    }

    /// How messages and tables name it.
    public var name: String { Self.name(key) }

    /// Whether its sources were changed after the commit that it names: then nothing says what they were.
    public var hasUncommittedChanges: Bool { text.contains("+changes") }

    static func name(_ key: UInt32) -> String {
        let digits = String(key, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// The build as a line of the attribute `builds`.
    public var line: String { "\(name) \(text)" }

    /// Reads a line of the attribute `builds`; nil when it is something else.
    public init?(line: String) {
        let parts = line.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].utf8.count == 8, let key = UInt32(parts[0], radix: 16), key != 0 else {
            return nil
        }
        self.key = key
        text = String(parts[1])
    }
}

extension Provenance {
    /// What this process makes numbers with.
    public var build: Build {
        var parts = ["version \(programVersion)"]
        if !gitCommit.isEmpty {
            // Twelve digits tell commits apart, and lines stay legible.
            let changes = gitCommit.hasSuffix("+changes") ? "+changes" : ""
            parts.append("commit \(gitCommit.dropLast(changes.count).prefix(12))\(changes)")
        }
        if !buildFlags.isEmpty { parts.append(buildFlags) }
        parts += libraries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return Build(program: programDigest, text: parts.joined(separator: ", "))
    }
}

/// Numbers of several builds in one result, in words.
public struct BuildMixture: Sendable, Hashable {
    let path: String
    /// What was there before; empty when it is from before builds were kept.
    let others: [Build]
    let own: Build
    let revision: Int

    private var theirs: String {
        others.isEmpty ? "of a version that did not note its build" : "of build " + Self.listed(others)
    }

    /// For whoever goes on all the same.
    var warning: String {
        var text =
            "the results at '\(path)' are \(theirs); this program is build \(own.line). Both compute revision \(revision) "
            + "of the model, so their numbers are meant to be the same; 'build' says of each task which it was "
            + "(--same-build refuses to mix them)"
        if let changes = Self.changes(others + [own]) { text += ". " + changes }
        return text
    }

    var refusal: String {
        "the results at '\(path)' are \(theirs); this program is build \(own.line), and --same-build was asked for. Go on "
            + "with that program, give another output, or leave --same-build out"
    }

    /// Says that results of one file are of several builds; nil when they are not.
    public static func note(_ builds: [Build]) -> String? {
        guard builds.count > 1 else { return nil }
        return "the numbers are of \(builds.count) builds: " + listed(builds)
            + (changes(builds).map { ". " + $0 } ?? "")
    }

    /// That nothing says what some of the builds were; nil when something does.
    private static func changes(_ builds: [Build]) -> String? {
        let changed = builds.filter(\.hasUncommittedChanges)
        guard !changed.isEmpty else { return nil }
        return
            "MIND: build \(changed.map(\.name).joined(separator: " and ")) had uncommitted changes in its sources, so "
            + "nothing says what it computed: commit before you compute what is to last"
    }

    private static func listed(_ builds: [Build]) -> String {
        builds.prefix(4).map { "\($0.name) (\($0.text))" }.joined(separator: " and ")
            + (builds.count > 4 ? " and \(builds.count - 4) more" : "")
    }
}

extension [Build] {
    /// Each but once, in their order.
    func uniqued() -> [Build] {
        var seen: Set<UInt32> = []
        return filter { seen.insert($0.key).inserted }
    }
}

extension ResultFile {
    /// What the numbers of the file were made with, in the order in which it began; empty in files of before builds.
    public func builds() throws -> [Build] {
        try attribute("builds")?.components(separatedBy: "\n").compactMap(Build.init(line:)) ?? []
    }
}
