import CRandom123
import Numerics
import Randomness
import Testing

@Suite struct ARSTests {
    /// A counter or key of Random123, four words, as two.
    static func pair(_ words: [UInt32]) -> SIMD2<UInt64> {
        SIMD2(UInt64(words[0]) | UInt64(words[1]) << 32, UInt64(words[2]) | UInt64(words[3]) << 32)
    }

    @Test("known answers, computed by Random123's header", arguments: [true, false])
    func knownAnswers(isPortable: Bool) {
        let pi: [UInt32] = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]
        let more: [UInt32] = [0xa409_3822, 0x299f_31d0, 0x082e_fa98, 0xec4e_6c89]
        let (zeros, ones) = ([UInt32](repeating: 0, count: 4), [UInt32](repeating: .max, count: 4))
        let cases: [([UInt32], [UInt32], [UInt32])] = [
            (zeros, zeros, [0xdacf_61ff, 0xc457_98f3, 0x113c_7eeb, 0x101e_27f3]),
            (ones, ones, [0xfbaa_ff1f, 0xbb54_7ef9, 0x13d8_cd78, 0x7aaa_969b]),
            (pi, more, [0xd1df_87af, 0xf67d_43ba, 0x4f66_afdb, 0x393d_cb2d]),
        ]
        for (counter, key, answer) in cases {
            let block = isPortable ? ARS.portableBlock : ARS.block
            #expect(block(Self.pair(counter), Self.pair(key)) == Self.pair(answer))
        }
    }

    @Test("every block agrees with the reference header and with the portable path")
    func reference() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let counter = (0..<4).map { _ in UInt32.random(in: .min ... .max, using: &generator) }
            let key = (0..<4).map { _ in UInt32.random(in: .min ... .max, using: &generator) }
            let block = ARS.block(counter: Self.pair(counter), key: Self.pair(key))
            #expect(block == ARS.portableBlock(counter: Self.pair(counter), key: Self.pair(key)))
            if crandom123_available == 1 {
                var expected = [UInt32](repeating: 0, count: 4)
                crandom123_ars4x32_7(counter, key, &expected)
                #expect(block == Self.pair(expected))
            }
        }
        // The header needs the instructions that a build from v3 on has.
        #expect(crandom123_available == (ARS.usesInstructions ? 1 : 0))
    }

    /// The uniforms show the raw words of the vectorised generator: number `i` has the upper 52 bits of half `i % 2` of
    /// block `i / 2`.
    @Test(
        "the vectorised blocks behind the uniforms are ARS's, also where the counter's low word overflows",
        arguments: [0, 1 << 20, (1 << 33) - 64, (1 << 60) + 16])
    func vectorised(start: UInt64) {
        let identity = TaskIdentity(high: 0x1234_5678_9ABC_DEF0, low: 0x0FED_CBA9_8765_4321)
        var stream = RandomStream(identity: identity, substream: 77, position: .init(uniforms: start))
        for i in start..<start + 200 {
            let words = ARS.block(counter: SIMD2(i / 2 | 2 << 62, 77), key: SIMD2(identity.low, identity.high))
            #expect(stream.uniform() == (Double(words[Int(i % 2)] >> 12) + 0.5) * 0x1p-52)
        }
    }
}
