/// Names of files, taken apart as the system takes them: at slashes, whatever else is in them. (Foundation's own functions
/// trap on a name of one character in a statically linked program.)
package enum PathText {
    /// What is behind the last slash.
    package static func name(_ path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
    }

    /// What is before the last slash; "." without one.
    package static func directory(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The name without what is behind its last dot, if anything is before that.
    package static func stem(_ path: String) -> String {
        let name = name(path)
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }
}
