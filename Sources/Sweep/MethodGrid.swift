import Modeling

/// The grid of one method: a dense box of points (row-major over `axes`, last axis fastest) times seeds. Nothing is
/// expanded: points, identities and exclusion are computed from the index.
///
/// Indices that are out of range are a programming error and trap. A class, since it is handed on with every task.
public final class MethodGrid: Sendable {
    public let model: String
    public let method: MethodSpec
    /// Of the model.
    public let revision: Int
    /// Only axes of parameters that the method looks at somewhere in the grid.
    public let axes: [Axis]
    /// Parameters with one value, plain defaults filled in; only those that the method or one of its expressions uses.
    public let fixed: ParameterPoint
    public let derived: [DerivedCoordinate]
    /// Nil for methods without randomness.
    public let seeds: SeedRange?
    /// Empty values for methods without time.
    public let times: RecordingTimes
    /// The requested observables, in the model's order; what an aggregate is made of is among them.
    public let observables: [Observable]
    /// Which points the job's `where` leaves in; nil: all.
    public let filter: PointFilter?
    /// The parameters that the method looks at somewhere in the grid and that have a value there, sorted.
    public let usedParameters: [String]

    let implementation: any Model
    private let box: PointBox
    private let namePrefix: TaskName.Prefix
    /// Whether an observable has dimensions of its own whose lengths follow from parameters.
    private let lengthsDiffer: Bool
    /// What is recorded, when it is the same at all points.
    private let sameSlots: [ObservationSink.Slot]?
    /// The names of the observables that runs record.
    private let recorded: Set<String>
    private let counts: [Int]
    private let strides: [Int]

    /// - Parameters:
    ///   - used: the parameters that the method looks at.
    ///   - box: the points, with the axes of those and of what their expressions refer to.
    init(
        model: any Model, method: MethodSpec, used: Set<String>, box: PointBox, fixed: ParameterPoint,
        seeds: SeedRange?, times: RecordingTimes, observables: [Observable], filter: PointFilter?
    ) {
        self.model = model.name
        self.method = method
        revision = model.revision
        self.axes = box.axes
        self.fixed = fixed
        self.derived = box.derived
        self.seeds = seeds
        self.times = times
        self.observables = observables
        self.filter = filter
        self.box = box
        implementation = model
        namePrefix = TaskName.Prefix(model: model, method: method.name)
        lengthsDiffer = observables.contains { observable in
            observable.dimensions.contains { if case .parameter = $0.extent { true } else { false } }
        }
        sameSlots =
            lengthsDiffer
            ? nil : Self.slots(observables, at: ParameterPoint(), timeCount: times.values.count)
        counts = box.counts
        strides = Box.strides(counts)
        recorded = Set(observables.filter { $0.aggregate == nil }.map(\.name))
        let names = Set(box.axes.flatMap { $0.coordinates.map(\.name) } + box.derived.map(\.name))
            .union(fixed.entries.map(\.name))
        usedParameters = used.intersection(names).sorted()
    }

    /// All points of the box, excluded ones too.
    public var pointCount: Int { counts.reduce(1, *) }
    public var seedCount: Int { seeds?.count ?? 1 }
    /// All tasks of the box, those of excluded points too.
    public var taskCount: Int { pointCount * seedCount }

    /// Points that `where` leaves in.
    public var includedCount: Int {
        guard let filter else { return pointCount }
        return filter.includedCount * (pointCount / filter.counts.reduce(1, *))
    }

    // MARK: Indices

    /// The index along axis `axis` of a point.
    public func index(of point: Int, along axis: Int) -> Int { (point / strides[axis]) % counts[axis] }

    /// A point's index along each axis.
    public func indices(of point: Int) -> [Int] { axes.indices.map { index(of: point, along: $0) } }

    /// The point with these indices, one an axis.
    public func point(at indices: [Int]) -> Int { zip(indices, strides).reduce(0) { $0 + $1.0 * $1.1 } }

    /// The flat index of a point's projection on some of the axes (increasing), row-major over them.
    func projection(of point: Int, on axes: [Int]) -> Int {
        axes.reduce(0) { $0 * counts[$1] + index(of: point, along: $1) }
    }

    // MARK: What a point is

    /// The given parameters at `point`: axes, expressions, fixed values.
    public func point(at point: Int) -> ParameterPoint { box.point { index(of: point, along: $0) } }

    /// A point, read and checked by the model.
    ///
    /// - Throws: what the model says of it.
    public func prepare(at point: Int) throws -> PreparedPoint { try prepare(self.point(at: point)) }

    /// A point with these `parameters` (``point(at:)``), read and checked by the model.
    public func prepare(_ parameters: ParameterPoint) throws -> PreparedPoint {
        try implementation.prepare(method, Reader(parameters, leftOut: box.leftOut), times: times)
    }

    func derivedValue(_ index: Int, at point: Int) -> ParameterValue {
        derived[index].value(at: projection(of: point, on: derived[index].axes))
    }

    /// A task in words: what its axes say, and its seed (`L=4 step_size=0.1 seed=3`).
    public func describe(point: Int, seed: Int) -> String {
        var parts = axes.indices.flatMap { axis in
            axes[axis].coordinates.map { "\($0.name)=\($0.values[index(of: point, along: axis)].text)" }
        }
        if let seeds { parts.append("seed=\(seeds.base + seed)") }
        return parts.joined(separator: " ")
    }

    /// False for points that the job's `where` leaves out.
    public func isIncluded(_ point: Int) -> Bool {
        guard let filter else { return true }
        return filter.includes(projection(of: point, on: filter.axes))
    }

    /// The names of the tasks at a point that was read.
    public func name(of prepared: PreparedPoint) -> TaskName { TaskName(namePrefix, prepared.readings) }

    /// The seed with index `seed` into ``seeds``; nil for unseeded methods.
    public func seedValue(_ seed: Int) -> Int? { seeds.map { $0.base + seed } }

    /// The identity of a task, from what it is alone: it does not depend on the grid around it, on the order of axes,
    /// nor on how the job writes a value. `seed` is an index into ``seeds`` (ignored for unseeded methods).
    ///
    /// - Throws: what the model says of the point.
    public func identity(point: Int, seed: Int) throws -> TaskIdentity {
        name(of: try prepare(at: point)).identity(seed: seedValue(seed))
    }

    /// What the numbers of a task are called: tasks of two grids of one method that share it, with the same recording
    /// times and observables, record the same numbers.
    ///
    /// - Parameters:
    ///   - prepared: the point, read, with these `parameters` (``point(at:)``).
    ///   - seed: an index into ``seeds``; nil: a name of all seeds together.
    public func recordIdentity(
        _ prepared: PreparedPoint, _ parameters: ParameterPoint, seed: Int?
    ) -> TaskIdentity {
        recordIdentity(name(of: prepared), prepared, parameters, seed: seed)
    }

    /// The same, when the point's ``name(of:)`` is there, and the task's identity, which it mostly is.
    public func recordIdentity(
        _ name: TaskName, _ prepared: PreparedPoint, _ parameters: ParameterPoint, seed: Int?,
        task: TaskIdentity? = nil
    ) -> TaskIdentity {
        if let task, prepared.clockReadings.isEmpty, !lengthsDiffer { return task }
        return name.recordIdentity(
            clock: prepared.clockReadings, lengths: lengthsDiffer ? lengths(at: parameters) : [],
            seed: seed.flatMap(seedValue))
    }

    private func lengths(at parameters: ParameterPoint) -> [Int] {
        observables.flatMap { $0.dimensions.map { $0.length(at: parameters, timeCount: 0) } }
    }

    /// The name of the numbers of one task (see ``recordIdentity(_:_:seed:)``), or of all seeds of a point together; nil
    /// when the model refuses the point.
    public func recordIdentity(point: Int, seed: Int?) -> TaskIdentity? {
        let parameters = self.point(at: point)
        return (try? prepare(parameters)).map { recordIdentity($0, parameters, seed: seed) }
    }

    /// Whether another grid has the same points under the same numbers; `where` is not looked at.
    func hasSamePoints(as other: MethodGrid) -> Bool {
        model == other.model && method.name == other.method.name && axes == other.axes && fixed == other.fixed
            && derived == other.derived
    }

    /// Whether every axis says something of every task, as far as cells of the grid tell.
    var readsAllAxes: Bool {
        let names = axes.flatMap { $0.coordinates.map(\.name) }
        let picked = GridSurvey.cells(axes, limit: 1024)
        var isRead = true
        Box.forEach(picked.map(\.count)) { _, places in
            guard let prepared = try? prepare(at: self.point(at: places.indices.map { picked[$0][places[$0]] }))
            else { return true }
            isRead = Set((prepared.readings + prepared.clockReadings).map(\.name)).isSuperset(of: names)
            return isRead
        }
        return isRead
    }

    /// What a run at `point` records: ``observables`` without aggregates, with their lengths there.
    public func slots(at point: Int) -> [ObservationSink.Slot] { slots(at: self.point(at: point)) }

    /// The same at a point with these parameters (``point(at:)``).
    ///
    /// - Parameter recordingTimes: how many of the recording times there are, from the first; nil: all.
    public func slots(at parameters: ParameterPoint, recordingTimes: Int? = nil) -> [ObservationSink.Slot] {
        if recordingTimes == nil, let sameSlots { return sameSlots }
        return Self.slots(observables, at: parameters, timeCount: recordingTimes ?? times.values.count)
    }

    private static func slots(
        _ observables: [Observable], at parameters: ParameterPoint, timeCount: Int
    ) -> [ObservationSink.Slot] {
        observables.lazy.filter { $0.aggregate == nil }.map {
            ObservationSink.Slot($0, at: parameters, timeCount: timeCount)
        }
    }

    /// The largest length of an observable's own dimension over all points.
    public func largestExtent(of dimension: ExtraDimension) -> Int {
        switch dimension.extent {
        case .fixed(let length): return length
        case .recordingTimes: return times.values.count
        case .parameter(let name, let usual):
            func whole(_ value: ParameterValue) -> Int {
                if case .integer(let length) = value { return length }
                return 0
            }
            for axis in axes {
                for coordinate in axis.coordinates where coordinate.name == name {
                    return coordinate.values.map(whole).max() ?? 0
                }
            }
            for its in derived where its.name == name { return its.values.map(whole).max() ?? 0 }
            return fixed[name].map(whole) ?? usual
        }
    }

    // MARK: Cost

    /// A task may record so many bytes: it travels as one message and is one record of the journal.
    public static let recordLimit = 1_000_000_000

    /// The most bytes that a task records, of all points.
    public var largestRecord: Int {
        observables.reduce(0) { sum, observable in
            guard observable.aggregate == nil else { return sum }
            let width = observable.dimensions.reduce(8) { $0 * largestExtent(of: $1) }
            return sum + width * (observable.isRecordedInTime && method.isTimed ? times.values.count : 1)
        }
    }

    /// The expected cost of one task at `point`.
    public func cost(at point: Int) throws -> Cost { try cost(of: self.point(at: point)) }

    func cost(of parameters: ParameterPoint, recordingTimes: Int? = nil) throws -> Cost {
        try cost(
            of: try prepare(parameters), slots(at: parameters, recordingTimes: recordingTimes),
            recordingTimes: recordingTimes)
    }

    /// The expected cost of one task at a point: what the model says, and the memory of what the task records.
    ///
    /// - Parameters:
    ///   - slots: what is recorded (``slots(at:recordingTimes:)``).
    ///   - recordingTimes: how many of the recording times there are, from the first; nil: all.
    public func cost(
        of prepared: PreparedPoint, _ slots: [ObservationSink.Slot], recordingTimes: Int? = nil
    ) throws -> Cost {
        let count = recordingTimes ?? times.values.count
        let numbers = slots.reduce(0.0) { $0 + Double($1.width) * Double($1.isRecordedInTime ? count : 1) }
        // Once while it is put together, and once more as the record that is sent.
        return try prepared.cost(recordingTimes: recordingTimes).adding(bytes: 2 * 8 * numbers)
    }

    /// A run of one task at a point that was read.
    public func makeRun(_ prepared: PreparedPoint, random: RandomStream) throws -> any Run {
        try prepared.makeRun(observables: recorded, random: random)
    }

    // MARK: Sub-grids

    /// The axes (increasing) that any of `parameters` depends on.
    func axes(of parameters: some Sequence<String>) -> [Int] {
        var found = Set<Int>()
        for name in parameters {
            for (index, axis) in axes.enumerated() where axis.coordinates.contains(where: { $0.name == name }) {
                found.insert(index)
            }
            for its in derived where its.name == name { found.formUnion(its.axes) }
        }
        return found.sorted()
    }

    /// Whether an included point has these indices along `axes` (increasing).
    func hasIncludedPoint(along axes: [Int], at indices: [Int]) -> Bool {
        guard let filter else { return true }
        var fixedIndex: [Int: Int] = [:]
        for (axis, index) in zip(axes, indices) { fixedIndex[axis] = index }
        let strides = Box.strides(filter.counts)
        var base = 0
        var free: [(count: Int, stride: Int)] = []
        for (axis, (count, stride)) in zip(filter.axes, zip(filter.counts, strides)) {
            if let index = fixedIndex[axis] { base += index * stride } else { free.append((count, stride)) }
        }
        var found = false
        Box.forEach(free.map(\.count)) { _, its in
            let index = zip(its, free).reduce(base) { $0 + $1.0 * $1.1.stride }
            found = filter.includes(index)
            return !found
        }
        return found
    }

    /// A table for ``BoxWalk`` over the box of `all` axes: what each index adds to the flat index over `axes`.
    func walkTable(on axes: [Int], over all: [Int]) -> [[Int]] {
        let strides = Box.strides(axes.map { counts[$0] })
        return all.map { axis in
            guard let place = axes.firstIndex(of: axis) else { return [] }
            return (0..<counts[axis]).map { $0 * strides[place] }
        }
    }
}

/// Seeds base, base+1, ..., base+count-1.
public struct SeedRange: Sendable, Hashable {
    public let base: Int
    public let count: Int

    public init(base: Int, count: Int) {
        self.base = base
        self.count = count
    }
}

/// One task of a job: indices of method grid, point and seed.
public struct TaskID: Sendable, Hashable {
    public let method: Int
    public let point: Int
    public let seed: Int

    public init(method: Int, point: Int, seed: Int) {
        self.method = method
        self.point = point
        self.seed = seed
    }
}
