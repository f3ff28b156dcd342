import Modeling

/// What a method that counts steps does to k and v.
protocol Descent: Resumable, Sendable {
    /// At step 0.
    init(_ p: Parameters, _ random: RandomStream)
    var overlaps: Overlaps { get }
    /// How many steps of about a microsecond a step stands for.
    var stepWeight: Int { get }
    /// Takes steps `steps`, counted from 0, up to the first after which a norm is not a positive number; returns how
    /// many went well. See ``Parameters/take(_:_:)``.
    mutating func take(_ steps: Range<Int>) throws -> Int
}

/// A run of whole steps.
struct Trajectory<State: Descent>: Run {
    private let p: Parameters
    private var state: State
    private var step = 0

    init(_ p: Parameters, _ random: RandomStream) {
        self.p = p
        state = State(p, random)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        let count = min(max(quantum / state.stepWeight, 1), target - step)
        let done = try state.take(step..<(step + count))
        guard done == count else { throw p.diverged(step: step + done + 1) }
        step += count
        return step == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let n = Double(step)
        sink.put(.steps, n)
        sink.put(.t, n * p.stepSize)
        if p.isStochastic { sink.put(.alpha, n * Double(p.batchSize) / Double(p.d)) }
        // The sharpness of the last step.
        try state.overlaps.put(p.population, lambda: p.lambda(at: max(n - 1, 0)), into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) { state.overlaps.putOutcome(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&state)
    }
}

extension Parameters {
    /// Calls `body` for each step with its sharpness until it returns false; returns how often it did not.
    @inline(__always)
    func take(_ steps: Range<Int>, _ body: (Double) throws -> Bool) rethrows -> Int {
        for step in steps where try !body(lambda(at: Double(step))) { return step - steps.lowerBound }
        return steps.count
    }

    func diverged(step: Int) -> ModelError {
        .diverged(step: step, "an overlap is not finite; the step size may be too large")
    }
}
