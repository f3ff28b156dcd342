import Modeling

/// What a job will take, from the model's estimates; nothing is run.
public struct Plan: Sendable {
    /// One method's share.
    public struct Share: Sendable {
        public let method: MethodSpec
        /// Names and lengths of its axes.
        public let axes: [(name: String, count: Int)]
        /// Points of the box, and those of them that `where` leaves out.
        public let points: Int
        public let excluded: Int
        /// 1 for methods without randomness; the most that a `sem` rule may use.
        public let seeds: Int
        /// Tasks to run: included points times seeds.
        public let tasks: Int
        /// Core seconds of all tasks, and of the longest one.
        public let seconds: Double
        public let longestSeconds: Double
        /// The most memory that a task needs, in bytes.
        public let memory: Int
        /// Tasks whose estimate is beyond the job's `task_memory` and `task_minutes`; nil when there are none.
        public let beyondMemory: Beyond?
        public let beyondTime: Beyond?
        /// Bytes of all recorded numbers, before compression.
        public let recordedBytes: Int
    }

    /// Tasks of one method whose estimate is beyond a limit of the job.
    public struct Beyond: Sendable {
        public let tasks: Int
        /// Those of them that a run does not begin because of this limit (``JobLimits/refusal(of:)``).
        public let refused: Int
        /// The largest of them.
        public let largest: LimitExcess
        /// The axes that its cost depends on (`alpha=4 d=1000`); empty when none is.
        public let place: String
        /// What brings its cost down (``MethodGrid/remedy(for:at:)``).
        public let remedy: String?
    }

    public let shares: [Share]

    public var tasks: Int { shares.reduce(0) { $0 + $1.tasks } }
    public var seconds: Double { shares.reduce(0) { $0 + $1.seconds } }
    public var memory: Int { shares.map(\.memory).max() ?? 0 }
    public var recordedBytes: Int { shares.reduce(0) { $0 + $1.recordedBytes } }

    /// Seconds from start to end on `ranks` cores, longest tasks first: no less than the even share, nor than the
    /// longest task.
    public func wallSeconds(ranks: Int) -> Double {
        max(seconds / Double(max(ranks, 1)), shares.map(\.longestSeconds).max() ?? 0)
    }

    /// Throws when the model cannot estimate a point, which then it could not run either.
    public init(_ job: Job) throws(JobErrors) {
        var shares: [Share] = []
        for grid in job.grids {
            do {
                shares.append(try Self.share(of: grid, job.limits))
            } catch {
                throw job.errors(for: error, method: grid.method.name)
            }
        }
        self.shares = shares
    }

    private static func share(of grid: MethodGrid, _ limits: JobLimits) throws -> Share {
        let table = try CostTable(grid)
        // The box of all axes that cost or condition depend on; every combination stands for `multiplicity` points.
        let filterAxes = grid.filter?.axes ?? []
        let axes = Set(table.axes).union(filterAxes).sorted()
        let counts = axes.map { grid.axes[$0].count }
        let size = counts.reduce(1, *)
        let multiplicity = size > 0 ? grid.pointCount / size : 0
        var uses = Array(repeating: 0, count: table.costs.count)
        // An included combination of each cost.
        var examples = uses
        var walk = BoxWalk(
            counts: counts, tables: [table.walkTable(over: axes), grid.walkTable(on: filterAxes, over: axes)])
        for combination in 0..<size {
            if grid.filter?.includes(walk.tracked[1]) ?? true {
                uses[walk.tracked[0]] += 1
                examples[walk.tracked[0]] = combination
            }
            walk.advance()
        }

        let each = multiplicity * grid.seedCount
        var (seconds, longest, memory) = (0.0, 0.0, 0)
        var (beyondMemory, beyondTime) = (BeyondCount(), BeyondCount())
        for (index, (cost, count)) in zip(table.costs, uses).enumerated() where count > 0 {
            seconds += cost.seconds * Double(count * each)
            longest = max(longest, cost.seconds)
            memory = max(memory, cost.memory)
            if let limit = limits.taskMemory, cost.memory > limit {
                beyondMemory.add(count * each, Double(cost.memory), isRefused: true, examples[index])
            }
            if let limit = limits.taskSeconds, cost.seconds > limit {
                let isRefused = cost.seconds > JobLimits.timeMargin * limit
                beyondTime.add(count * each, cost.seconds, isRefused: isRefused, examples[index])
            }
        }
        func beyond(_ found: BeyondCount, _ largest: (Double) -> LimitExcess) -> Beyond? {
            guard found.tasks > 0 else { return nil }
            let strides = Box.strides(counts)
            var indices = Array(repeating: 0, count: grid.axes.count)
            for (place, axis) in axes.enumerated() {
                indices[axis] = found.combination / strides[place] % counts[place]
            }
            let excess = largest(found.need)
            let place = table.axes.flatMap { axis in
                grid.axes[axis].coordinates.map { "\($0.name)=\($0.values[indices[axis]].text)" }
            }
            return Beyond(
                tasks: found.tasks, refused: found.refused, largest: excess, place: place.joined(separator: " "),
                remedy: grid.remedy(for: excess, at: grid.point(at: grid.point(at: indices))))
        }
        let included = grid.includedCount
        return Share(
            method: grid.method, axes: grid.axes.map { ($0.name, $0.count) }, points: grid.pointCount,
            excluded: grid.pointCount - included, seeds: grid.seedCount, tasks: included * grid.seedCount,
            seconds: seconds, longestSeconds: longest, memory: memory,
            beyondMemory: beyond(beyondMemory) { .memory(need: Int($0), limit: limits.taskMemory ?? 0) },
            beyondTime: beyond(beyondTime) { .time(need: $0, limit: limits.taskSeconds ?? 0) },
            recordedBytes: included * grid.seedCount * grid.largestRecord)
    }
}

/// Tasks beyond a limit while they are counted: the combination is that of the largest need.
private struct BeyondCount {
    var tasks = 0
    var refused = 0
    var need = 0.0
    var combination = 0

    mutating func add(_ count: Int, _ its: Double, isRefused: Bool, _ example: Int) {
        tasks += count
        if isRefused { refused += count }
        if its > need { (need, combination) = (its, example) }
    }
}

extension Job {
    /// A model's complaint about a point, as an error with the parameter's place in the job.
    func errors(for error: any Error, method: String) -> JobErrors {
        var location = SourceLocation.job
        switch error as? ModelError {
        case .needed(let name)?, .parameter(let name, _)?, .conflict(let name, _)?: location = locations[name] ?? .job
        default: break
        }
        return JobErrors([JobError(path: path, location: location, message: "method '\(method)': \(error)")])
    }
}
