import Dynamics
import Foundation
import Testing

@Suite struct AdaptiveODETests {
    /// x'' = -x as a system: x = cos t, v = -sin t.
    private static let oscillator: ODERightHandSide = { _, y, f in
        f[0] = y[1]
        f[1] = -y[0]
    }

    /// Logistic growth with a rate that depends on time: m' = 2 t m (1 - m).
    private static let logistic: ODERightHandSide = { t, y, f in f[0] = 2 * t * y[0] * (1 - y[0]) }

    private static func logisticSolution(_ t: Double, _ m0: Double) -> Double {
        let e = exp(t * t)
        return m0 * e / (1 + m0 * (e - 1))
    }

    @Test(arguments: [1e-4, 1e-6, 1e-8, 1e-10])
    func errorFollowsTheTolerance(relative: Double) throws {
        let tolerance = AdaptiveODE.Tolerance(relative: relative, absolute: relative * 1e-4)
        let wave = try AdaptiveODE(state: [1, 0], tolerance: tolerance, Self.oscillator)
        for t in stride(from: 0.5, through: 10, by: 0.5) {
            let y = try wave.integrate(to: t)
            #expect(abs(y[0] - cos(t)) < 200 * relative)
            #expect(abs(y[1] + sin(t)) < 200 * relative)
        }
        let growth = try AdaptiveODE(state: [0.01], tolerance: tolerance, Self.logistic)
        for t in [0.0, 0.3, 1, 1.7, 2.5, 4] {
            #expect(abs(try growth.integrate(to: t)[0] - Self.logisticSolution(t, 0.01)) < 500 * relative)
        }
    }

    @Test func aTighterToleranceTakesMoreStepsAndErrsLess() throws {
        var errors: [Double] = []
        var steps: [Int] = []
        for relative in [1e-4, 1e-7, 1e-10] {
            let wave = try AdaptiveODE(
                state: [1, 0], tolerance: .init(relative: relative, absolute: relative), Self.oscillator)
            errors.append(abs(try wave.integrate(to: 20)[0] - cos(20)))
            steps.append(wave.stepCount)
        }
        #expect(errors[1] < 0.03 * errors[0] && errors[2] < 0.03 * errors[1])
        #expect(steps[0] < steps[1] && steps[1] < steps[2])
    }

    @Test func theSolutionDoesNotDependOnRecordingTimesOrQuanta() throws {
        let times = [0.0, 0.001, 0.37, 1.2, 1.3, 5, 9.75]
        let all = try AdaptiveODE(state: [1, 0], Self.oscillator)
        let reference = try times.map { try all.integrate(to: $0) }
        for (time, expected) in zip(times, reference) {
            let alone = try AdaptiveODE(state: [1, 0], Self.oscillator)
            #expect(try alone.integrate(to: time) == expected)
            let sliced = try AdaptiveODE(state: [1, 0], Self.oscillator)
            while try !sliced.advance(to: time, maxSteps: 1) {}
            #expect(try sliced.state(at: time) == expected)
        }
    }

    @Test func anErrorOfTheRightHandSideComesBackUnchanged() throws {
        struct Outside: Error, Equatable { let time: Double }
        let falling = try AdaptiveODE(state: [1]) { t, y, f in
            if y[0] < 0.5 { throw Outside(time: 0.5) }
            f[0] = -1
        }
        #expect(throws: Outside(time: 0.5)) { try falling.integrate(to: 2) }
    }

    @Test func aBlowUpEndsInAnErrorNotInASolution() throws {
        // y' = y^2 from 1 has its pole at t = 1.
        let blowUp = try AdaptiveODE(state: [1]) { _, y, f in f[0] = y[0] * y[0] }
        #expect(throws: (any Error).self) { try blowUp.integrate(to: 2) }
    }

    @Test func argumentsThatCannotBeIntegratedAreRefused() {
        #expect(throws: ODEError.self) { try AdaptiveODE(state: [], Self.oscillator) }
        #expect(throws: ODEError.self) { try AdaptiveODE(state: [1, .nan], Self.oscillator) }
        #expect(throws: ODEError.self) { try AdaptiveODE(state: [1, 0], firstStep: 0, Self.oscillator) }
        #expect(throws: ODEError.self) {
            let wave = try AdaptiveODE(state: [1, 0], Self.oscillator)
            _ = try wave.integrate(to: 5)
            _ = try wave.state(at: 0.1)
        }
    }
}
