/// Philox4x32-10: a counter-based generator (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
/// 1, 2, 3", SC 2011). A block is a keyed permutation of a 128-bit counter, so any number of a stream is one function
/// call away and streams with different keys or counters need no seeding.
public enum Philox {
    @usableFromInline static let multiplier0: UInt64 = 0xD251_1F53
    @usableFromInline static let multiplier1: UInt64 = 0xCD9E_8D57
    static let weyl0: UInt32 = 0x9E37_79B9
    static let weyl1: UInt32 = 0xBB67_AE85

    /// The four words of block `counter` under `key`, in the order of Random123's `philox4x32_R(10, ...)`.
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for round in 0..<10 {
            if round > 0 { k &+= SIMD2(weyl0, weyl1) }
            let p0 = UInt64(c[0]) &* multiplier0
            let p1 = UInt64(c[2]) &* multiplier1
            c = SIMD4(
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: p0))
        }
        return c
    }
}

/// What names the blocks of one sequence: the key and the three counter words that stay fixed along it.
///
/// Block `b` has the counter `(b mod 2^32, b / 2^32 + family * 2^30, substream, high)`, so a sequence holds 2^62 blocks.
@usableFromInline
struct PhiloxSequence: Sendable {
    /// Which kind of number the words become; two kinds never share a block.
    @usableFromInline
    enum Family: UInt64, Sendable {
        case normalDouble = 0
        case normalFloat = 1
        case uniform = 2
    }

    let key: SIMD2<UInt32>
    let substream: UInt32
    let high: UInt32

    init(identity: TaskIdentity, substream: UInt32) {
        key = SIMD2(UInt32(truncatingIfNeeded: identity.low), UInt32(truncatingIfNeeded: identity.low >> 32))
        self.substream = substream
        high = UInt32(truncatingIfNeeded: identity.high)
    }

    /// The words of the eight consecutive blocks `8 * octet ..< 8 * octet + 8`, packed in pairs: 64-bit lane `i` of
    /// `.first` holds words 0 (high half) and 1 (low half) of block `i`, of `.second` words 2 and 3.
    ///
    /// Each 32-bit word lives in a 64-bit lane, so the widening product of a round is one multiplication without
    /// shuffles. The upper half of a lane may hold leftovers; the multiplication reads the lower half only.
    @inline(__always)
    func octet(_ octet: UInt64, _ family: Family) -> (first: SIMD8<UInt64>, second: SIMD8<UInt64>) {
        let block = octet &<< 3 | family.rawValue &<< 62
        var state = PhiloxLanes(
            c0: SIMD8(repeating: block & 0xFFFF_FFFF) | SIMD8(0, 1, 2, 3, 4, 5, 6, 7),
            c1: SIMD8(repeating: block &>> 32),
            c2: SIMD8(repeating: UInt64(substream)), c3: SIMD8(repeating: UInt64(high)))
        // Written out: a loop here is not unrolled, and its multiplications become full 64-bit ones.
        state.round(key, 0)
        state.round(key, 1)
        state.round(key, 2)
        state.round(key, 3)
        state.round(key, 4)
        state.round(key, 5)
        state.round(key, 6)
        state.round(key, 7)
        state.round(key, 8)
        state.round(key, 9)
        return (state.c0 &<< 32 | state.c1, state.c2 &<< 32 | state.c3)
    }
}

/// The state of eight blocks between rounds, each 32-bit word in the lower half of a 64-bit lane.
private struct PhiloxLanes {
    var c0: SIMD8<UInt64>
    var c1: SIMD8<UInt64>
    var c2: SIMD8<UInt64>
    var c3: SIMD8<UInt64>

    @inline(__always)
    mutating func round(_ key: SIMD2<UInt32>, _ number: UInt32) {
        let low = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
        let p0 = c0 &* SIMD8(repeating: Philox.multiplier0)
        let p1 = c2 &* SIMD8(repeating: Philox.multiplier1)
        let k0 = SIMD8(repeating: UInt64(key.x &+ number &* Philox.weyl0))
        let k1 = SIMD8(repeating: UInt64(key.y &+ number &* Philox.weyl1))
        // The masks cost nothing (the multiplication reads lower halves only), but tell the compiler that it may.
        c0 = (p1 &>> 32) ^ c1 ^ k0
        c2 = (p0 &>> 32) ^ c3 ^ k1
        c1 = p1 & low
        c3 = p0 & low
    }
}
