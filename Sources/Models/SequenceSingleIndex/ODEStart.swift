/// The overlaps of one student in the limit: rows of m, then eps_j.
protocol OverlapTheory: Sendable {
    /// The state at t = 0.
    func start() -> [Double]
    /// Its time derivative, (23) to (27).
    func drift(_ state: [Double]) -> [Double]
    /// The population risk in the training loss.
    func risk(_ state: [Double]) -> Double
    /// The same with c = 1/2, whatever the training loss.
    func halfRisk(_ state: [Double]) -> Double
    /// The linear theory at zero overlap.
    var origin: OriginTheory { get }
}

extension NetworkTheory {
    /// The start of a network's overlaps, one entry when tied and L when untied. A prescribed start is taken as it is. A
    /// random start begins at 1/sqrt(d), the standard deviation of each overlap. An overlapped start with o = 0 is left
    /// by SGD noise alone unless the drift does so (SIE 1): it becomes ``OriginTheory/noiseAmplitude(V:lambda:d:)``
    /// in every row (42).
    func start() -> [Double] {
        let rows = parameters.rows
        switch parameters.start {
        case .prescribed(let m, _): return m
        case .random: return Array(repeating: 1 / Double(parameters.d).squareRoot(), count: rows)
        case .overlapped(let o, _):
            let start = Array(repeating: Start.overlap(o: o), count: rows)
            guard o == 0, drift(start).allSatisfy({ abs($0) < 1e-14 }) else { return start }
            let noise = origin.noiseAmplitude(V: origin.Vm, lambda: origin.lambdaM, d: parameters.d)
            return Array(repeating: noise, count: rows)
        }
    }
}

extension AttentionTheory {
    /// The start (m, eps_1..k). A prescribed start is taken as it is, zeros included, from which an ODE never moves. A
    /// random start begins at 1/sqrt(d), the standard deviation of each overlap. The exact zeros of an overlapped
    /// start (every eps_j; m too when o = 0) are left by SGD noise alone in a simulation: they become
    /// ``OriginTheory/noiseAmplitude(V:lambda:d:)``, with positive sign (42).
    func start() -> [Double] {
        let d = parameters.d
        switch parameters.start {
        case .prescribed(let m, let eps): return m + eps
        case .random: return Array(repeating: 1 / Double(d).squareRoot(), count: 1 + parameters.k)
        case .overlapped(let o, _):
            if o > 0 && parameters.k == 0 { return [Start.overlap(o: o)] }
            let origin = self.origin
            let m =
                o > 0
                ? Start.overlap(o: o) : origin.noiseAmplitude(V: origin.Vm, lambda: origin.lambdaM, d: d)
            return [m] + zip(origin.Ve, origin.lambdaE).map { origin.noiseAmplitude(V: $0, lambda: $1, d: d) }
        }
    }
}
