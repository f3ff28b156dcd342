/// Philox4x32-10 (Salmon et al., SC 2011): a counter-based generator, four 32-bit words a block.
public enum Philox {
    /// The block of `counter` under `key`, words in Random123's order.
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for round in 0..<10 {
            if round > 0 { k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85) }
            let p0 = UInt64(c[0]) &* 0xD251_1F53
            let p1 = UInt64(c[2]) &* 0xCD9E_8D57
            c = SIMD4(
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: p0))
        }
        return c
    }
}
