import CPlatform
import Foundation
import Results

/// What this program is.
public enum ProgramVersion {
    /// The semantic version; a change that alters any task's numbers is a major one.
    public static let current = "0.2.0"

    /// Where to start this program again from: its file, or the one that chose it among those of several levels
    /// (Sources/LevelChooser) and chooses on every node anew.
    ///
    /// - Throws: when the system does not say.
    public static func path() throws -> String {
        // Meant for this process, and not left in the environment by another one's start.
        let announced = ProcessInfo.processInfo.environment["DYNSWEEP_PROGRAM"] ?? ""
        let own = "\(getpid()):"
        if announced.hasPrefix(own) { return String(announced.dropFirst(own.count)) }
        return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}

extension Provenance {
    /// The provenance of this process.
    ///
    /// - Parameter libraries: versions of the libraries that the models compute with.
    public static func current(ranks: Int, libraries: [String: String]) -> Provenance {
        var flags = String(cString: cplatform_architecture_level())
        #if DEBUG
            flags += " debug"
        #else
            flags += " release"
        #endif
        return Provenance(
            programVersion: ProgramVersion.current, gitCommit: String(cString: cplatform_commit()), buildFlags: flags,
            programDigest: programDigest(), ranks: ranks, mpiVersion: ranks > 1 ? Communicator.linkedVersion() : "",
            libraries: libraries.merging(["libc": String(cString: cplatform_libc_version())]) { own, _ in own })
    }

    /// A digest of this program: its linker's, or one of its file where a linker leaves none. 64 bits are enough.
    private static func programDigest() -> String {
        var bytes: UnsafePointer<UInt8>?
        let count = cplatform_build_id(&bytes)
        guard count > 0, let bytes else {
            guard let program = try? Data(contentsOf: URL(fileURLWithPath: "/proc/self/exe"), options: .alwaysMapped)
            else { return "" }
            return program.withUnsafeBytes { String(XXH64.hash($0), radix: 16) }
        }
        return UnsafeBufferPointer(start: bytes, count: min(8, Int(count)))
            .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
