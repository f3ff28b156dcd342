/// The checksum of what a file says of itself in texts, kept as the root's attribute `checksum`: XXH64 over names and
/// texts. The library keeps texts apart from what it guards by checksums of its own.
enum AttributeDigest {
    /// What is read of a file.
    static let names = [
        "format", "title", "model", "description", "methods", "job", "effective_job", "overrides", "grid_fingerprint",
        "seed_rule", "created", "updated", "history", "program_version",
    ]

    /// Writes it, after all of them.
    static func write(to root: HDF5Group) throws {
        try root.setAttribute("checksum", try text(of: root, names))
    }

    /// What is wrong with the texts; nil when nothing is, or when the file is from before there was a checksum.
    static func problem(_ root: HDF5Group) throws -> String? {
        guard let stated = try root.textAttribute("checksum") else { return nil }
        let parts = stated.split(separator: " ")
        guard parts.count == 3, parts[0] == "xxh64" else { return "the checksum of its texts cannot be read" }
        let found = try text(of: root, parts[1].split(separator: ",").map(String.init))
        return found == stated ? nil : "its texts do not match their checksum"
    }

    private static func text(of root: HDF5Group, _ names: [String]) throws -> String {
        var all = ""
        for name in names { all += "\(name)\n\(try root.textAttribute(name) ?? "")\n" }
        return "xxh64 \(names.joined(separator: ",")) \(GridFingerprint.hexadecimal(XXH64.hash(all)))"
    }
}
