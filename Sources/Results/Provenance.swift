/// Where results come from; the caller fills it in, and every entry becomes a root attribute of the result file.
public struct Provenance: Sendable, Hashable {
    public var programVersion: String
    public var gitCommit: String
    public var buildFlags: String
    /// A digest of the program's file; empty when it is not known.
    public var programDigest: String
    public var host: String
    public var ranks: Int
    /// Empty when no MPI was started.
    public var mpiVersion: String
    /// Further libraries and their versions (`openblas`, `sundials`); HDF5's own is added.
    public var libraries: [String: String]

    public init(
        programVersion: String, gitCommit: String = "", buildFlags: String = "", programDigest: String = "",
        host: String = LockHolder.hostName(), ranks: Int = 1, mpiVersion: String = "", libraries: [String: String] = [:]
    ) {
        self.programVersion = programVersion
        self.gitCommit = gitCommit
        self.buildFlags = buildFlags
        self.programDigest = programDigest
        self.host = host
        self.ranks = ranks
        self.mpiVersion = mpiVersion
        self.libraries = libraries
    }
}
