/// Where results come from; the caller fills it in, and every entry becomes a root attribute of the result file.
public struct Provenance: Sendable, Hashable {
    public var programVersion: String
    public var gitCommit: String
    public var buildFlags: String
    public var host: String
    public var ranks: Int
    /// Empty when no MPI was started.
    public var mpiVersion: String
    /// Further libraries and their versions (`openblas`, `sundials`); HDF5's own is added.
    public var libraries: [String: String]

    public init(
        programVersion: String, gitCommit: String = "", buildFlags: String = "", host: String = LockHolder.hostName(),
        ranks: Int = 1, mpiVersion: String = "", libraries: [String: String] = [:]
    ) {
        self.programVersion = programVersion
        self.gitCommit = gitCommit
        self.buildFlags = buildFlags
        self.host = host
        self.ranks = ranks
        self.mpiVersion = mpiVersion
        self.libraries = libraries
    }
}

extension Provenance {
    /// A task's numbers are a function of the program version too: one file must not mix versions between which they
    /// may have changed. That is a major version, or a minor one before 1.0.
    ///
    /// - Returns: the difference in words when results of `version` are of another series than this program; else nil.
    func difference(fromVersion version: String) -> String? {
        func series(_ version: String) -> [Substring] {
            let parts = version.split(separator: ".")
            return Array(parts.prefix(parts.first == "0" ? 2 : 1))
        }
        guard series(version) != series(programVersion) else { return nil }
        return "program version: the results are from \(version), this is \(programVersion), which may compute other "
            + "numbers"
    }
}
