import Foundation

extension NetworkTheory {
    /// The start of a network's overlaps, one entry when tied and L when untied. A prescribed start is taken as it is. A
    /// random start begins at 1/sqrt(d), the standard deviation of each overlap. An overlapped start with o = 0 is left
    /// by SGD noise alone unless the drift does so (SIE 1): it becomes ``OriginTheory/noiseAmplitude(V:lambda:d:)``
    /// in every row (sheet, section 4.4).
    func start() -> [Double] {
        let rows = parameters.student == .tied ? 1 : parameters.L
        switch parameters.initialisation {
        case .prescribed(let m, _): return m
        case .random: return Array(repeating: 1 / Double(parameters.d).squareRoot(), count: rows)
        case .overlapped(let o, _):
            let start = Array(repeating: Initialisation.overlap(o: o), count: rows)
            guard o == 0, drift(start).allSatisfy({ abs($0) < 1e-14 }) else { return start }
            let origin = OriginTheory(self)
            let noise = origin.noiseAmplitude(V: origin.Vm, lambda: origin.lambdaM, d: parameters.d)
            return Array(repeating: noise, count: rows)
        }
    }
}

extension AttentionTheory {
    /// The start (m, eps_1..k). A prescribed start is taken as it is, zeros included, from which an ODE never moves. A
    /// random start begins at 1/sqrt(d), the standard deviation of each overlap. The exact zeros of an overlapped
    /// start (every eps_j; m too when o = 0) are left by SGD noise alone in a simulation: they become
    /// ``OriginTheory/noiseAmplitude(V:lambda:d:)``, with positive sign (sheet, section 4.4).
    func start() -> [Double] {
        let d = parameters.d
        switch parameters.initialisation {
        case .prescribed(let m, let eps): return m + eps
        case .random: return Array(repeating: 1 / Double(d).squareRoot(), count: 1 + parameters.k)
        case .overlapped(let o, _):
            if o > 0 && parameters.k == 0 { return [Initialisation.overlap(o: o)] }
            let origin = OriginTheory(self)
            let m =
                o > 0
                ? Initialisation.overlap(o: o) : origin.noiseAmplitude(V: origin.Vm, lambda: origin.lambdaM, d: d)
            return [m] + zip(origin.Ve, origin.lambdaE).map { origin.noiseAmplitude(V: $0, lambda: $1, d: d) }
        }
    }
}
