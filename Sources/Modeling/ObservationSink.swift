/// Where a run writes its observables. The engine owns the storage; a run names observables and never sees files.
/// Values of observables that the job did not ask for are dropped, so a run may put whatever is cheap.
public struct ObservationSink: Resumable, Sendable {
    /// One requested observable at one point: its name, whether it has a time dimension, and its own lengths.
    public struct Slot: Sendable, Hashable {
        /// The observable's name.
        public let name: String
        /// Whether it has a time dimension.
        public let isRecordedInTime: Bool
        /// The lengths of its own dimensions.
        public let shape: [Int]
        /// Numbers at one time: the product of `shape`.
        public let width: Int

        /// A slot; arguments as the properties.
        public init(name: String, isRecordedInTime: Bool, shape: [Int]) {
            self.name = name
            self.isRecordedInTime = isRecordedInTime
            self.shape = shape
            self.width = shape.reduce(1, *)
        }

        /// The slot of `observable` in a task at `point` with `timeCount` recording times (0: a method without time).
        public init(_ observable: Observable, at point: ParameterPoint, timeCount: Int) {
            self.init(
                name: observable.name, isRecordedInTime: observable.isRecordedInTime && timeCount > 0,
                shape: observable.dimensions.map { $0.length(at: point, timeCount: timeCount) })
        }
    }

    /// What is recorded, in the order of ``buffers``.
    public let slots: [Slot]
    /// One buffer a slot, (time, shape...) row-major; what was never put is NaN.
    public private(set) var buffers: [[Double]]
    /// The number of recording times.
    public let timeCount: Int
    /// The index of the recording time that `put` now writes to; set by the engine.
    public var timeIndex = 0
    /// Kept by tests: what was put, wanted or not, and by what it differs from the declaration.
    public private(set) var audit: Audit?

    /// What a run put, by name.
    public struct Audit: Sendable {
        /// The observables that the run's method declares.
        fileprivate let declared: Set<String>
        /// The names of what was put.
        public fileprivate(set) var put: Set<String> = []
        /// Put and not declared.
        public var undeclared: Set<String> { put.subtracting(declared) }
    }

    /// - Parameters:
    ///   - slots: what is recorded.
    ///   - declared: the names of all that the method declares, to keep an ``audit``; nil: none is kept.
    public init(slots: [Slot], timeCount: Int, auditing declared: Set<String>? = nil) {
        self.slots = slots
        self.timeCount = timeCount
        audit = declared.map { Audit(declared: $0) }
        self.buffers = slots.map { slot in
            Array(repeating: .nan, count: slot.width * (slot.isRecordedInTime ? timeCount : 1))
        }
    }

    /// Whether the job wants `observable`; ask before computing something costly.
    public func wants(_ observable: Observable) -> Bool { slots.contains { $0.name == observable.name } }

    /// Stores a scalar observable at the current time (or once, when it has no time dimension).
    public mutating func put(_ observable: Observable, _ value: Double) {
        guard let index = slot(observable) else { return }
        buffers[index][offset(index)] = value
    }

    /// Stores a vector or row-major array observable; `values` must have the slot's width.
    public mutating func put(_ observable: Observable, _ values: some Collection<Double>) throws {
        guard let index = slot(observable) else { return }
        guard values.count == slots[index].width else {
            throw ModelError.inconsistent(
                "observable '\(observable.name)' has \(values.count) values where its dimensions say "
                    + "\(slots[index].width)")
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
        _ observable: Observable, _ values: some Collection<Double>, atTime time: Int, index: [Int] = []
    ) throws {
        guard let number = slot(observable) else { return }
        let slot = slots[number]
        let name = observable.name
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

    /// Where values of `observable` go; nil when the job does not want them.
    private mutating func slot(_ observable: Observable) -> Int? {
        audit?.put.insert(observable.name)
        return slots.firstIndex { $0.name == observable.name }
    }

    /// Saves and restores what was put so far; which observables there are, and where the next one goes, is the engine's.
    public mutating func exchange(with archive: inout StateArchive) throws {
        for index in buffers.indices { try archive.exchange(&buffers[index]) }
    }

    private func offset(_ index: Int) -> Int {
        slots[index].isRecordedInTime ? timeIndex * slots[index].width : 0
    }
}
