import Modeling
import Sweep

/// How the tasks of one method lie in its group of a result file: which dimensions, and where the values of a task go.
///
/// Tasks are row-major over (axes..., seed); every per-task dataset has these dimensions first.
struct MethodLayout: Sendable {
    let grid: MethodGrid
    /// The names of the task dimensions: the axes', then `seed` for methods with randomness.
    let taskDimensions: [String]
    let taskShape: [Int]
    /// What a task stores, in the order of its record's buffers.
    let slots: [SlotLayout]
    /// What follows from all seeds of a point: the observable, and the slot that it is the mean of.
    let aggregates: [(spec: Observable, source: Int)]

    var seedCount: Int { grid.seedCount }
    var taskCount: Int { grid.taskCount }
    var isSeeded: Bool { grid.seeds != nil }
    var pointDimensions: Int { grid.axes.count }

    /// The dimensions beside `time` that run over the recording times: those of kernels.
    var otherTimes: [String] { Set(slots.flatMap(\.timeDimensions)).sorted() }

    /// Bytes that all slots of one task take in the file's layout, padding included.
    var bytesPerTask: Int { slots.reduce(0) { $0 + 8 * $1.paddedCount } }

    /// No record of this grid is longer.
    var maximumBody: Int {
        bytesPerTask + TaskRecord.fixedBody + 8 * slots.count + TaskRecord.maximumError + 64
    }

    init(grid: MethodGrid) throws {
        self.grid = grid
        let names = grid.axes.map(Self.dimensionName(of:))
        taskDimensions = names + (grid.seeds == nil ? [] : ["seed"])
        taskShape = grid.axes.map(\.count) + (grid.seeds.map { [$0.count] } ?? [])
        var slots: [SlotLayout] = []
        var dimensions = DimensionNames(grid: grid)
        for spec in grid.observables where spec.aggregate == nil {
            slots.append(SlotLayout(spec: spec, grid: grid, dimensions: &dimensions))
        }
        self.slots = slots
        aggregates = try grid.observables.compactMap { spec in
            guard case .seedMean(let source)? = spec.aggregate else { return nil }
            guard let index = slots.firstIndex(where: { $0.spec.name == source }) else {
                throw ResultError.schema(
                    "observable '\(spec.name)' of method '\(grid.method.name)' is the mean of '\(source)', which is not "
                        + "recorded; add '\(source)' to the job's observables")
            }
            return (spec, index)
        }
        try checkNames()
    }

    /// What every result has a column of, beside its observables.
    static let bookkeeping = ["status", "error", "wall_seconds", "mpi_rank", "build"]

    /// An axis is the dimension of its first coordinate. A coordinate whose values are arrays is no one-dimensional
    /// variable, so its dimension gets a name of its own and an index as coordinate.
    static func dimensionName(of axis: Axis) -> String {
        guard let first = axis.coordinates.first else { return "" }
        return first.values.contains(where: \.isArray) ? first.name + "_index" : first.name
    }

    /// The first of our own variables, and of parameters and observables, that would share a name.
    private func checkNames() throws {
        var seen: [String: String] = [:]
        func claim(_ name: String, _ what: String) throws {
            if let other = seen.updateValue(what, forKey: name) {
                throw ResultError.schema(
                    "method '\(grid.method.name)': the name '\(name)' would stand for \(other) and for \(what) in the "
                        + "result file")
            }
        }
        for name in Self.bookkeeping { try claim(name, "a column of every result") }
        if grid.seeds != nil { try claim("seed", "the seeds") }
        if !grid.times.values.isEmpty { try claim("time", "the recording times") }
        for axis in grid.axes { for coordinate in axis.coordinates { try claim(coordinate.name, "an axis") } }
        for derived in grid.derived { try claim(derived.name, "a derived parameter") }
        for entry in grid.fixed.entries { try claim(entry.name, "a parameter") }
        for observable in grid.observables { try claim(observable.name, "an observable") }
    }

    /// The indices of task `task` along the task dimensions.
    func indices(ofTask task: Int) -> [Int] { Self.indices(task, shape: taskShape) }

    static func indices(_ flat: Int, shape: [Int]) -> [Int] {
        var rest = flat
        var result = [Int](repeating: 0, count: shape.count)
        for dimension in shape.indices.reversed() where shape[dimension] > 0 {
            result[dimension] = rest % shape[dimension]
            rest /= shape[dimension]
        }
        return result
    }

    /// Cuts a row-major box of this shape into boxes of at most about `rows` elements, each a contiguous range.
    static func blocks(of shape: [Int], rows: Int) -> [(range: Range<Int>, box: HDF5Dataset.Box)] {
        let total = shape.reduce(1, *)
        guard total > 0 else { return [] }
        guard !shape.isEmpty else { return [(0..<1, HDF5Dataset.Box(start: [], count: []))] }
        let piece = blockShape(of: shape, rows: rows)
        guard let cut = shape.indices.first(where: { piece[$0] > 1 }) ?? shape.indices.last else { return [] }
        let inner = shape[(cut + 1)...].reduce(1, *)
        var result: [(range: Range<Int>, box: HDF5Dataset.Box)] = []
        let outerShape = Array(shape[..<cut])
        for outer in 0..<outerShape.reduce(1, *) {
            let lead = indices(outer, shape: outerShape)
            for from in stride(from: 0, to: shape[cut], by: piece[cut]) {
                let count = min(piece[cut], shape[cut] - from)
                let first = (outer * shape[cut] + from) * inner
                result.append(
                    (
                        first..<(first + count * inner),
                        HDF5Dataset.Box(
                            start: lead + [from] + shape[(cut + 1)...].map { _ in 0 },
                            count: lead.map { _ in 1 } + [count] + Array(shape[(cut + 1)...]))
                    ))
            }
        }
        return result
    }

    /// The shape (1, ..., 1, c, full, ..., full) with at most about `rows` elements: a contiguous row-major range.
    static func blockShape(of shape: [Int], rows: Int) -> [Int] {
        var left = max(1, rows)
        var piece = shape.map { _ in 1 }
        for dimension in shape.indices.reversed() {
            piece[dimension] = max(1, min(shape[dimension], left))
            if piece[dimension] < shape[dimension] { break }
            left = max(1, left / max(1, shape[dimension]))
        }
        return piece
    }
}

/// Names for the observables' own dimensions that clash with nothing else in the group.
struct DimensionNames {
    private var taken: [String: Int]

    init(grid: MethodGrid) {
        taken = ["seed": -1, "time": -1]
        for axis in grid.axes { for coordinate in axis.coordinates { taken[coordinate.name] = -1 } }
        for derived in grid.derived { taken[derived.name] = -1 }
        for entry in grid.fixed.entries { taken[entry.name] = -1 }
        for observable in grid.observables { taken[observable.name] = -1 }
    }

    /// `name` for a dimension of this length, or a variant of it when something else has that name.
    mutating func claim(_ name: String, length: Int) -> String {
        for candidate in [name, name + "_index", "\(name)_\(length)", "\(name)_index_\(length)"] {
            if let other = taken[candidate] {
                if other == length { return candidate }
            } else {
                taken[candidate] = length
                return candidate
            }
        }
        return claim(name + "_", length: length)
    }
}

/// One observable as tasks store it.
struct SlotLayout: Sendable {
    let spec: Observable
    /// 1 for observables with one value a task.
    let timeCount: Int
    let hasTime: Bool
    /// The observable's own dimensions: names in the file, largest lengths, and the length at each point.
    let extraDimensions: [String]
    let paddedShape: [Int]
    /// Those of ``extraDimensions`` that run over the recording times.
    let timeDimensions: [String]
    private let extents: [PointwiseLength]

    /// Numbers of one task in the file.
    var paddedCount: Int { timeCount * paddedShape.reduce(1, *) }

    init(spec: Observable, grid: MethodGrid, dimensions: inout DimensionNames) {
        self.spec = spec
        hasTime = spec.isRecordedInTime && !grid.times.values.isEmpty
        timeCount = hasTime ? grid.times.values.count : 1
        extents = spec.dimensions.map { PointwiseLength($0, grid: grid) }
        let padded = extents.map { max(1, $0.maximum) }
        paddedShape = padded
        let names = zip(spec.dimensions, padded).map { dimensions.claim($0.name, length: $1) }
        extraDimensions = names
        timeDimensions =
            grid.times.values.isEmpty
            ? [] : zip(spec.dimensions, names).filter { $0.0.extent == .recordingTimes }.map(\.1)
    }

    /// True when every point fills the padded shape.
    var isUniform: Bool { zip(extents, paddedShape).allSatisfy { $0.isConstant(equalTo: $1) } }

    func shape(atPoint point: Int) -> [Int] { extents.map { $0.length(atPoint: point) } }

    /// Copies a task's unpadded values into its place in the file's layout (already NaN). Returns false when there are
    /// not as many as the point's shape says.
    func pad(_ values: UnsafeRawBufferPointer, atPoint point: Int, into row: UnsafeMutableRawBufferPointer) -> Bool {
        if isUniform {
            guard values.count == 8 * paddedCount, let from = values.baseAddress, let to = row.baseAddress else {
                return values.count == 8 * paddedCount
            }
            to.copyMemory(from: from, byteCount: values.count)
            return true
        }
        let own = shape(atPoint: point)
        guard values.count == 8 * timeCount * own.reduce(1, *) else { return false }
        forEachRun(own) { from, to, length in
            guard let source = values.baseAddress, let target = row.baseAddress else { return }
            (target + 8 * to).copyMemory(from: source + 8 * from, byteCount: 8 * length)
        }
        return true
    }

    /// The inverse of ``pad(_:atPoint:into:)``.
    func unpad(_ row: UnsafeBufferPointer<Double>, atPoint point: Int) -> [Double] {
        if isUniform { return Array(row) }
        let own = shape(atPoint: point)
        var values = [Double](repeating: .nan, count: timeCount * own.reduce(1, *))
        forEachRun(own) { from, to, length in
            for index in 0..<length { values[from + index] = row[to + index] }
        }
        return values
    }

    /// Calls `body` with (offset unpadded, offset padded, length) for every contiguous run.
    private func forEachRun(_ own: [Int], _ body: (Int, Int, Int) -> Void) {
        guard let length = own.last, length > 0, let paddedLength = paddedShape.last else { return }
        let ownRows = [timeCount] + own.dropLast()
        let paddedRows = [timeCount] + paddedShape.dropLast()
        for run in 0..<ownRows.reduce(1, *) {
            let at = MethodLayout.indices(run, shape: ownRows)
            let paddedRun = zip(at, paddedRows).reduce(0) { $0 * $1.1 + $1.0 }
            body(run * length, paddedRun * paddedLength, length)
        }
    }
}

/// The length of an observable's dimension at every point of a grid, from the one parameter it depends on.
private struct PointwiseLength: Sendable {
    /// Lengths by the combined index over the axes that matter.
    private let lengths: [Int]
    /// (stride in the point index, count) of these axes.
    private let axes: [(stride: Int, count: Int)]
    let maximum: Int

    init(_ dimension: ExtraDimension, grid: MethodGrid) {
        let timeCount = grid.times.values.count
        switch dimension.extent {
        case .fixed(let length):
            lengths = [length]
            axes = []
        case .recordingTimes:
            lengths = [timeCount]
            axes = []
        case .parameter(let name, _):
            func length(_ value: ParameterValue) -> Int {
                dimension.length(at: ParameterPoint([name: value]), timeCount: timeCount)
            }
            let counts = grid.axes.map(\.count)
            func stride(_ axis: Int) -> Int { counts[(axis + 1)...].reduce(1, *) }
            let carrying = grid.axes.indices.compactMap { axis in
                grid.axes[axis].coordinates.first { $0.name == name }.map { (axis, $0) }
            }.first
            if let (axis, coordinate) = carrying {
                lengths = coordinate.values.map(length)
                axes = [(stride(axis), counts[axis])]
            } else if let derived = grid.derived.first(where: { $0.name == name }) {
                lengths = derived.values.map(length)
                axes = derived.axes.map { (stride($0), counts[$0]) }
            } else {
                lengths = [dimension.length(at: grid.fixed, timeCount: timeCount)]
                axes = []
            }
        }
        maximum = lengths.max() ?? 0
    }

    func length(atPoint point: Int) -> Int {
        let index = axes.reduce(0) { $0 * $1.count + (point / $1.stride) % $1.count }
        return lengths[index]
    }

    func isConstant(equalTo length: Int) -> Bool { lengths.allSatisfy { $0 == length } }
}

extension ParameterValue {
    var isArray: Bool {
        if case .array = self { return true }
        return false
    }
}
