import Modeling
import Sweep

/// The present state of a contiguous range of tasks: their statuses and where their records lie (0: none).
struct TaskSnapshot {
    var statuses: [TaskStatus]
    var offsets: [Int]
}

/// Writes one method's group: coordinates, then every per-task dataset in one pass over the tasks, block by block.
struct MethodWriter {
    let layout: MethodLayout
    let specs: [String: ParameterSpec]
    /// What the records were made with, in the order of the file's attribute `builds`.
    let builds: [Build]

    /// Memory for the values of one block of tasks (a single task may need more).
    static let blockBytes = 16 << 20
    /// Chunks hold whole tasks up to about this size; a task beyond ``longestChunk`` is cut along time.
    static let chunkBytes = 256 << 10
    static let longestChunk = 4 << 20
    static let deflateLevel = 1

    /// - Parameter snapshot: the state of tasks by their index within the method.
    func write(
        into group: HDF5Group, reader: inout BlockReader, snapshot: (Range<Int>) throws -> TaskSnapshot
    ) throws -> StatusCounts {
        let writer = VariableWriter(group: group)
        try writeCoordinates(writer)
        let pass = try MethodPass(layout: layout, writer: writer, builds: builds)
        let rows = max(1, Self.blockBytes / max(64, layout.bytesPerTask))
        for (range, box) in MethodLayout.blocks(of: layout.taskShape, rows: rows) {
            try pass.write(range, box, try snapshot(range), &reader)
        }
        try pass.finish()
        try group.setAttribute("method", layout.grid.method.name)
        try group.setAttribute("kind", layout.grid.method.kind.rawValue)
        try group.setAttribute("description", layout.grid.method.summary)
        if !writer.auxiliary.isEmpty {
            // xarray makes coordinates of the variables that this attribute lists.
            try group.setAttribute("coordinates", writer.auxiliary.joined(separator: " "))
        }
        try pass.counts.write(to: group)
        return pass.counts
    }

    private func writeCoordinates(_ writer: VariableWriter) throws {
        let grid = layout.grid
        for axis in grid.axes { try writer.write(axis) }
        if let seeds = grid.seeds {
            try writer.write(
                (0..<seeds.count).map { .integer(seeds.base + $0) }, as: "seed", dimensions: ["seed"],
                shape: [seeds.count], VariableText(longName: "random seed"))
        }
        if !grid.times.values.isEmpty {
            let isSteps = grid.times.unit == .steps
            // The other times of kernels have the same coordinate.
            for name in ["time"] + layout.otherTimes {
                try writer.write(
                    grid.times.values.map { .real($0) }, as: name, dimensions: [name],
                    shape: [grid.times.values.count],
                    VariableText(
                        longName: isSteps ? "algorithm steps" : "rescaled time", units: grid.times.unit.rawValue,
                        symbol: isSteps ? "k" : "t"))
            }
        }
        for derived in grid.derived { try writer.write(derived, axes: grid.axes) }
        for entry in grid.fixed.entries {
            try writer.write(fixed: entry.name, entry.value, specs[entry.name])
        }
    }
}

/// The datasets of one method while they are written.
private final class MethodPass {
    private let layout: MethodLayout
    private let status: TaskDataset
    private let error: TaskDataset
    private let wallSeconds: TaskDataset
    private let rank: TaskDataset
    private let build: TaskDataset
    /// The places of builds in the attribute `builds`, by their keys.
    private let buildPlaces: [UInt32: Int32]
    private let observables: [TaskDataset]
    private let means: [SeedMean]
    /// One buffer a slot for the tasks of a block.
    private var values: [[Double]]
    private(set) var counts = StatusCounts()

    init(layout: MethodLayout, writer: VariableWriter, builds: [Build]) throws {
        self.layout = layout
        buildPlaces = Dictionary(
            builds.enumerated().map { ($1.key, Int32($0)) }, uniquingKeysWith: { first, _ in first })
        let tasks = layout.taskDimensions
        let shape = layout.taskShape
        status = try TaskDataset("status", .int8, writer, tasks, shape, rows: shape.count)
        try status.dataset.setAttribute("flag_values", TaskStatus.allCases.map { Int8($0.rawValue) })
        try status.dataset.setAttribute("flag_meanings", TaskStatus.allCases.map(\.name).joined(separator: " "))
        try writer.describe(status.dataset, VariableText(longName: "status of the task"))
        error = try TaskDataset("error", .text, writer, tasks, shape, rows: shape.count)
        try writer.describe(error.dataset, VariableText(longName: "why the task failed or diverged, or is a suspect"))
        wallSeconds = try TaskDataset("wall_seconds", .float64, writer, tasks, shape, rows: shape.count)
        try writer.describe(
            wallSeconds.dataset, VariableText(longName: "wall-clock time that the task took", units: "s"))
        rank = try TaskDataset("mpi_rank", .int32, writer, tasks, shape, rows: shape.count, fill: -1)
        try writer.describe(rank.dataset, VariableText(longName: "MPI rank that ran the task, -1 for none"))

        build = try TaskDataset("build", .int32, writer, tasks, shape, rows: shape.count, fill: -1)
        try writer.describe(
            build.dataset,
            VariableText(
                longName: "program that computed the task: line of the file's attribute builds, -1 for unknown"))

        let timeCount = layout.grid.times.values.count
        observables = try layout.slots.map { slot in
            let dataset = try TaskDataset(
                slot.spec.name, .float64, writer,
                tasks + (slot.hasTime ? ["time"] : []) + slot.extraDimensions,
                shape + (slot.hasTime ? [timeCount] : []) + slot.paddedShape, rows: shape.count)
            try writer.describe(
                dataset.dataset,
                VariableText(longName: slot.spec.longName, units: slot.spec.units, symbol: slot.spec.symbol))
            if !slot.spec.codes.isEmpty {
                try dataset.dataset.setAttribute("flag_values", slot.spec.codes.indices.map(Double.init))
                try dataset.dataset.setAttribute("flag_meanings", slot.spec.codes.joined(separator: " "))
            }
            return dataset
        }
        means = try layout.aggregates.map { spec, source in
            try SeedMean(spec: spec, source: source, layout: layout, writer: writer)
        }
        values = layout.slots.map { _ in [] }
    }

    func write(_ range: Range<Int>, _ box: HDF5Dataset.Box, _ snapshot: TaskSnapshot, _ reader: inout BlockReader)
        throws
    {
        for status in snapshot.statuses { counts.add(status) }
        // A block where nothing has happened is not written: its chunks read as fill values and take no space.
        guard snapshot.statuses.contains(where: { $0 != .pending }) else { return }
        let count = range.count
        var statuses = [Int8](repeating: 0, count: count)
        for (index, value) in snapshot.statuses.enumerated() where value != .pending {
            statuses[index] = Int8(value.rawValue)
            status.digest.add(statuses[index], index: range.lowerBound + index)
        }
        try status.dataset.write(statuses, box: box)
        guard snapshot.offsets.contains(where: { $0 != 0 }) else { return }

        for (index, slot) in layout.slots.enumerated() {
            let length = count * slot.paddedCount
            if values[index].count < length {
                values[index] = [Double](repeating: .nan, count: length)
            } else {
                values[index].withUnsafeMutableBufferPointer { $0.update(repeating: .nan) }
            }
        }
        var seconds = [Double](repeating: .nan, count: count)
        var ranks = [Int32](repeating: -1, count: count)
        var builds = ranks
        var errors: [Int: String] = [:]
        try reader.forEach(snapshot.offsets) { index, view in
            let task = range.lowerBound + index
            if view.status != .spared {
                seconds[index] = view.wallSeconds
                ranks[index] = Int32(truncatingIfNeeded: view.rank)
                builds[index] = buildPlaces[view.build] ?? -1
            }
            if view.hasError { errors[index] = view.error }
            try place(view, row: index, point: task / layout.seedCount)
        }
        try write(seconds, errors, range, box)
        try write(ranks, rank, range, box)
        try write(builds, build, range, box)
        for (index, slot) in layout.slots.enumerated() {
            let width = 8 * slot.paddedCount
            try values[index].withUnsafeBytes { raw in
                for row in 0..<count where snapshot.offsets[row] != 0 {
                    observables[index].digest.add(
                        doubles: UnsafeRawBufferPointer(rebasing: raw[(row * width)..<((row + 1) * width)]),
                        index: range.lowerBound + row)
                }
                try observables[index].writeRows(UnsafeRawBufferPointer(rebasing: raw[..<(count * width)]), box)
            }
        }
        for mean in means { try mean.add(values[mean.source], snapshot.statuses, range, box) }
    }

    private func place(_ view: TaskRecordView, row: Int, point: Int) throws {
        guard view.bufferCount > 0 else { return }
        guard view.bufferCount == layout.slots.count else {
            throw ResultError.invalidRecord(
                "\(view.task) holds \(view.bufferCount) observables where its grid has \(layout.slots.count)")
        }
        for (index, slot) in layout.slots.enumerated() {
            let width = 8 * slot.paddedCount
            let fits = values[index].withUnsafeMutableBytes { raw in
                slot.pad(
                    view.bytes(ofBuffer: index), atPoint: point,
                    into: UnsafeMutableRawBufferPointer(rebasing: raw[(row * width)..<((row + 1) * width)]))
            }
            guard fits else {
                throw ResultError.invalidRecord(
                    "\(view.task) holds \(view.length(ofBuffer: index)) numbers of '\(slot.spec.name)' where its point "
                        + "has \(slot.timeCount) x \(slot.shape(atPoint: point))")
            }
        }
    }

    private func write(_ numbers: [Int32], _ dataset: TaskDataset, _ range: Range<Int>, _ box: HDF5Dataset.Box) throws {
        for row in numbers.indices where numbers[row] != -1 {
            dataset.digest.add(numbers[row], index: range.lowerBound + row)
        }
        try dataset.dataset.write(numbers, box: box)
    }

    private func write(
        _ seconds: [Double], _ errors: [Int: String], _ range: Range<Int>, _ box: HDF5Dataset.Box
    ) throws {
        for row in seconds.indices where !seconds[row].isNaN {
            wallSeconds.digest.add(seconds[row], index: range.lowerBound + row)
        }
        try wallSeconds.dataset.write(seconds, box: box)
        // Texts are written for the tasks that have one: absent ones cost nothing.
        for (row, text) in errors.sorted(by: { $0.key < $1.key }) {
            error.digest.add(text, index: range.lowerBound + row)
            let at = layout.indices(ofTask: range.lowerBound + row)
            try error.dataset.write(texts: [text], box: HDF5Dataset.Box(start: at, count: at.map { _ in 1 }))
        }
    }

    func finish() throws {
        for dataset in [status, error, wallSeconds, rank, build] + observables { try dataset.finish() }
        for mean in means { try mean.finish() }
    }
}

/// A dataset over tasks (or points) that is written in boxes, and its digest.
private final class TaskDataset {
    let dataset: HDF5Dataset
    var digest: DatasetDigest

    init(
        _ name: String, _ type: HDF5Type, _ writer: VariableWriter, _ dimensions: [String], _ shape: [Int], rows: Int,
        fill: Double? = nil
    ) throws {
        let own = Array(shape[rows...])
        let ownBytes = max(1, type.size * own.reduce(1, *))
        var chunk = MethodLayout.blockShape(of: Array(shape[..<rows]), rows: max(1, MethodWriter.chunkBytes / ownBytes))
        chunk +=
            ownBytes <= MethodWriter.longestChunk
            ? own : MethodLayout.blockShape(of: own, rows: MethodWriter.chunkBytes / type.size)
        let chunkSize = chunk.reduce(type.size, *)
        dataset = try HDF5Dataset.create(
            name, in: writer.group, type: type, shape: shape, fill: fill ?? (type == .float64 ? .nan : nil),
            storage: HDF5Storage(
                chunk: chunk, deflateLevel: MethodWriter.deflateLevel, cacheBytes: max(1 << 16, 2 * chunkSize)))
        digest = DatasetDigest(rowDimensions: rows)
        if type == .float64 { try dataset.setAttribute("_FillValue", Double.nan) }
        try writer.attach(dataset, dimensions: dimensions)
    }

    /// Writes whole rows: `box` covers the row dimensions, the others are taken in full.
    func writeRows(_ bytes: UnsafeRawBufferPointer, _ box: HDF5Dataset.Box) throws {
        let own = Array(dataset.shape[box.count.count...])
        try dataset.write(
            bytes, box: HDF5Dataset.Box(start: box.start + own.map { _ in 0 }, count: box.count + own))
    }

    func finish() throws { try dataset.setAttribute("checksum", digest.text) }
}

/// The mean over the done seeds of a point, leaving out NaN; summed in the order of the seeds, so that it does not
/// depend on the order of completion.
private final class SeedMean {
    let source: Int
    private let dataset: TaskDataset
    private let width: Int
    private let seedCount: Int
    private let isSeeded: Bool
    private var sums: [Double]
    private var counts: [Double]
    /// The point that the sums are of.
    private var point: Int?

    init(spec: Observable, source: Int, layout: MethodLayout, writer: VariableWriter) throws {
        let slot = layout.slots[source]
        self.source = source
        width = slot.paddedCount
        seedCount = layout.seedCount
        isSeeded = layout.isSeeded
        sums = [Double](repeating: 0, count: slot.paddedCount)
        counts = sums
        let points = Array(layout.taskShape.prefix(layout.pointDimensions))
        dataset = try TaskDataset(
            spec.name, .float64, writer,
            Array(layout.taskDimensions.prefix(layout.pointDimensions)) + (slot.hasTime ? ["time"] : [])
                + slot.extraDimensions,
            points + (slot.hasTime ? [slot.timeCount] : []) + slot.paddedShape, rows: points.count)
        try writer.describe(
            dataset.dataset,
            VariableText(
                longName: spec.longName, units: spec.units, symbol: spec.symbol,
                description: "mean of \(slot.spec.name) over the finished seeds"))
        // Readers take the error bar from the observable that this is the mean of.
        try dataset.dataset.setAttribute("seed_mean_of", slot.spec.name)
    }

    /// Takes the block of tasks `range`; blocks come in order and hold either whole points or a part of one point.
    /// Blocks without records need not come.
    func add(_ values: [Double], _ statuses: [TaskStatus], _ range: Range<Int>, _ box: HDF5Dataset.Box) throws {
        var rows: [Double] = []
        for task in range {
            let row = task - range.lowerBound
            begin(task / seedCount)
            if statuses[row] == .done {
                for index in 0..<width {
                    let value = values[row * width + index]
                    if !value.isNaN {
                        sums[index] += value
                        counts[index] += 1
                    }
                }
            }
            if task % seedCount == seedCount - 1 || task == range.upperBound - 1 { rows += mean() }
        }
        let pointBox =
            isSeeded ? HDF5Dataset.Box(start: Array(box.start.dropLast()), count: Array(box.count.dropLast())) : box
        try rows.withUnsafeBytes { try dataset.writeRows($0, pointBox) }
    }

    func finish() throws {
        begin(nil)
        try dataset.finish()
    }

    /// Turns to `next`; the point before it is complete now.
    private func begin(_ next: Int?) {
        if next == point { return }
        if let point { mean().withUnsafeBytes { dataset.digest.add(doubles: $0, index: point) } }
        point = next
        for index in 0..<width { (sums[index], counts[index]) = (0, 0) }
    }

    private func mean() -> [Double] {
        (0..<width).map { counts[$0] > 0 ? sums[$0] / counts[$0] : .nan }
    }
}
