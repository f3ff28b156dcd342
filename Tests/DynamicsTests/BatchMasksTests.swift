import Dynamics
import Numerics
import Persistence
import Randomness
import Testing

@Suite("Batches of SGD on a fixed set") struct BatchMasksTests {
    private func stream(_ seed: UInt64) -> RandomStream {
        RandomStream(identity: TaskIdentity(high: 0xBA7C, low: seed))
    }

    /// The weights of `steps` batches of `count` samples.
    private func weights(_ law: BatchLaw, count: Int, steps: Int, isExact: Bool = false, seed: UInt64 = 1) -> [[Double]]
    {
        var masks = BatchMasks(law, count: count, isExact: isExact, random: stream(seed))
        return (0..<steps).map { _ in
            var weights = Array(repeating: 7.0, count: count + 1)
            masks.next(into: &weights)
            // What lies behind the samples is not touched.
            #expect(weights.removeLast() == 7)
            return weights
        }
    }

    /// (sum of squared deviations)/expectation over the cells of a 2 x 2 table of consecutive states.
    private func chiSquare(_ steps: [[Double]], _ expected: (on: Double, onOn: Double, offOn: Double)) -> Double {
        var counts = [0.0, 0.0, 0.0, 0.0]
        for t in 1..<steps.count {
            for (a, b) in zip(steps[t - 1], steps[t]) { counts[(a > 0 ? 2 : 0) + (b > 0 ? 1 : 0)] += 1 }
        }
        let total = counts.reduce(0, +)
        let (b, stay, enter) = expected
        let cells = [(1 - b) * (1 - enter), (1 - b) * enter, b * (1 - stay), b * stay]
        return zip(counts, cells).map { ($0 - total * $1) * ($0 - total * $1) / (total * $1) }.reduce(0, +)
    }

    @Test("weights are 1/b or 1", arguments: [true, false]) func scale(isScaled: Bool) {
        for mask in [BatchLaw.Mask.bernoulli, .persistent(pOff: 0.3), .epoch(batches: 4)] {
            let law = BatchLaw(mask: mask, fraction: 0.25, scaled: isScaled)
            let values = Set(weights(law, count: 300, steps: 5).joined())
            #expect(values == [0, isScaled ? 4 : 1])
        }
        #expect(BatchLaw(mask: .epoch(batches: 1), fraction: 1, scaled: isScaled).mask == .full)
        #expect(weights(.full, count: 5, steps: 2) == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]])
    }

    @Test("Bernoulli: independent over samples and steps") func bernoulli() {
        let steps = weights(BatchLaw(mask: .bernoulli, fraction: 0.3, scaled: true), count: 5000, steps: 41)
        #expect(chiSquare(steps, (0.3, 0.3, 0.3)) < 16.3)
        // Sizes have the binomial variance: 40 of them, whose scaled variance has a standard deviation of sqrt(2/40).
        let sizes = steps.map { Double($0.count { $0 > 0 }) }
        let variance = sizes.map { ($0 - 1500) * ($0 - 1500) }.reduce(0, +) / 41 / (5000 * 0.21)
        #expect(abs(variance - 1) < 0.9)
    }

    @Test("of exactly the mean size: every set is as likely") func exact() {
        let law = BatchLaw(mask: .bernoulli, fraction: 0.4, scaled: true)
        var counts: [[Bool]: Int] = [:]
        for step in weights(law, count: 5, steps: 20000, isExact: true) { counts[step.map { $0 > 0 }, default: 0] += 1 }
        #expect(counts.count == 10 && counts.keys.allSatisfy { $0.count { $0 } == 2 })
        // 9 degrees of freedom: 27.9 is exceeded once in 1000.
        let distances: [Double] = counts.values.map { Double($0 - 2000) }
        let chiSquare = distances.reduce(0) { $0 + $1 * $1 } / 2000
        #expect(chiSquare < 27.9)
        #expect(weights(law, count: 1001, steps: 3, isExact: true).allSatisfy { $0.count { $0 > 0 } == 400 })
    }

    @Test("persistent: a stationary chain with b p_off = (1 - b) p_on") func persistent() {
        let law = BatchLaw(mask: .persistent(pOff: 0.3), fraction: 0.4, scaled: true)
        #expect(abs(BatchLaw.persistentOn(fraction: 0.4, pOff: 0.3) - 0.2) < 1e-15)
        let steps = weights(law, count: 5000, steps: 41)
        // On at the start with probability b: 5000 draws.
        #expect(abs(Double(steps[0].count { $0 > 0 }) / 5000 - 0.4) < 0.025)
        // Fractions of steps in 200000 transitions. States in a row are correlated, so only transitions are tested.
        var counts = [0.0, 0.0, 0.0, 0.0]
        for t in 1..<steps.count {
            for (a, b) in zip(steps[t - 1], steps[t]) { counts[(a > 0 ? 2 : 0) + (b > 0 ? 1 : 0)] += 1 }
        }
        let (off, on) = (counts[0] + counts[1], counts[2] + counts[3])
        let enters = (counts[1] - 0.2 * off) / (off * 0.16).squareRoot()
        let leaves = (counts[2] - 0.3 * on) / (on * 0.21).squareRoot()
        #expect(abs(enters) < 4 && abs(leaves) < 4)
        #expect(abs(on / (on + off) - 0.4) < 0.01)
    }

    @Test("an epoch uses every sample once, in batches of equal size and random order", arguments: [12, 13])
    func epochs(count: Int) {
        let law = BatchLaw(mask: .epoch(batches: 4), fraction: 0.25, scaled: true)
        let steps = weights(law, count: count, steps: 4 * 3000)
        var together = 0
        var first = Array(repeating: 0.0, count: 4)
        for epoch in 0..<3000 {
            let batches = steps[(4 * epoch)..<(4 * epoch + 4)].map { $0.map { $0 > 0 } }
            for sample in 0..<count { #expect(batches.count { $0[sample] } == 1) }
            #expect(batches.allSatisfy { (3...(count == 12 ? 3 : 4)).contains($0.count { $0 }) })
            together += batches.count { $0[0] && $0[1] }
            for (index, batch) in batches.enumerated() where batch[0] { first[index] += 1 }
        }
        // Two samples of 12 share a batch with probability 2/11; of 13 with (3 * 6 + 12)/156.
        let p = count == 12 ? 2.0 / 11 : 30.0 / 156
        #expect(abs(Double(together) - 3000 * p) < 4 * (3000 * p * (1 - p)).squareRoot())
        if count == 12 { #expect(first.map { ($0 - 750) * ($0 - 750) / 750 }.reduce(0, +) < 16.3) }
        // The next epoch is another one.
        #expect(steps[0] != steps[4])
    }

    @Test("a state that is put back goes on alike") func resume() throws {
        for mask in [BatchLaw.Mask.bernoulli, .persistent(pOff: 0.1), .epoch(batches: 5)] {
            var masks = BatchMasks(BatchLaw(mask: mask, fraction: 0.2, scaled: true), count: 40, random: stream(3))
            var weights = Array(repeating: 0.0, count: 40)
            for _ in 0..<3 { masks.next(into: &weights) }
            let bytes = try StateArchive.save(&masks)
            var other = BatchMasks(BatchLaw(mask: mask, fraction: 0.2, scaled: true), count: 40, random: stream(3))
            try StateArchive.restore(&other, from: bytes)
            for _ in 0..<12 {
                var again = weights
                masks.next(into: &weights)
                other.next(into: &again)
                #expect(again == weights)
            }
        }
    }
}
