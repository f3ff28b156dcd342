import Foundation

/// Something wrong with a result file.
public struct ResultProblem: Sendable, Hashable, CustomStringConvertible {
    public enum Severity: String, Sendable { case error, incomplete }

    public let severity: Severity
    /// The dataset or group, empty for the file as a whole.
    public let place: String
    public let what: String

    public var description: String { place.isEmpty ? what : "\(place): \(what)" }
}

extension ResultFile {
    /// Checks the file: its schema, the checksum of every dataset, and whether it is complete. Empty when all is well.
    public static func validate(_ path: String) -> [ResultProblem] {
        HDF5.exclusively {
            do {
                if let damage = try FileSeal.problem(path) {
                    return [ResultProblem(severity: .error, place: "", what: damage)]
                }
                return try ResultFile(path, .done).validate()
            } catch {
                return [ResultProblem(severity: .error, place: "", what: "\(error)")]
            }
        }
    }

    private func validate() throws -> [ResultProblem] {
        var problems: [ResultProblem] = []
        func check(_ place: String, _ severity: ResultProblem.Severity = .error, _ body: () throws -> String?) {
            do {
                guard let what = try body() else { return }
                problems.append(ResultProblem(severity: severity, place: place, what: what))
            } catch {
                problems.append(ResultProblem(severity: .error, place: place, what: "\(error)"))
            }
        }

        for name in ["job", "model", "program_version", "created", "updated", "grid_fingerprint"] {
            check("/") { try file.root.textAttribute(name) == nil ? "the attribute '\(name)' is missing" : nil }
        }
        check("/") { try AttributeDigest.problem(file.root) }
        check("/") { try fingerprint() == nil ? "the attribute 'grid_fingerprint' is no number" : nil }
        try verify(file.root, required: [], check)
        var pending = 0
        for method in methods {
            guard file.root.contains(method) else {
                check("/\(method)") { "the group is missing" }
                continue
            }
            let group = try file.root.group(method)
            try verify(group, required: try required(), check)
            // What the other commands read has to fit together.
            check("/\(method)") {
                _ = try summary(method: method, failureLimit: .max, slowestLimit: 0)
                _ = try CSVExport(file: self, group: group)
                let builds = try builds()
                for name in builds.isEmpty ? ["mpi_rank"] : ["mpi_rank", "build"] {
                    let dataset = try group.dataset(name)
                    try require(dataset, try group.dataset("status").shape)
                    guard dataset.type == .int32 else { return "\(name) holds no whole numbers" }
                    if name == "build",
                        let place = try dataset.read(Int32.self).first(where: { $0 < -1 || $0 >= builds.count })
                    {
                        return "build \(place) is none of the \(builds.count) in the file's attribute 'builds'"
                    }
                }
                return nil
            }
            check("/\(method)") {
                var counts = StatusCounts()
                for status in try statuses(method: method) { counts.add(status) }
                pending += counts.unfinished
                for status in TaskStatus.allCases {
                    let stated = try group.integerAttribute("tasks_\(status.name)")
                    if stated != counts[status] {
                        return "tasks_\(status.name) says \(stated ?? -1), but there are \(counts[status])"
                    }
                }
                return nil
            }
        }
        if pending > 0 { check("", .incomplete) { "\(pending) task\(pending == 1 ? " is" : "s are") still pending" } }
        return problems
    }

    /// What every method must have; files of before builds say nothing of them.
    private func required() throws -> [String] {
        try builds().isEmpty ? MethodLayout.bookkeeping.filter { $0 != "build" } : MethodLayout.bookkeeping
    }

    private func verify(
        _ group: HDF5Group, required: [String],
        _ check: (String, ResultProblem.Severity, () throws -> String?) -> Void
    ) throws {
        let names = try group.members().datasets
        for name in required where !names.contains(name) {
            check("\(group.path)/\(name)", .error) { "it is missing" }
        }
        for name in names {
            check("\(group.path)/\(name)", .error) {
                let dataset = try group.dataset(name)
                if try !dataset.isScale() { _ = try group.dimensionNames(of: dataset) }
                return try Self.problem(of: dataset)
            }
        }
    }

    /// What is wrong with the values of a dataset, by its checksum; nil when nothing is.
    static func problem(of dataset: HDF5Dataset) throws -> String? {
        guard let stated = try dataset.textAttribute("checksum") else {
            // Dimensions without coordinates hold no values.
            return try dataset.isScale() ? nil : "it has no checksum"
        }
        guard let rows = DatasetDigest.rowDimensions(of: stated), rows <= dataset.shape.count else {
            return "its checksum cannot be read: '\(stated)'"
        }
        guard dataset.isBlankWhereUnwritten || dataset.isStored else { return "it has no values" }
        let found = try digest(dataset, rowDimensions: rows).text
        return found == stated ? nil : "its values do not match its checksum (\(found), stored \(stated))"
    }

    /// The digest of a dataset as it reads now, block by block.
    static func digest(_ dataset: HDF5Dataset, rowDimensions: Int) throws -> DatasetDigest {
        var digest = DatasetDigest(rowDimensions: rowDimensions)
        let rowShape = Array(dataset.shape[..<rowDimensions])
        let own = Array(dataset.shape[rowDimensions...])
        let width = (HDF5Dataset.count(own) ?? .max / 16) * dataset.type.size
        let isTaskStatus = dataset.path.hasSuffix("/status")
        let isNumberOrNone = dataset.isMinusOneForNone
        guard width > 0 else { return digest }
        var bytes: [UInt8] = []
        for (range, box) in MethodLayout.blocks(of: rowShape, rows: max(1, MethodWriter.blockBytes / width)) {
            let part = HDF5Dataset.Box(start: box.start + own.map { _ in 0 }, count: box.count + own)
            // What was never written counts as nothing, and may be far more than the file is large.
            if rowDimensions > 0, dataset.isBlankWhereUnwritten, try !dataset.holdsAnything(in: part) { continue }
            if dataset.type == .text {
                for (row, text) in try dataset.readTexts(box: part).enumerated() {
                    digest.add(text, index: range.lowerBound + row)
                }
                continue
            }
            if bytes.count != range.count * width { bytes = [UInt8](repeating: 0, count: range.count * width) }
            try bytes.withUnsafeMutableBytes { try dataset.read(into: $0, box: part) }
            bytes.withUnsafeBytes { raw in
                for row in 0..<range.count {
                    let values = UnsafeRawBufferPointer(rebasing: raw[(row * width)..<((row + 1) * width)])
                    let index = range.lowerBound + row
                    switch dataset.type {
                    case .float64: digest.add(doubles: values, index: index)
                    // Their fill values say "nothing here", as NaN does elsewhere.
                    case _ where isTaskStatus && values[0] == 0: break
                    case _ where isNumberOrNone && values.allSatisfy { $0 == 0xFF }: break
                    default: digest.add(values, index: index)
                    }
                }
            }
        }
        return digest
    }
}
