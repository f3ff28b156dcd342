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
}

/// An observable's own dimension, e.g. tokens. Its length may depend on the point; a file holds the largest, padded with NaN.
public struct ExtraDimension: Sendable, Hashable {
    public let name: String
    public let extent: Extent

    public enum Extent: Sendable, Hashable {
        case fixed(Int)
        /// The value of an integer parameter at the point.
        case parameter(String)
    }

    public init(_ name: String, _ extent: Extent) {
        self.name = name
        self.extent = extent
    }

    /// The length at `point`; 0 when the parameter is absent.
    public func length(at point: ParameterPoint) -> Int {
        switch extent {
        case .fixed(let length): return length
        case .parameter(let name): return (try? point.integer(name)) ?? 0
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
    }

    public let slots: [Slot]
    /// One buffer a slot, (time, shape...) row-major; what was never put is NaN.
    public private(set) var buffers: [[Double]]
    /// The index of the recording time that `put` now writes to; set by the engine.
    public var timeIndex = 0

    public init(slots: [Slot], timeCount: Int) {
        self.slots = slots
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

    /// Saves and restores what was put so far; which observables there are, and where the next one goes, is the engine's.
    public mutating func exchange(with archive: inout StateArchive) throws {
        for index in buffers.indices { try archive.exchange(&buffers[index]) }
    }

    private func offset(_ index: Int) -> Int {
        slots[index].isRecordedInTime ? timeIndex * slots[index].width : 0
    }
}
