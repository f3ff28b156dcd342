import Foundation

/// A published result file, read through its own description: no job and no model needed.
///
/// The file may be replaced by a running sweep at any moment; an open one stays what it was.
public final class ResultFile {
    public let path: String
    let file: HDF5File
    /// The methods, in the job's order.
    public let methods: [String]

    /// Larger files are not read as a whole before they are opened, only their end is looked at.
    private static let checkedSize = 1 << 30

    /// Opens `path` and checks that it is an undamaged result file of a version that this program knows.
    public convenience init(_ path: String) throws { try self.init(path, isChecked: false) }

    /// - Parameter isChecked: that ``FileSeal/problem(_:isQuick:)`` found nothing before.
    init(_ path: String, isChecked: Bool) throws {
        self.path = path
        guard Disk.exists(path) else { throw ResultError.io(operation: "open", path: path, code: ENOENT) }
        // The HDF5 library may crash on damaged metadata, or read wrong values.
        let isLarge = try DiskFile(path, .read).size() > Self.checkedSize
        if !isChecked, let problem = try FileSeal.problem(path, isQuick: isLarge) {
            throw ResultError.unreadable(path: path, reason: problem)
        }
        (file, methods) = try HDF5.exclusively {
            let file: HDF5File
            do {
                file = try HDF5File.open(path)
            } catch {
                // On network file systems a name may point to a replaced file for a moment; a second look finds the new one.
                usleep(20_000)
                do {
                    file = try HDF5File.open(path)
                } catch {
                    throw ResultError.unreadable(path: path, reason: "it is damaged or no HDF5 file: \(error)")
                }
            }
            guard try file.root.textAttribute("format") == "dynsweep-results" else {
                throw ResultError.unreadable(
                    path: path, reason: "it is an HDF5 file, but not one of dynsweep's results")
            }
            let version = try file.root.integerAttribute("format_version") ?? 0
            guard version <= Publisher.formatVersion else {
                throw ResultError.unreadable(
                    path: path, reason: "its format \(version) is later than this program's \(Publisher.formatVersion)")
            }
            let names = try file.root.textAttribute("methods")?.split(separator: " ").map(String.init) ?? []
            return (file, names)
        }
    }

    deinit { HDF5.exclusively { try? file.close() } }

    /// The root attribute `name`, such as `job`, `created` or `program_version`; nil when there is none.
    public func attribute(_ name: String) throws -> String? {
        try HDF5.exclusively { try file.root.textAttribute(name) }
    }

    /// As ``attribute(_:)``, of a whole number.
    func integerAttribute(_ name: String) throws -> Int? {
        try HDF5.exclusively { try file.root.integerAttribute(name) }
    }

    /// The job that made the file: its text, and its `--set` overrides.
    public func job() throws -> (text: String, overrides: [String]) {
        try HDF5.exclusively {
            guard let text = try file.root.textAttribute("job") else {
                throw ResultError.unreadable(path: path, reason: "it does not hold its job")
            }
            let overrides = try file.root.textAttribute("overrides") ?? ""
            return (text, overrides.isEmpty ? [] : overrides.components(separatedBy: "\n"))
        }
    }

    /// What has happened to the results, as far as the file tells.
    func events() throws -> [RunEvent] {
        try attribute("history")?.components(separatedBy: "\n").compactMap(RunEvent.init(line:)) ?? []
    }

    /// The fingerprint of the grids that the file holds.
    func fingerprint() throws -> UInt64? {
        try HDF5.exclusively {
            try file.root.textAttribute("grid_fingerprint").flatMap { UInt64($0, radix: 16) }
        }
    }

    /// The statuses of all tasks of a method, row-major over its task dimensions.
    func statuses(method: String) throws -> [TaskStatus] {
        try HDF5.exclusively {
            try file.root.group(method).dataset("status").read(Int8.self).map { raw in
                guard let status = TaskStatus(rawValue: UInt8(bitPattern: raw)) else {
                    throw ResultError.unreadable(path: path, reason: "unknown status \(raw) in '\(method)'")
                }
                return status
            }
        }
    }
}

extension ResultFile {
    /// The `checksum` attribute of every dataset by its path; equal checksums mean equal values.
    public func checksums() throws -> [String: String] {
        try HDF5.exclusively {
            var found: [String: String] = [:]
            func collect(_ group: HDF5Group) throws {
                for name in try group.members().datasets {
                    if let text = try group.dataset(name).textAttribute("checksum") {
                        found["\(group.path)/\(name)"] = text
                    }
                }
            }
            try collect(file.root)
            for method in methods { try collect(try file.root.group(method)) }
            return found
        }
    }
}
