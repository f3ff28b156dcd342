import Foundation

/// A published result file, read through its own description: no job and no model needed.
///
/// The file may be replaced by a running sweep at any moment; an open one stays what it was. It may hold anything that
/// its checksums are right for: shapes and lengths are compared before one is used for another.
public final class ResultFile {
    public let path: String
    let file: HDF5File
    /// The methods, in the job's order.
    public let methods: [String]

    /// Where a symbolic link leads, if it is one: journal, lock and rank files are beside that.
    let place: String
    /// Whether all of its bytes were checked before. If not, every variable is checked when it is read.
    private let isChecked: Bool
    private var checked: Set<String> = []

    /// Larger files are not read as a whole before they are opened.
    private static let quickSize = 1 << 30

    /// How a file is checked before it is trusted.
    enum Check {
        /// All of its bytes, now.
        case whole
        /// Of a large file what is read of it, when it is read.
        case asRead
        /// ``FileSeal/problem(_:isQuick:)`` found nothing just now.
        case done
    }

    /// Opens `path` and checks that it is an undamaged result file of a version that this program knows.
    public convenience init(_ path: String) throws { try self.init(path, .asRead) }

    init(_ path: String, _ check: Check) throws {
        self.path = path
        place = Disk.resolved(path)
        let disk = try DiskFile(path, .read)
        let isQuick = try check == .asRead && disk.size() > Self.quickSize
        isChecked = !isQuick
        // The HDF5 library may crash on damaged metadata, or read wrong values.
        if check != .done, let problem = try FileSeal.problem(disk, isQuick: isQuick) {
            throw ResultError.unreadable(path: path, reason: problem)
        }
        (file, methods) = try Self.reading(path) {
            let file: HDF5File
            do {
                file = try HDF5File.open(disk)
            } catch {
                throw ResultError.unreadable(path: path, reason: "it is damaged or no HDF5 file: \(error)")
            }
            guard try file.root.textAttribute("format") == "dynsweep-results" else {
                throw ResultError.unreadable(
                    path: path, reason: "it is an HDF5 file, but not one of dynsweep's results")
            }
            let version = try file.root.integerAttribute("format_version") ?? 0
            guard version >= 1 else {
                throw ResultError.unreadable(path: path, reason: "there is no format \(version)")
            }
            guard version <= Publisher.formatVersion else {
                throw ResultError.unreadable(
                    path: path, reason: "its format \(version) is later than this program's \(Publisher.formatVersion)")
            }
            if isQuick, let problem = try AttributeDigest.problem(file.root) {
                throw ResultError.unreadable(path: path, reason: "\(problem): it is damaged")
            }
            let names = try file.root.textAttribute("methods")?.split(separator: " ").map(String.init) ?? []
            guard !names.isEmpty, Set(names).count == names.count else {
                throw ResultError.unreadable(
                    path: path, reason: "it names \(names.isEmpty ? "no method" : "a method twice")")
            }
            return (file, names)
        }
    }

    /// The variable `name`, whose values are what was written.
    func variable(_ name: String, in group: HDF5Group) throws -> HDF5Dataset {
        let dataset = try group.dataset(name)
        guard !isChecked, checked.insert(dataset.path).inserted else { return dataset }
        if let problem = try Self.problem(of: dataset) {
            throw ResultError.unreadable(path: path, reason: "it is damaged: \(dataset.path): \(problem)")
        }
        return dataset
    }

    /// Reads with nobody else in the library. What it finds wrong is the file's fault.
    func reading<Result>(_ body: () throws -> Result) throws -> Result { try Self.reading(path, body) }

    static func reading<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        try HDF5.exclusively {
            do { return try body() } catch ResultError.hdf5(let what) {
                throw ResultError.unreadable(path: path, reason: what)
            }
        }
    }

    deinit { HDF5.exclusively { try? file.close() } }

    /// The root attribute `name`, such as `job`, `created` or `program_version`; nil when there is none.
    public func attribute(_ name: String) throws -> String? {
        try reading { try file.root.textAttribute(name) }
    }

    /// As ``attribute(_:)``, of a whole number.
    func integerAttribute(_ name: String) throws -> Int? {
        try reading { try file.root.integerAttribute(name) }
    }

    /// The job that made the file: its text, and its `--set` overrides.
    public func job() throws -> (text: String, overrides: [String]) {
        try reading {
            guard let text = try file.root.textAttribute("job") else {
                throw ResultError.unreadable(path: path, reason: "it does not hold its job")
            }
            let overrides = try file.root.textAttribute("overrides") ?? ""
            return (text, OverridesText.split(overrides))
        }
    }

    /// What has happened to the results, as far as the file tells.
    func events() throws -> [RunEvent] {
        try attribute("history")?.components(separatedBy: "\n").compactMap(RunEvent.init(line:)) ?? []
    }

    /// The fingerprint of the grids that the file holds.
    func fingerprint() throws -> UInt64? {
        try reading {
            try file.root.textAttribute("grid_fingerprint").flatMap { UInt64($0, radix: 16) }
        }
    }

    /// The statuses of all tasks of a method, row-major over its task dimensions.
    func statuses(method: String) throws -> [TaskStatus] {
        try reading {
            try variable("status", in: file.root.group(method)).read(Int8.self).map { raw in
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
        try reading {
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
