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
    /// Zeros that the drift does not leave (SIE 2 and above) become (42).
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
    /// Every zero of an overlapped start becomes (42).
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
