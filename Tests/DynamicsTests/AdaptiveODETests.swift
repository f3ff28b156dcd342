import Dynamics
import Foundation
import Numerics
import Persistence
import Testing

/// How often a right-hand side was called.
private final class Counter: @unchecked Sendable { var count = 0 }

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

    // MARK: Saving

    /// The times at which the oscillator has taken each of `steps` internal steps.
    private static func times(after steps: [Int]) throws -> [Double] {
        let wave = try AdaptiveODE(state: [1, 0], oscillator)
        return try steps.map { count in
            _ = try wave.advance(to: .infinity, maxSteps: count - wave.stepCount)
            return try latest(wave)
        }
    }

    /// The end of the last step, found as the largest time that can be interpolated.
    private static func latest(_ ode: AdaptiveODE) throws -> Double {
        var (low, high) = (0.0, 1e9)
        while (low + high) / 2 > low && (low + high) / 2 < high {
            let middle = (low + high) / 2
            if try ode.advance(to: middle, maxSteps: 0) { low = middle } else { high = middle }
        }
        return low
    }

    @Test func aRestoredIntegratorGoesOnBitForBit() throws {
        let n = AdaptiveODE.restartInterval
        let stops = [0, 1, 2, 17, n - 1, n, n + 1, n + 2, 2 * n - 1, 2 * n, 2 * n + 1, 2 * n + 500]
        let times = try Self.times(after: stops + [2 * n + 510, 3 * n + 7])
        // The uninterrupted solution at and between the times.
        let all = try AdaptiveODE(state: [1, 0], Self.oscillator)
        let later = zip(times, times.dropFirst()).map { ($0 + $1) / 2 }
        var reference: [[Double]] = []
        for (time, between) in zip(times, later) {
            reference.append(try all.integrate(to: time))
            reference.append(try all.integrate(to: between))
        }
        for (index, stop) in stops.enumerated() {
            var saved = try AdaptiveODE(state: [1, 0], Self.oscillator)
            _ = try saved.advance(to: .infinity, maxSteps: stop)
            let bytes = try StateArchive.save(&saved)
            for maxSteps in [Int.max, 3] {
                var restored = try AdaptiveODE(state: [1, 0], Self.oscillator)
                try StateArchive.restore(&restored, from: bytes)
                #expect(restored.stepCount == stop)
                #expect(try StateArchive.save(&restored) == bytes)
                // The present point can be interpolated at once, and all later ones.
                if maxSteps == .max { #expect(try restored.state(at: times[index]) == reference[2 * index]) }
                for (next, between) in later.enumerated().dropFirst(index) {
                    while try !restored.advance(to: between, maxSteps: maxSteps) {}
                    #expect(try restored.state(at: between) == reference[2 * next + 1])
                }
                #expect(restored.stepCount == 3 * n + 7 || restored.stepCount > 2 * n)
            }
            // The one that was saved goes on undisturbed.
            for (next, between) in later.enumerated().dropFirst(index) {
                #expect(try saved.integrate(to: between) == reference[2 * next + 1])
            }
        }
    }

    @Test func aStateSavedWhileStepsAreRepeatedIsTheSame() throws {
        var wave = try AdaptiveODE(state: [1, 0], Self.oscillator)
        _ = try wave.advance(to: .infinity, maxSteps: 1000)
        let bytes = try StateArchive.save(&wave)
        var restored = try AdaptiveODE(state: [1, 0], Self.oscillator)
        try StateArchive.restore(&restored, from: bytes)
        #expect(try !restored.advance(to: 0, maxSteps: 400))
        #expect(restored.stepCount == 1000)
        #expect(try StateArchive.save(&restored) == bytes)
        #expect(try restored.advance(to: 0, maxSteps: 600))
        #expect(try StateArchive.save(&restored) == bytes)
    }

    @Test func freshStartsCostLittle() throws {
        let evaluations = Counter()
        let wave = try AdaptiveODE(state: [1, 0]) { t, y, f in
            evaluations.count += 1
            try Self.oscillator(t, y, &f)
        }
        // Up to the first fresh start, and then ten times as far.
        _ = try wave.advance(to: .infinity, maxSteps: AdaptiveODE.restartInterval)
        let (first, time) = (evaluations.count, try Self.latest(wave))
        _ = try wave.advance(to: 10 * time)
        #expect(wave.stepCount > 9 * AdaptiveODE.restartInterval)
        #expect(Double(evaluations.count) < 10.4 * Double(first))
    }

    @Test func freshStartsDoNotAddToTheError() throws {
        let driven = try AdaptiveODE(state: [0]) { t, y, f in f[0] = sin(t) - y[0] }
        var largest = 0.0
        for t in stride(from: 50.0, through: 3000, by: 0.7) {
            largest = max(largest, abs(try driven.integrate(to: t)[0] - (sin(t) - cos(t)) / 2))
        }
        #expect(driven.stepCount > 5 * AdaptiveODE.restartInterval)
        #expect(largest < 2e-6)
    }

    @Test func stateThatCannotBeIsRefused() throws {
        var wave = try AdaptiveODE(state: [1, 0], Self.oscillator)
        _ = try wave.advance(to: .infinity, maxSteps: 10)
        let bytes = try StateArchive.save(&wave)
        for item in [16, 24 + 8, 24 + 8 + 24] {
            var damaged = bytes
            for (byte, value) in [0, 0, 0, 0, 0, 0, 0xF8, 0x7F].enumerated() { damaged[item + byte] = UInt8(value) }
            var restored = try AdaptiveODE(state: [1, 0], Self.oscillator)
            #expect(throws: StateArchiveError.self) { try StateArchive.restore(&restored, from: damaged) }
        }
        var other = try AdaptiveODE(state: [1], Self.logistic)
        #expect(throws: StateArchiveError.self) { try StateArchive.restore(&other, from: bytes) }
    }
}
