import Foundation
import Sweep

/// What `dynsweep status` shows of a result file.
public struct ResultSummary: Sendable {
    public struct AxisCounts: Sendable {
        public let name: String
        /// The axis' values as texts, with the counts of all tasks that have each.
        public let values: [(label: String, counts: StatusCounts)]
    }

    public struct Failure: Sendable {
        public let status: TaskStatus
        /// `L=4 step_size=0.1 seed=3`.
        public let place: String
        public let error: String
    }

    /// A task that a rank computes now.
    public struct Running: Sendable {
        public let rank: Int
        public let method: String
        public let place: String
        public let since: Date
    }

    public struct Method: Sendable {
        public let name: String
        public let counts: StatusCounts
        public let axes: [AxisCounts]
        /// The first failed and diverged tasks, in the order of the grid.
        public let failures: [Failure]
        /// Distinct reasons among the tasks looked at, the most frequent first.
        public let reasons: [(error: String, count: Int)]
        /// The sum of all tasks' wall-clock times, in seconds.
        public let wallSeconds: Double
        /// The tasks that took longest, those first.
        public let slowest: [(place: String, seconds: Double)]
    }

    public let path: String
    public let title: String
    public let model: String
    public let programVersion: String
    /// What the numbers were made with, and how many tasks each computed; no counts when there is but one.
    public let builds: [(build: Build, count: Int?)]
    public let created: String
    public let updated: String
    public let counts: StatusCounts
    public let methods: [Method]
    /// Who writes the file now; nil when nobody does.
    public let holder: LockHolder?
    /// False when the holder is known to be dead, nil when it runs on another host.
    public let holderIsAlive: Bool?
    /// What is computed now, while a run goes on; the longest-running first.
    public let running: [Running]
    /// The size of the journal beside the file, nil when there is none (a finished sweep).
    public let journalBytes: Int?
}

extension ResultFile {
    /// The failed and diverged tasks whose reasons are read, at most.
    private static let reasonLimit = 1000

    /// Counts by method and along each axis, and what failed why.
    ///
    /// - Parameters:
    ///   - failureLimit: how many failed tasks are listed one by one for each method.
    ///   - slowestLimit: how many of the tasks that took longest are listed for each method.
    public func summary(failureLimit: Int = 20, slowestLimit: Int = 0) throws -> ResultSummary {
        try reading {
            let root = file.root
            let methods = try self.methods.map {
                try summary(method: $0, failureLimit: failureLimit, slowestLimit: slowestLimit)
            }
            var counts = StatusCounts()
            for method in methods { counts.add(method.counts) }
            let holder = RunLock.holder(of: place)
            let isAlive = holder?.isAlive
            let running = holder == nil || isAlive == false ? [] : try self.running()
            return ResultSummary(
                path: path, title: try root.textAttribute("title") ?? "", model: try root.textAttribute("model") ?? "",
                programVersion: try root.textAttribute("program_version") ?? "",
                builds: try buildCounts(), created: try root.textAttribute("created") ?? "",
                updated: try root.textAttribute("updated") ?? "",
                counts: counts, methods: methods, holder: holder, holderIsAlive: isAlive,
                running: running, journalBytes: try? DiskFile(place + ".journal", .read).size())
        }
    }

    /// The builds of the file, with the number of tasks that each computed where there are several.
    public func buildCounts() throws -> [(build: Build, count: Int?)] {
        let builds = try builds()
        guard builds.count > 1 else { return builds.map { ($0, nil) } }
        return try HDF5.exclusively {
            var counts = Array(repeating: 0, count: builds.count)
            for method in methods {
                for place in try file.root.group(method).dataset("build").read(Int32.self)
                where counts.indices.contains(Int(place)) { counts[Int(place)] += 1 }
            }
            return zip(builds, counts).map { ($0, $1) }
        }
    }

    /// What the ranks that write this file compute now.
    private func running() throws -> [ResultSummary.Running] {
        guard let grid = try fingerprint() else { return [] }
        let flights = RankLeftover.flights(of: place).filter { $0.grid == grid }
        return try methods.enumerated().flatMap { method, name -> [ResultSummary.Running] in
            let own = flights.filter { $0.task.method == method }
            guard !own.isEmpty else { return [] }
            let places = try TaskLabels(of: self, in: file.root.group(name))
            return own.map { flight in
                ResultSummary.Running(
                    rank: flight.rank, method: name,
                    place: places[flight.task] ?? "a task of a new grid",
                    since: flight.since)
            }
        }.sorted { $0.since < $1.since }
    }

    func summary(method: String, failureLimit: Int, slowestLimit: Int) throws -> ResultSummary.Method {
        let group = try file.root.group(method)
        let places = try TaskLabels(of: self, in: group)
        let shape = places.shape
        let all = try statuses(method: method)

        let tables = AxisTables(shape, all)
        let bad = all.lazy.indices.filter { all[$0].isBad }.prefix(Self.reasonLimit)
        let error = try group.dataset("error")
        try require(error, shape)
        if !bad.isEmpty { _ = try variable("error", in: group) }
        var failures: [ResultSummary.Failure] = []
        var reasons: [String: Int] = [:]
        for index in bad {
            let at = MethodLayout.indices(index, shape: shape)
            let box = HDF5Dataset.Box(start: at, count: at.map { _ in 1 })
            let text = try error.readTexts(box: box).first ?? ""
            reasons[text, default: 0] += 1
            if failures.count < failureLimit {
                failures.append(
                    ResultSummary.Failure(status: all[index], place: places[index] ?? "", error: text))
            }
        }
        let seconds = try wallSeconds(in: group, shape)
        let slowest = Self.largest(seconds, slowestLimit)
        return ResultSummary.Method(
            name: method, counts: tables.all,
            axes: shape.indices.map { axis in
                ResultSummary.AxisCounts(
                    name: places.names[axis], values: Array(zip(places.labels[axis], tables.counts(along: axis))))
            },
            failures: failures,
            reasons: reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) },
            wallSeconds: seconds.reduce(0) { $1.isNaN ? $0 : $0 + $1 },
            slowest: slowest.map { (places[$0] ?? "", seconds[$0]) })
    }

    private func wallSeconds(in group: HDF5Group, _ shape: [Int]) throws -> [Double] {
        let dataset = try variable("wall_seconds", in: group)
        try require(dataset, shape)
        return try dataset.read(Double.self)
    }

    /// Throws unless `dataset` has this shape.
    func require(_ dataset: HDF5Dataset, _ shape: [Int]) throws {
        guard dataset.shape == shape else {
            throw ResultError.unreadable(
                path: path, reason: "'\(dataset.path)' has the shape \(dataset.shape), where \(shape) is needed")
        }
    }

    /// Where the `count` largest numbers are, the largest first.
    private static func largest(_ values: [Double], _ count: Int) -> [Int] {
        var found: [Int] = []
        for (index, value) in values.enumerated() where count > 0 && !value.isNaN {
            if found.count == count, let last = found.last, values[last] >= value { continue }
            found.insert(index, at: found.firstIndex { values[$0] < value } ?? found.endIndex)
            if found.count > count { found.removeLast() }
        }
        return found
    }

    /// Status and seconds (NaN where it has not run) of every task of a method, row-major over its task dimensions.
    public func taskTimes(method: String) throws -> (statuses: [TaskStatus], seconds: [Double]) {
        try reading {
            let group = try file.root.group(method)
            return (
                try statuses(method: method), try wallSeconds(in: group, try group.dataset("status").shape)
            )
        }
    }

    /// The values of coordinate `name` as texts, row-major.
    func labels(of name: String, in group: HDF5Group) throws -> [String] {
        let dataset = try variable(name, in: group)
        guard dataset.isStored else {
            throw ResultError.unreadable(path: path, reason: "'\(dataset.path)' has no values")
        }
        switch dataset.type {
        case .text: return try dataset.readTexts()
        case .float64: return try dataset.read(Double.self).map(Self.plain)
        case .int8 where dataset.hasAttribute("flag_values"):
            return try dataset.read(Int8.self).map { $0 == 0 ? "false" : "true" }
        case .int64, .int32, .int8: return try dataset.readIntegers().map { String($0) }
        }
    }

    /// The shortest decimal text that reads back as the same number.
    static func plain(_ value: Double) -> String {
        if value.isNaN { return "" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return "\(value)"
    }
}

/// The coordinates of a method's tasks as texts.
private struct TaskLabels {
    let names: [String]
    let shape: [Int]
    /// By dimension.
    let labels: [[String]]

    init(of file: ResultFile, in group: HDF5Group) throws {
        let status = try group.dataset("status")
        shape = status.shape
        names = try group.dimensionNames(of: status)
        labels = try names.map { try file.labels(of: $0, in: group) }
        for (index, name) in names.enumerated() where labels[index].count != shape[index] {
            throw ResultError.unreadable(
                path: file.path,
                reason:
                    "'\(group.path)/\(name)' has \(labels[index].count) values for \(shape[index]) in '\(status.path)'")
        }
    }

    /// The place of a task, which may be of another grid.
    subscript(task: TaskID) -> String? {
        let seeds = names.last == "seed" ? shape.last ?? 1 : 1
        let (first, isFar) = task.point.multipliedReportingOverflow(by: seeds)
        guard !isFar, task.point >= 0, (0..<max(1, seeds)).contains(task.seed), first <= .max - seeds else {
            return nil
        }
        return self[first + task.seed]
    }

    /// `L=4 step_size=0.1 seed=3`; nil when there is no such task.
    subscript(index: Int) -> String? {
        guard (0..<shape.reduce(1, *)).contains(index) else { return nil }
        let at = MethodLayout.indices(index, shape: shape)
        return zip(names, zip(labels, at)).map { "\($0)=\($1.0[$1.1])" }.joined(separator: " ")
    }
}

/// How many tasks there are of each status for each value along each axis.
private struct AxisTables {
    private(set) var all = StatusCounts()
    private let shape: [Int]
    /// Where the numbers of each axis begin.
    private let starts: [Int]
    private var numbers: [Int]
    private static let kinds = TaskStatus.allCases.count

    init(_ shape: [Int], _ statuses: [TaskStatus]) {
        self.shape = shape
        var starts: [Int] = []
        var size = 0
        for count in shape {
            starts.append(size)
            size += count * Self.kinds
        }
        self.starts = starts
        numbers = Array(repeating: 0, count: size)
        // Where the present task's numbers are, axis by axis.
        var places = starts
        for status in statuses {
            all.add(status)
            for place in places { numbers[place + Int(status.rawValue)] += 1 }
            var axis = places.count - 1
            while axis >= 0 {
                places[axis] += Self.kinds
                if places[axis] < starts[axis] + shape[axis] * Self.kinds { break }
                places[axis] = starts[axis]
                axis -= 1
            }
        }
    }

    func counts(along axis: Int) -> [StatusCounts] {
        (0..<shape[axis]).map { value in
            var counts = StatusCounts()
            for status in TaskStatus.allCases {
                counts.add(status, count: numbers[starts[axis] + value * Self.kinds + Int(status.rawValue)])
            }
            return counts
        }
    }
}
