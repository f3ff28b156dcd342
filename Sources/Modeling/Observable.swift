import Numerics

/// What a model says of one observable of one method.
public struct ObservableSpec: Sendable {
    public let name: String
    /// The symbol for axis labels, in LaTeX math without dollars (`m`, `\mathcal{R}`).
    public let symbol: String
    public let longName: String
    public let units: String
    /// True when it is recorded at every recording time, false for one value (or vector) a task.
    public let isRecordedInTime: Bool
    /// Dimensions after (seed, time): `overlap_vec` has one, the token.
    public let dimensions: [ExtraDimension]
    /// For quantities that exist only over all seeds of a point: how they follow from another observable.
    public let aggregate: Aggregate?
    /// False for what costs real time; such an observable is computed only when the job names it.
    public let isRecordedByDefault: Bool
    /// For an observable whose values are codes: the names of the codes 0, 1, ... (snake_case), stored as
    /// `flag_meanings` so that pictures can name regions. Empty for numbers.
    public let codes: [String]

    public init(
        _ name: String, symbol: String, _ longName: String, units: String = "1", inTime: Bool = true,
        dimensions: [ExtraDimension] = [], aggregate: Aggregate? = nil, byDefault: Bool = true, codes: [String] = []
    ) {
        self.name = name
        self.symbol = symbol
        self.longName = longName
        self.units = units
        self.isRecordedInTime = inTime
        self.dimensions = dimensions
        self.aggregate = aggregate
        self.isRecordedByDefault = byDefault
        self.codes = codes
    }

    /// True for a function of two times (or more): one that has recording times among its own dimensions. Kernels are
    /// not recorded by default; a job asks for them all with `record: {kernels: true}`.
    public var isKernel: Bool { dimensions.contains { $0.extent == .recordingTimes } }
}

/// An observable's own dimension, e.g. tokens. Its length may depend on the point; a file holds the largest, padded with NaN.
public struct ExtraDimension: Sendable, Hashable {
    public let name: String
    public let extent: Extent

    public enum Extent: Sendable, Hashable {
        case fixed(Int)
        /// The value of an integer parameter at the point.
        case parameter(String)
        /// The number of recording times. The dimension's coordinates are the recording times, as those of `time` are:
        /// the second time of a two-time kernel.
        case recordingTimes
    }

    public init(_ name: String, _ extent: Extent) {
        self.name = name
        self.extent = extent
    }

    /// The length at `point` with `timeCount` recording times; 0 when the parameter is absent.
    public func length(at point: ParameterPoint, timeCount: Int) -> Int {
        switch extent {
        case .fixed(let length): return length
        case .parameter(let name): return (try? point.integer(name)) ?? 0
        case .recordingTimes: return timeCount
        }
    }
}

/// A reduction over the seeds of one grid point.
public enum Aggregate: Sendable, Hashable {
    /// The mean over finished seeds of a time-independent observable of the same method.
    case seedMean(of: String)
}

/// In which unit a job gives its recording times.
public enum TimeUnit: String, Sendable, Hashable, CaseIterable {
    /// Algorithm steps (iterations).
    case steps
    /// The model's rescaled time `t` in which theory has a limit (for one-pass SGD: steps / d).
    case scaled = "t"
}

/// The recording times of a job, increasing.
public struct RecordingTimes: Sendable, Hashable {
    public let unit: TimeUnit
    public let values: [Double]

    public init(unit: TimeUnit, values: [Double]) {
        self.unit = unit
        self.values = values
    }
}

/// Where a run writes its observables. The engine owns the storage; a run names observables and never sees files.
/// Values of observables that the job did not ask for are dropped, so a run may put whatever is cheap.
public struct ObservationSink: Resumable, Sendable {
    /// One requested observable at one point: its name, whether it has a time dimension, and its own lengths.
    public struct Slot: Sendable, Hashable {
        public let name: String
        public let isRecordedInTime: Bool
        public let shape: [Int]
        /// Numbers at one time: the product of `shape`.
        public let width: Int

        public init(name: String, isRecordedInTime: Bool, shape: [Int]) {
            self.name = name
            self.isRecordedInTime = isRecordedInTime
            self.shape = shape
            self.width = shape.reduce(1, *)
        }

        /// The slot of `observable` in a task at `point` with `timeCount` recording times (0: a method without time).
        public init(_ observable: ObservableSpec, at point: ParameterPoint, timeCount: Int) {
            self.init(
                name: observable.name, isRecordedInTime: observable.isRecordedInTime && timeCount > 0,
                shape: observable.dimensions.map { $0.length(at: point, timeCount: timeCount) })
        }
    }

    public let slots: [Slot]
    /// One buffer a slot, (time, shape...) row-major; what was never put is NaN.
    public private(set) var buffers: [[Double]]
    /// The number of recording times.
    public let timeCount: Int
    /// The index of the recording time that `put` now writes to; set by the engine.
    public var timeIndex = 0

    public init(slots: [Slot], timeCount: Int) {
        self.slots = slots
        self.timeCount = timeCount
        self.buffers = slots.map { slot in
            Array(repeating: .nan, count: slot.width * (slot.isRecordedInTime ? timeCount : 1))
        }
    }

    /// Whether the job wants `name`; ask before computing something costly.
    public func wants(_ name: String) -> Bool { slots.contains { $0.name == name } }

    /// Stores a scalar observable at the current time (or once, when it has no time dimension).
    public mutating func put(_ name: String, _ value: Double) {
        guard let index = slots.firstIndex(where: { $0.name == name }) else { return }
        buffers[index][offset(index)] = value
    }

    /// Stores a vector or row-major array observable; `values` must have the slot's width.
    public mutating func put(_ name: String, _ values: some Collection<Double>) throws {
        guard let index = slots.firstIndex(where: { $0.name == name }) else { return }
        guard values.count == slots[index].width else {
            throw ModelError.inconsistent(
                "observable '\(name)' has \(values.count) values where its dimensions say \(slots[index].width)")
        }
        var at = offset(index)
        for value in values {
            buffers[index][at] = value
            at += 1
        }
    }

    /// Stores values of an observable that is recorded in time at any recording time, an earlier or later one than the
    /// present too: what was not known yet when its time was observed. May be used in ``Run/finish(into:)``.
    ///
    /// - Parameters:
    ///   - time: the index of the recording time.
    ///   - index: indices along the observable's first own dimensions, none for all of it: `[u]` is the second time of
    ///     a kernel with dimensions (t'), (t', i, j), ...
    ///   - values: row-major over the dimensions that `index` leaves.
    public mutating func put(
        _ name: String, _ values: some Collection<Double>, atTime time: Int, index: [Int] = []
    ) throws {
        guard let number = slots.firstIndex(where: { $0.name == name }) else { return }
        let slot = slots[number]
        guard slot.isRecordedInTime else {
            throw ModelError.inconsistent("observable '\(name)' is not recorded in time, and was put at a time")
        }
        guard (0..<timeCount).contains(time) else {
            throw ModelError.inconsistent(
                "observable '\(name)' was put at recording time number \(time), and there are \(timeCount)")
        }
        guard index.count <= slot.shape.count, zip(index, slot.shape).allSatisfy({ $0 >= 0 && $0 < $1 }) else {
            throw ModelError.inconsistent("observable '\(name)' of shape \(slot.shape) was put at index \(index)")
        }
        let width = slot.shape[index.count...].reduce(1, *)
        guard values.count == width else {
            throw ModelError.inconsistent(
                "observable '\(name)' has \(values.count) values at index \(index) where its dimensions say \(width)")
        }
        var at = time * slot.width + zip(index, slot.shape).reduce(0) { $0 * $1.1 + $1.0 } * width
        for value in values {
            buffers[number][at] = value
            at += 1
        }
    }

    /// Saves and restores what was put so far; which observables there are, and where the next one goes, is the engine's.
    public mutating func exchange(with archive: inout StateArchive) throws {
        for index in buffers.indices { try archive.exchange(&buffers[index]) }
    }

    private func offset(_ index: Int) -> Int {
        slots[index].isRecordedInTime ? timeIndex * slots[index].width : 0
    }
}
