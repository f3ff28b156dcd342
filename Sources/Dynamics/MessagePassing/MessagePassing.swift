import Numerics
import Persistence

/// Approximate message passing with one covariance matrix for all rows. One iteration is
///
///     V = C,  Omega = F estimate - g V            (the Onsager term has the outputs of the iteration before)
///     (g, A) = channel(Omega, V)
///     B = F^T g + estimate A
///     (estimate, C) = denoiser(B, A)
///
/// with g = 0 at the start. A warm start is an estimate with the covariance that it really has, a cold one a small or
/// zero estimate with the prior's covariance. Memory: two arrays of fields and two of the signal's size, three or
/// four when damped; iterations allocate nothing.
public struct MessagePassing<Operator: SensingMap, Channel: OutputChannel, Denoiser: InputDenoiser>:
    Sendable, Resumable
{
    public private(set) var sensing: Operator
    public private(set) var channel: Channel
    public private(set) var denoiser: Denoiser
    public let rule: MessagePassingRule

    /// The present estimate, (signalCount, k).
    public private(set) var estimate: [Double]
    /// Its covariance C, (k, k).
    public private(set) var covariance: [Double]
    /// The outputs g of the last iteration, (fieldCount, k).
    public private(set) var outputs: [Double]
    /// Iterations made.
    public private(set) var iteration = 0
    /// The root mean square change of the estimate's entries in the last iteration, divided by 1 - damping: infinite before
    /// the first.
    public private(set) var change = Double.infinity

    /// Omega and V of the last iteration when they are damped; else scratch and empty.
    private var fields: [Double]
    private var variance: [Double]
    private var scratch: Scratch
    /// Makes fields, outputs, A and F^T g of an iteration: in two passes over the data or in one.
    private let measure: @Sendable (inout Self) throws -> Void

    private struct Scratch: Sendable {
        /// Omega before damping, where that is wanted.
        var fields: [Double]
        var pseudoField: [Double]
        var estimate: [Double]
        var precision: [Double]
        var covariance: [Double]
        var variance: [Double]
    }

    /// Starts from an `estimate` with `covariance`.
    ///
    /// - Throws: ``MessagePassingError/argument(_:)`` when sizes do not fit, or damping is outside of [0, 1).
    public init(
        _ sensing: Operator, _ channel: Channel, _ denoiser: Denoiser, estimate: [Double], covariance: [Double],
        rule: MessagePassingRule
    ) throws where Operator: SensingOperator {
        try self.init(sensing, channel, denoiser, estimate, covariance, rule) { try $0.measureInTwoPasses() }
    }

    /// Starts from an `estimate` with `covariance`.
    ///
    /// - Throws: ``MessagePassingError/argument(_:)`` when sizes do not fit, or damping is outside of [0, 1).
    public init(
        _ sensing: Operator, _ channel: Channel, _ denoiser: Denoiser, estimate: [Double], covariance: [Double],
        rule: MessagePassingRule
    ) throws where Operator: RowwiseSensing, Channel: RowwiseChannel {
        try self.init(sensing, channel, denoiser, estimate, covariance, rule) { $0.measureInOnePass() }
    }

    private init(
        _ sensing: Operator, _ channel: Channel, _ denoiser: Denoiser, _ estimate: [Double], _ covariance: [Double],
        _ rule: MessagePassingRule, measure: @escaping @Sendable (inout Self) throws -> Void
    ) throws {
        let (n, m, k) = (sensing.fieldCount, sensing.signalCount, sensing.width)
        guard n > 0, m > 0, k > 0 else { throw MessagePassingError.argument("a dimension is \(min(n, m, k))") }
        guard estimate.count == m * k, covariance.count == k * k else {
            throw MessagePassingError.argument(
                "the estimate has \(estimate.count) numbers and its covariance \(covariance.count), where \(m * k) and "
                    + "\(k * k) are expected")
        }
        guard rule.damping >= 0, rule.damping < 1 else {
            throw MessagePassingError.argument("damping \(rule.damping) is not within 0 (included) to 1 (excluded)")
        }
        (self.sensing, self.channel, self.denoiser) = (sensing, channel, denoiser)
        (self.rule, self.measure) = (rule, measure)
        (self.estimate, self.covariance) = (estimate, covariance)
        outputs = Array(repeating: 0, count: n * k)
        fields = Array(repeating: 0, count: n * k)
        variance = Array(repeating: 0, count: k * k)
        let dampsFields = rule.damping > 0 && rule.damped == .fields
        scratch = Scratch(
            fields: Array(repeating: 0, count: dampsFields ? n * k : 0),
            pseudoField: Array(repeating: 0, count: m * k), estimate: Array(repeating: 0, count: m * k),
            precision: Array(repeating: 0, count: k * k), covariance: Array(repeating: 0, count: k * k),
            variance: Array(repeating: 0, count: k * k))
    }

    public var isConverged: Bool { change <= rule.tolerance }

    /// The precision A of the last iteration, (k, k); zero before the first.
    public var precision: [Double] { scratch.precision }

    private var dampsFields: Bool { rule.damping > 0 && rule.damped == .fields }

    /// Makes at most `count` iterations, none once converged.
    ///
    /// - Throws: ``MessagePassingError/diverged(iteration:_:)`` when the estimate is not finite, and what channel and
    ///   denoiser throw.
    public mutating func iterate(atMost count: Int) throws {
        for _ in 0..<max(count, 0) where !isConverged { try step() }
    }

    /// Makes one iteration, converged or not.
    ///
    /// - Throws: ``MessagePassingError/diverged(iteration:_:)`` when the estimate is not finite, and what channel and
    ///   denoiser throw.
    public mutating func step() throws {
        let k = sensing.width
        let old = rule.damping
        _ = replace(&variance, by: covariance, keeping: dampsFields && iteration > 0 ? old : 0)
        try measure(&self)
        guard scratch.precision.allSatisfy(\.isFinite) else {
            throw MessagePassingError.diverged(iteration: iteration + 1, "the precision A is not finite")
        }
        addProduct(estimate, scratch.precision, 1, k, to: &scratch.pseudoField)
        try denoiser.denoise(
            pseudoField: scratch.pseudoField, precision: scratch.precision, estimate: &scratch.estimate,
            covariance: &scratch.covariance)
        let keeps = rule.damped == .estimate ? old : 0
        let squares = replace(&estimate, by: scratch.estimate, keeping: keeps)
        _ = replace(&covariance, by: scratch.covariance, keeping: keeps)
        iteration += 1
        change = (squares / Double(estimate.count)).squareRoot() / (1 - old)
        guard change.isFinite, covariance.allSatisfy(\.isFinite) else {
            throw MessagePassingError.diverged(iteration: iteration, "the estimate is not finite")
        }
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&iteration, in: 0...Int.max)
        try archive.exchange(&change)
        try archive.exchange(&estimate)
        try archive.exchange(&covariance)
        try archive.exchange(&outputs)
        try archive.exchange(&scratch.precision)
        if dampsFields {
            try archive.exchange(&fields)
            try archive.exchange(&variance)
        }
    }
}

extension MessagePassing where Operator: SensingOperator {
    private mutating func measureInTwoPasses() throws {
        let k = sensing.width
        if dampsFields {
            sensing.fields(of: estimate, into: &scratch.fields)
            addProduct(outputs, variance, -1, k, to: &scratch.fields)
            _ = replace(&fields, by: scratch.fields, keeping: iteration == 0 ? 0 : rule.damping)
        } else {
            sensing.fields(of: estimate, into: &fields)
            addProduct(outputs, variance, -1, k, to: &fields)
        }
        try channel.evaluate(fields: fields, variance: variance, g: &outputs, precision: &scratch.precision)
        sensing.adjoint(of: outputs, into: &scratch.pseudoField)
    }
}

extension MessagePassing where Operator: RowwiseSensing, Channel: RowwiseChannel {
    private mutating func measureInOnePass() {
        let (k, variance) = (sensing.width, variance)
        let keeps = dampsFields && iteration > 0 ? rule.damping : 0
        // The map is being changed while the rest is used, so the rest is taken out; nothing is copied.
        var (fields, outputs, signal, channel) = ([Double](), [Double](), [Double](), channel)
        swap(&fields, &self.fields)
        swap(&outputs, &self.outputs)
        swap(&signal, &scratch.pseudoField)
        channel.begin(variance: variance)
        fields.withUnsafeMutableBufferPointer { fields in
            outputs.withUnsafeMutableBufferPointer { outputs in
                guard let omega = fields.baseAddress, let g = outputs.baseAddress else { return }
                sensing.pass(estimate: estimate, outputs: g, signal: &signal) { rows, blockFields in
                    for row in rows {
                        for a in 0..<k {
                            var new = blockFields[(row - rows.lowerBound) * k + a]
                            for l in 0..<k { new -= g[row * k + l] * variance[l * k + a] }
                            omega[row * k + a] = keeps > 0 ? (1 - keeps) * new + keeps * omega[row * k + a] : new
                        }
                    }
                    channel.respond(rows, fields: omega, g: g)
                }
            }
        }
        let factor = channel.finish(precision: &scratch.precision)
        for i in outputs.indices { outputs[i] *= factor }
        for i in signal.indices { signal[i] *= factor }
        self.channel = channel
        swap(&fields, &self.fields)
        swap(&outputs, &self.outputs)
        swap(&signal, &scratch.pseudoField)
    }
}

extension RowwiseChannel {
    public mutating func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision: UnsafeMutablePointer<Double>
    ) throws {
        begin(variance: variance)
        respond(0..<fieldCount, fields: fields, g: g)
        let factor = finish(precision: precision)
        for i in 0..<fieldCount * width { g[i] *= factor }
    }
}

/// `target += sign a b`, rows of `a` and `target` with `k` numbers, `b` of k x k.
private func addProduct(_ a: [Double], _ b: [Double], _ sign: Double, _ k: Int, to target: inout [Double]) {
    a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            target.withUnsafeMutableBufferPointer { target in
                var row = 0
                while row + k <= a.count {
                    for j in 0..<k {
                        var sum = 0.0
                        for l in 0..<k { sum += a[row &+ l] * b[l &* k &+ j] }
                        target[row &+ j] += sign * sum
                    }
                    row &+= k
                }
            }
        }
    }
}

/// `x = (1 - keeping) new + keeping x`; returns the sum of squared changes.
private func replace(_ x: inout [Double], by new: [Double], keeping: Double) -> Double {
    var sum = 0.0
    x.withUnsafeMutableBufferPointer { x in
        new.withUnsafeBufferPointer { new in
            for i in x.indices {
                let value = (1 - keeping) * new[i] + keeping * x[i]
                let step = value - x[i]
                sum += step * step
                x[i] = value
            }
        }
    }
    return sum
}
