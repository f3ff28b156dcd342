/// Old results make room for new ones, and are never deleted.
enum ResultsAside {
    /// Renames `path` to `path.old-TIME`, and the journal beside it likewise; never over anything.
    ///
    /// - Returns: what was done, for the log; nil when nothing was there.
    static func move(_ path: String) throws -> String? {
        let journal = path + ".journal"
        let existing = [path, journal].filter(Disk.exists)
        guard !existing.isEmpty else { return nil }
        let aside = name(for: path)
        for old in existing { try Disk.rename(old, to: old == path ? aside : aside + ".journal") }
        return "moved the old results aside: \(aside)"
    }

    /// As ``move(_:)``, of a damaged journal alone.
    static func moveJournal(of path: String) throws -> String {
        let aside = name(for: path) + ".journal"
        try Disk.rename(path + ".journal", to: aside)
        return "moved the damaged journal aside: \(aside)"
    }

    /// A name under which there is nothing.
    private static func name(for path: String) -> String {
        let stamp = Timestamp.compact()
        var aside = "\(path).old-\(stamp)"
        var number = 2
        while Disk.exists(aside) || Disk.exists(aside + ".journal") {
            aside = "\(path).old-\(stamp)-\(number)"
            number += 1
        }
        return aside
    }
}
