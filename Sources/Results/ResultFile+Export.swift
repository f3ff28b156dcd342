import Foundation

extension ResultFile {
    /// Writes one method as a tidy table: a row per point, seed and recording time, with a header.
    ///
    /// Columns: the coordinates along the axes (zipped and derived parameters too), `seed`, `status`, `time`, then the
    /// observables; a component of an observable with dimensions of its own is a column `name[i]`. Observables with one
    /// value a task stand in each of its rows. Tasks without results have no row; NaN is an empty field. Numbers are
    /// the shortest decimal text that reads back as the same double.
    ///
    /// - Parameters:
    ///   - method: nil when the file has one method only.
    ///   - emit: takes pieces of text of some hundred kilobytes.
    public static func exportCSV(_ path: String, method: String?, to emit: (String) throws -> Void) throws {
        try reading(path) {
            let file = try ResultFile(path, .whole)
            let name: String
            if let method {
                guard file.methods.contains(method) else {
                    throw ResultError.schema(
                        "'\(path)' has no method '\(method)'; it has \(file.methods.joined(separator: ", "))")
                }
                name = method
            } else {
                guard file.methods.count == 1 else {
                    throw ResultError.schema(
                        "'\(path)' has several methods; choose one of \(file.methods.joined(separator: ", "))")
                }
                name = file.methods[0]
            }
            try CSVExport(file: file, group: try file.file.root.group(name)).write(emit)
        }
    }
}

struct CSVExport {
    /// A coordinate: its texts over some of the task dimensions.
    private struct Column {
        let name: String
        let dimensions: [Int]
        let shape: [Int]
        let texts: [String]
    }

    /// An observable: which of the task dimensions it has (points only for means over seeds), and its own.
    private struct Variable {
        let dataset: HDF5Dataset
        let taskRank: Int
        let hasTime: Bool
        let own: [Int]
        var width: Int { own.reduce(1, *) }
    }

    private let shape: [Int]
    private let statuses: [TaskStatus]
    private let columns: [Column]
    private let times: [String]
    private let variables: [Variable]
    private let hasSeed: Bool

    init(file: ResultFile, group: HDF5Group) throws {
        let status = try group.dataset("status")
        let dimensions = try group.dimensionNames(of: status)
        let shape = status.shape
        self.shape = shape
        let hasSeed = dimensions.last == "seed"
        self.hasSeed = hasSeed
        let ranks = [shape.count, shape.count - (hasSeed ? 1 : 0)]
        statuses = try file.statuses(method: String(group.path.dropFirst()))
        var columns: [Column] = []
        var variables: [Variable] = []
        var times: [String] = []
        func refuse(_ dataset: HDF5Dataset) -> ResultError {
            .unreadable(
                path: file.path,
                reason: "'\(dataset.path)' has the shape \(dataset.shape), which '\(status.path)' of "
                    + "shape \(shape) and its coordinates do not explain")
        }
        for name in try group.members().datasets {
            guard !MethodLayout.bookkeeping.contains(name) else { continue }
            let dataset = try group.dataset(name)
            // Observables are what has a fill value; the rest are coordinates and dimensions without values.
            if dataset.hasAttribute("_FillValue") {
                let names = try group.dimensionNames(of: dataset)
                let taskRank = zip(names, dimensions).prefix { $0 == $1 }.count
                let hasTime = taskRank < names.count && names[taskRank] == "time"
                guard dataset.type == .float64, ranks.contains(taskRank),
                    dataset.shape.prefix(taskRank) == shape.prefix(taskRank)
                else {
                    throw refuse(dataset)
                }
                variables.append(
                    Variable(
                        dataset: dataset, taskRank: taskRank, hasTime: hasTime,
                        own: Array(dataset.shape[(taskRank + (hasTime ? 1 : 0))...])))
            } else if name == "time" {
                times = try file.labels(of: name, in: group)
            } else if dataset.hasAttribute("checksum"), !dataset.shape.isEmpty {
                let names = try dataset.isScale() ? [name] : group.dimensionNames(of: dataset)
                let places = names.compactMap { dimensions.firstIndex(of: $0) }
                guard places.count == names.count else { continue }
                guard dataset.shape == places.map({ shape[$0] }) else { throw refuse(dataset) }
                columns.append(
                    Column(
                        name: name, dimensions: places, shape: dataset.shape,
                        texts: try file.labels(of: name, in: group)))
            }
        }
        for variable in variables where variable.hasTime {
            guard variable.dataset.shape[variable.taskRank] == times.count else { throw refuse(variable.dataset) }
        }
        self.columns = columns.sorted { ($0.name == "seed" ? 1 : 0) < ($1.name == "seed" ? 1 : 0) }
        self.variables = variables
        self.times = times
    }

    func write(_ emit: (String) throws -> Void) throws {
        let isTimed = variables.contains(where: \.hasTime)
        var header = columns.map(\.name) + ["status"] + (isTimed ? ["time"] : [])
        for variable in variables {
            let name = variable.dataset.path.split(separator: "/").last.map(String.init) ?? ""
            if variable.own.isEmpty {
                header.append(name)
            } else {
                header += (0..<variable.width).map { flat in
                    name + MethodLayout.indices(flat, shape: variable.own).map { "[\($0)]" }.joined()
                }
            }
        }
        try emit(header.map(Self.field).joined(separator: ",") + "\n")

        let bytesPerTask = variables.reduce(0) { $0 + 8 * $1.width * ($1.hasTime ? times.count : 1) }
        let rows = max(1, MethodWriter.blockBytes / max(64, bytesPerTask))
        var text = ""
        for (range, box) in MethodLayout.blocks(of: shape, rows: rows) {
            guard statuses[range].contains(where: Self.isShown) else { continue }
            let values = try variables.map { variable in
                let rest = Array(variable.dataset.shape[variable.taskRank...])
                return try variable.dataset.read(
                    Double.self,
                    box: HDF5Dataset.Box(
                        start: Array(box.start.prefix(variable.taskRank)) + rest.map { _ in 0 },
                        count: Array(box.count.prefix(variable.taskRank)) + rest))
            }
            for task in range where Self.isShown(statuses[task]) {
                let at = MethodLayout.indices(task, shape: shape)
                var lead = ""
                for column in columns {
                    let index = zip(column.dimensions, column.shape).reduce(0) { $0 * $1.1 + at[$1.0] }
                    lead += Self.field(column.texts[index]) + ","
                }
                lead += statuses[task].name
                for time in 0..<(isTimed ? times.count : 1) {
                    text += lead
                    if isTimed { text += "," + times[time] }
                    for (variable, all) in zip(variables, values) {
                        // Means over seeds are indexed by the point.
                        let row =
                            variable.taskRank == shape.count
                            ? task - range.lowerBound : (task / seedCount) - (range.lowerBound / seedCount)
                        let start = (row * (variable.hasTime ? times.count : 1) + (variable.hasTime ? time : 0))
                        for index in 0..<variable.width {
                            text += "," + ResultFile.plain(all[start * variable.width + index])
                        }
                    }
                    text += "\n"
                    if text.utf8.count > 1 << 18 {
                        try emit(text)
                        text = ""
                    }
                }
            }
        }
        if !text.isEmpty { try emit(text) }
    }

    private var seedCount: Int { hasSeed ? shape.last ?? 1 : 1 }

    private static func isShown(_ status: TaskStatus) -> Bool { status == .done || status == .diverged }

    /// Quotes a field that needs it (RFC 4180).
    private static func field(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
