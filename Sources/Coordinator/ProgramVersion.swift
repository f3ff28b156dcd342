import CPlatform
import Foundation
import Results

/// What this program is.
public enum ProgramVersion {
    /// The semantic version; a change that alters any task's numbers is a major one.
    public static let current = "0.2.0"
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
            ranks: ranks, mpiVersion: ranks > 1 ? Communicator.linkedVersion() : "", libraries: libraries)
    }
}
