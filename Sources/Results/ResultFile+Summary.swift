import Foundation

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
    public static func summary(_ path: String, failureLimit: Int = 20, slowestLimit: Int = 0) throws -> ResultSummary {
        try HDF5.exclusively {
            let result = try ResultFile(path)
            let root = result.file.root
            let methods = try result.methods.map {
                try result.summary(method: $0, failureLimit: failureLimit, slowestLimit: slowestLimit)
            }
            var counts = StatusCounts()
            for method in methods { counts.add(method.counts) }
            let holder = RunLock.holder(of: path)
            let isAlive = holder?.isAlive
            let running = holder == nil || isAlive == false ? [] : try result.running()
            return ResultSummary(
                path: path, title: try root.textAttribute("title") ?? "", model: try root.textAttribute("model") ?? "",
                programVersion: try root.textAttribute("program_version") ?? "",
                created: try root.textAttribute("created") ?? "", updated: try root.textAttribute("updated") ?? "",
                counts: counts, methods: methods, holder: holder, holderIsAlive: isAlive,
                running: running, journalBytes: try? DiskFile(path + ".journal", .read).size())
        }
    }

    /// What the ranks that write this file compute now.
    private func running() throws -> [ResultSummary.Running] {
        guard let grid = try fingerprint() else { return [] }
        let flights = RankLeftover.flights(of: path).filter { $0.grid == grid }
        return try methods.enumerated().flatMap { method, name -> [ResultSummary.Running] in
            let own = flights.filter { $0.task.method == method }
            guard !own.isEmpty else { return [] }
            let places = try TaskLabels(of: self, in: file.root.group(name))
            let seeds = places.names.last == "seed" ? places.shape.last ?? 1 : 1
            return own.map { flight in
                ResultSummary.Running(
                    rank: flight.rank, method: name,
                    place: places[flight.task.point * seeds + flight.task.seed] ?? "a task of a new grid",
                    since: flight.since)
            }
        }.sorted { $0.since < $1.since }
    }

    private func summary(method: String, failureLimit: Int, slowestLimit: Int) throws -> ResultSummary.Method {
        let group = try file.root.group(method)
        let places = try TaskLabels(of: self, in: group)
        let shape = places.shape
        let all = try statuses(method: method)

        var counts = StatusCounts()
        // Counting along an axis: the flat index runs through blocks of `inner` equal axis indices.
        var tables = shape.map { [StatusCounts](repeating: StatusCounts(), count: $0) }
        var flat = shape.map { [Int](repeating: 0, count: $0 * TaskStatus.allCases.count) }
        let inners = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
        var bad: [Int] = []
        for (index, status) in all.enumerated() {
            counts.add(status)
            for axis in shape.indices {
                flat[axis][(index / inners[axis] % shape[axis]) * TaskStatus.allCases.count + Int(status.rawValue)] += 1
            }
            if status == .failed || status == .diverged || status == .suspect, bad.count < Self.reasonLimit {
                bad.append(index)
            }
        }
        for axis in shape.indices {
            for value in 0..<shape[axis] {
                for status in TaskStatus.allCases {
                    tables[axis][value].add(
                        status, count: flat[axis][value * TaskStatus.allCases.count + Int(status.rawValue)])
                }
            }
        }
        let error = try group.dataset("error")
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
        let seconds = try group.dataset("wall_seconds").read(Double.self)
        let slowest = Self.largest(seconds, slowestLimit)
        return ResultSummary.Method(
            name: method, counts: counts,
            axes: shape.indices.map { axis in
                ResultSummary.AxisCounts(
                    name: places.names[axis], values: Array(zip(places.labels[axis], tables[axis])))
            },
            failures: failures,
            reasons: reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) },
            wallSeconds: seconds.reduce(0) { $1.isNaN ? $0 : $0 + $1 },
            slowest: slowest.map { (places[$0] ?? "", seconds[$0]) })
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
        try HDF5.exclusively {
            (
                try statuses(method: method),
                try file.root.group(method).dataset("wall_seconds").read(Double.self)
            )
        }
    }

    /// The values of coordinate `name` as texts.
    func labels(of name: String, in group: HDF5Group) throws -> [String] {
        let dataset = try group.dataset(name)
        switch dataset.type {
        case .text: return try dataset.readTexts()
        case .float64: return try dataset.read(Double.self).map(Self.plain)
        case .int8 where dataset.hasAttribute("flag_values"):
            return try dataset.read(Int8.self).map { $0 == 0 ? "false" : "true" }
        default: return try dataset.readNumbers().map { String(Int64($0)) }
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
        names = status.dimensionNames().map { $0 ?? "" }
        labels = try names.map { try file.labels(of: $0, in: group) }
    }

    /// `L=4 step_size=0.1 seed=3`; nil when there is no such task.
    subscript(index: Int) -> String? {
        guard (0..<shape.reduce(1, *)).contains(index) else { return nil }
        let at = MethodLayout.indices(index, shape: shape)
        return zip(names, zip(labels, at)).map { "\($0)=\($1.0[$1.1])" }.joined(separator: " ")
    }
}
