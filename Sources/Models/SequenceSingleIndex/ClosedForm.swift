import Foundation
import Modeling

// Method `closed-form`: numbers of one grid point without a time; what does not apply stays NaN.
extension Parameters {
    func putClosedForms(into sink: inout ObservationSink) throws {
        if student == .attention {
            try putAttention(into: &sink)
        } else {
            putNetwork(into: &sink)
        }
    }

    private func putNetwork(into sink: inout ObservationSink) {
        let thresholds = NetworkThresholds(NetworkTheory(self))
        put(thresholds.origin, into: &sink)
        sink.put(.sie, thresholds.informationExponent.map(Double.init) ?? .nan)
        sink.put(.growthRate, thresholds.growthRate)
        sink.put(.criticalStep, thresholds.criticalStep)
        sink.put(.plateau, thresholds.plateau)
        sink.put(.hittingTime, thresholds.hittingTime)
        sink.put(.gainAtEqualSteps, thresholds.gainAtEqualStep)
        sink.put(.criticalStepRatio, thresholds.criticalStepRatio)
        sink.put(.gainAtBestSteps, thresholds.gainAtBestSteps)
    }

    private func putAttention(into sink: inout ObservationSink) throws {
        let needsOrigin = [
            .Rmm, .Ree, .squaredSignal, .Vm, .Ve, .growthRate, .positionalGrowthRate, .criticalStep,
            .positionalCriticalStep,
        ].contains { sink.wants($0) }
        if needsOrigin {
            let origin = AttentionTheory(self).origin
            put(origin, into: &sink)
            sink.put(.growthRate, origin.lambdaM)
            sink.put(.criticalStep, origin.criticalStep(origin.Rmm))
            if let Ree = origin.Ree.first, let lambda = origin.lambdaE.first {
                sink.put(.positionalGrowthRate, lambda)
                sink.put(.positionalCriticalStep, origin.criticalStep(Ree))
            }
        }
        guard target.isMatrix else {
            sink.put(.sie, HermiteExpansion(self).informationExponent.map(Double.init) ?? .nan)
            return
        }
        sink.put(.A11, A11)
        guard encoding == .paired else { return }
        if loss == .frobenius {
            try putSampled(into: &sink)
        } else {
            putPhaseDiagram(into: &sink)
        }
    }

    private func put(_ origin: OriginTheory, into sink: inout ObservationSink) {
        sink.put(.Rmm, origin.Rmm)
        sink.put(.squaredSignal, origin.squaredSignal)
        sink.put(.Vm, origin.Vm)
        if let Ree = origin.Ree.first { sink.put(.Ree, Ree) }
        if let Ve = origin.Ve.first { sink.put(.Ve, Ve) }
    }

    private func putPhaseDiagram(into sink: inout ObservationSink) {
        let diagram = PhaseDiagram(a: a, omega: omega)
        // The same integrals by the finer rule.
        sink.put(.Rmm, diagram.Rmm)
        sink.put(.Ree, diagram.Ree)
        sink.put(.riskAtOrigin, diagram.riskAtOrigin)
        sink.put(.semanticRisk, diagram.riskSemantic)
        sink.put(.positionalRisk, diagram.riskPositional)
        sink.put(.kSemantic, diagram.kS)
        sink.put(.kPositional, diagram.kP)
        sink.put(.omegaKP, diagram.omegaKP ?? .nan)
        sink.put(.omegaTrans, diagram.omegaTrans ?? .nan)
        sink.put(.omegaGlob, diagram.omegaGlob ?? .nan)
        sink.put(.omegaKS, diagram.omegaKS ?? .nan)
        sink.put(.steepestPositional, diagram.startsPositional ? 1 : 0)
        let minima = diagram.minima()
        sink.put(.minima, Double(minima.count))
        sink.put(.region, diagram.region(of: minima).code)
        if let best = minima.min(by: { $0.risk < $1.risk }) {
            sink.put(.mGlobal, cos(best.theta))
            sink.put(.eGlobal, sin(best.theta))
        }
        if let theta = diagram.outcome(of: minima) {
            sink.put(.mFound, cos(theta))
            sink.put(.eFound, sin(theta))
        }
    }

    private func putSampled(into sink: inout ObservationSink) throws {
        if [.riskAtOrigin, .semanticRisk, .positionalRisk].contains(where: { sink.wants($0) }) {
            let averages = SampledPairAverages(omega: omega, A11: A11, points: points)
            sink.put(.riskAtOrigin, averages.means(m: 0, e: [0, 0]).risk)
            sink.put(.semanticRisk, averages.means(m: 1, e: [0, 0]).risk)
            sink.put(.positionalRisk, averages.means(m: 0, e: [1, -1]).risk)
        }
        if sink.wants(.omegaTrans) {
            let omega = try FrobeniusTransition.shared.omega(A11: A11, points: points)
            sink.put(.omegaTrans, omega ?? .nan)
        }
    }
}
