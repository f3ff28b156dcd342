/// The checksum of what a file says of itself in texts, kept as the root's attribute `checksum`: XXH64 over names and
/// texts. (The library guards its own structures by checksums, but not the texts.)
struct AttributeDigest {
    private var names: [String] = []
    private var all = ""

    mutating func add(_ name: String, _ text: String) {
        names.append(name)
        all += "\(name)\n\(HDF5.storable(text))\n"
    }

    /// The attribute's text, e.g. `xxh64 title,job 0123456789abcdef`.
    var text: String { "xxh64 \(names.joined(separator: ",")) \(GridFingerprint.hexadecimal(XXH64.hash(all)))" }

    /// What is wrong with the texts of a file; nil when nothing is, or when it is from before there was a checksum.
    static func problem(_ root: HDF5Group) throws -> String? {
        guard let stated = try root.textAttribute("checksum") else { return nil }
        let parts = stated.split(separator: " ")
        guard parts.count == 3, parts[0] == "xxh64" else { return "the checksum of its texts cannot be read" }
        var found = AttributeDigest()
        for name in parts[1].split(separator: ",").map(String.init) {
            found.add(name, try root.textAttribute(name) ?? "")
        }
        return found.text == stated ? nil : "its texts do not match their checksum"
    }
}
