import Dynamics
import Foundation
import Numerics
import Persistence
import Testing

@Suite struct RungeKutta4Tests {
    private static let oscillator: ODERightHandSide = { _, y, f in
        f[0] = y[1]
        f[1] = -y[0]
    }

    private static func largestError(step: Double, at times: [Double]) throws -> Double {
        var wave = try RungeKutta4(state: [1, 0], step: step, oscillator)
        var largest = 0.0
        for t in times {
            _ = try wave.advance(to: t)
            largest = max(largest, abs(try wave.state(at: t)[0] - cos(t)))
        }
        return largest
    }

    @Test func theOrderIsFourAtGridPointsAndBetweenThem() throws {
        let onGrid = try [0.1, 0.05, 0.025].map { try Self.largestError(step: $0, at: [1, 2, 5]) }
        let between = try [0.1, 0.05, 0.025].map {
            try Self.largestError(step: $0, at: (1...40).map { 0.137 * Double($0) })
        }
        for errors in [onGrid, between] {
            for (coarse, fine) in zip(errors, errors.dropFirst()) {
                #expect(abs(log2(coarse / fine) - 4) < 0.35)
            }
        }
    }

    @Test func timeDependenceIsSeenAtTheStagesOwnTimes() throws {
        // y' = 5 t^4 + 4 t^3 y^0 integrates a quartic: one Simpson step errs by h^5/24 a step.
        var quartic = try RungeKutta4(state: [0], step: 0.5) { t, _, f in f[0] = 5 * t * t * t * t }
        _ = try quartic.advance(to: 1)
        #expect(abs(try quartic.state(at: 1)[0] - 1 - 2 * pow(0.5, 5) / 24) < 1e-14)
    }

    @Test func theSolutionDoesNotDependOnRecordingTimesOrQuanta() throws {
        var all = try RungeKutta4(state: [1, 0], step: 0.1, Self.oscillator)
        for t in [0.0, 0.05, 0.1, 0.73, 2, 2.01] {
            _ = try all.advance(to: t)
            var alone = try RungeKutta4(state: [1, 0], step: 0.1, Self.oscillator)
            while try !alone.advance(to: t, maxSteps: 1) {}
            #expect(try alone.state(at: t) == all.state(at: t))
        }
    }

    @Test func errorsAreValues() throws {
        struct Outside: Error {}
        var falling = try RungeKutta4(state: [1], step: 0.1) { _, y, f in
            if y[0] < 0.5 { throw Outside() }
            f[0] = -1
        }
        #expect(throws: Outside.self) { try falling.advance(to: 2) }
        var blowUp = try RungeKutta4(state: [1], step: 0.1) { _, y, f in f[0] = exp(y[0]) }
        #expect(throws: ODEError.self) { try blowUp.advance(to: 5) }
        #expect(throws: ODEError.self) { try RungeKutta4(state: [1], step: 0, Self.oscillator) }
    }

    @Test func aRestoredIntegrationGoesOnBitForBit() throws {
        for steps in [0, 1, 2, 13] {
            var wave = try RungeKutta4(state: [1, 0], step: 0.1, Self.oscillator)
            _ = try wave.advance(to: .infinity, maxSteps: steps)
            let bytes = try StateArchive.save(&wave)
            var restored = try RungeKutta4(state: [1, 0], step: 0.1, Self.oscillator)
            try StateArchive.restore(&restored, from: bytes)
            let present = max(0, 0.1 * Double(steps) - 0.03)
            #expect(try restored.state(at: present) == wave.state(at: present))
            for later in [1.31, 4] {
                _ = try wave.advance(to: later)
                _ = try restored.advance(to: later)
                #expect(try restored.state(at: later) == wave.state(at: later))
            }
        }
    }
}
