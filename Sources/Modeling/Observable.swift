/// What a model says of one observable, declared once; runs put values by it. In a model:
///
///     extension Observable {
///         static let overlap = Observable("overlap", symbol: "m", "overlap with the teacher")
///     }
///     ...
///     sink.put(.overlap, m)
public struct Observable: Sendable {
    /// The variable's name in result files.
    public let name: String
    /// The symbol for axis labels, in LaTeX math without dollars (`m`, `\mathcal{R}`).
    public let symbol: String
    /// One line: what it is and its normalisation.
    public let longName: String
    /// UDUNITS-style units, "1" for a pure number.
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

    /// An observable; arguments as the properties, `inTime` for ``isRecordedInTime``.
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

    /// The same observable of a method that records it by default, or only on request.
    public func recorded(byDefault: Bool) -> Observable {
        Observable(
            name, symbol: symbol, longName, units: units, inTime: isRecordedInTime, dimensions: dimensions,
            aggregate: aggregate, byDefault: byDefault, codes: codes)
    }

    /// The same observable of a method without time, or with it.
    public func recorded(inTime: Bool) -> Observable {
        Observable(
            name, symbol: symbol, longName, units: units, inTime: inTime, dimensions: dimensions,
            aggregate: aggregate, byDefault: isRecordedByDefault, codes: codes)
    }

    /// True for a function of two times (or more): one that has recording times among its own dimensions. Kernels are
    /// not recorded by default; a job asks for them all with `record: {kernels: true}`.
    public var isKernel: Bool { dimensions.contains { $0.extent == .recordingTimes } }
}

/// An observable's own dimension, e.g. tokens. Its length may depend on the point; a file holds the largest, padded with NaN.
public struct ExtraDimension: Sendable, Hashable {
    /// The dimension's name in result files; dimensions of one name have the same meaning.
    public let name: String
    /// How long it is.
    public let extent: Extent

    /// What the length of a dimension is.
    public enum Extent: Sendable, Hashable {
        /// The same length at all points.
        case fixed(Int)
        /// The value of an integer parameter at the point: its name, and its plain default (0 when it has none).
        case parameter(String, default: Int)
        /// The number of recording times. The dimension's coordinates are the recording times, as those of `time` are:
        /// the second time of a two-time kernel.
        case recordingTimes

        /// The value of an integer parameter at the point.
        public static func value(of key: Key<Int>) -> Extent {
            .parameter(key.name, default: key.form.defaultValue ?? 0)
        }
    }

    /// A dimension of that name and length.
    public init(_ name: String, _ extent: Extent) {
        self.name = name
        self.extent = extent
    }

    /// The length at `point` with `timeCount` recording times; 0 when the parameter is absent.
    public func length(at point: ParameterPoint, timeCount: Int) -> Int {
        switch extent {
        case .fixed(let length): return length
        case .parameter(let name, let usual):
            if case .integer(let length)? = point[name] { return length }
            return usual
        case .recordingTimes: return timeCount
        }
    }
}

/// A reduction over the seeds of one grid point.
public enum Aggregate: Sendable, Hashable {
    /// The mean over finished seeds of a time-independent observable of the same method.
    case seedMean(of: String)

    /// The mean over finished seeds of `observable`.
    public static func mean(_ observable: Observable) -> Aggregate { .seedMean(of: observable.name) }
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
    /// Steps, or the scaled time t.
    public let unit: TimeUnit
    /// The times, in that unit.
    public let values: [Double]

    /// Times in a unit.
    public init(unit: TimeUnit, values: [Double]) {
        self.unit = unit
        self.values = values
    }
}
