import CRandom123
import Numerics
import Randomness
import Testing

@Suite struct PhiloxTests {
    @Test("known answers of Random123's kat_vectors")
    func knownAnswers() {
        let ones = UInt32.max
        #expect(
            Philox.block(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            Philox.block(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox.block(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0)
            )
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test("every block agrees with the reference header", .enabled(if: crandom123_available == 1))
    func reference() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let counter = (0..<4).map { _ in UInt32.random(in: .min ... .max, using: &generator) }
            let key = (0..<2).map { _ in UInt32.random(in: .min ... .max, using: &generator) }
            var expected = [UInt32](repeating: 0, count: 4)
            crandom123_philox4x32_10(counter, key, &expected)
            let block = Philox.block(
                counter: SIMD4(counter[0], counter[1], counter[2], counter[3]), key: SIMD2(key[0], key[1]))
            #expect(block == SIMD4(expected[0], expected[1], expected[2], expected[3]))
        }
    }

    /// The uniforms show the raw words of the vectorised generator: number `i` has the upper 52 bits of words (0, 1) of
    /// block `i / 16 * 8 + i % 8` when `i % 16 < 8`, of words (2, 3) otherwise.
    @Test(
        "the vectorised blocks behind the uniforms are Philox's, also where the counter's low word overflows",
        arguments: [0, 1 << 20, (1 << 33) - 64, (1 << 60) + 16])
    func vectorised(start: UInt64) {
        let identity = TaskIdentity(high: 0x1234_5678_9ABC_DEF0, low: 0x0FED_CBA9_8765_4321)
        var stream = RandomStream(identity: identity, substream: 77, position: .init(uniforms: start))
        for i in start..<start + 200 {
            let block = i / 16 * 8 + i % 8
            let counter = SIMD4<UInt32>(
                UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32) | 2 << 30, 77, 0x9ABC_DEF0)
            let words = Philox.block(counter: counter, key: SIMD2(0x8765_4321, 0x0FED_CBA9))
            let (high, low) = i % 16 < 8 ? (words[0], words[1]) : (words[2], words[3])
            let k = (UInt64(high) << 32 | UInt64(low)) >> 12
            #expect(stream.uniform() == (Double(k) + 0.5) * 0x1p-52)
        }
    }
}
