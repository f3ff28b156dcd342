import CVector

/// ARS4x32-7: a counter-based generator of AES rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
/// 1, 2, 3", SC 2011, section 4.1; Random123's `ars4x32_R(7, ...)`). A block is a keyed permutation of a 128-bit counter,
/// so any number of a stream is one function call away and streams with different keys or counters need no seeding.
///
/// The round keys are multiples of a constant (a Weyl sequence) added to the key: enough for statistics, not for secrets.
public enum ARS {
    /// The first is the fractional part of the golden ratio, the second of the square root of 3, in units of 2^-64.
    static let weyl = SIMD2<UInt64>(0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B)

    /// The block of one counter under `key`; lower halves first.
    public static func block(counter: SIMD2<UInt64>, key: SIMD2<UInt64>) -> SIMD2<UInt64> {
        var state = counter ^ key
        for round in 1..<7 { state = cvector_aes_round(state, key &+ weyl &* SIMD2(repeating: UInt64(round))) }
        return cvector_aes_last(state, key &+ weyl &* SIMD2(repeating: 7))
    }

    /// The same without the processor's instructions, for what has none.
    public static func portableBlock(counter: SIMD2<UInt64>, key: SIMD2<UInt64>) -> SIMD2<UInt64> {
        var state = counter ^ key
        for round in 1..<7 { state = cvector_aes_portable_round(state, key &+ weyl &* SIMD2(repeating: UInt64(round))) }
        return cvector_aes_portable_last(state, key &+ weyl &* SIMD2(repeating: 7))
    }

    /// Whether this build has the processor's AES instructions; the portable path gives the same bits, some thirty times
    /// slower.
    public static var usesInstructions: Bool { CVECTOR_AES_INSTRUCTIONS == 1 }
}

/// What names the blocks of one sequence: the key, which is the task's whole identity, and the counter's upper half.
///
/// Block `b` has the counter `(b + family * 2^62, substream)`, so a sequence holds 2^62 blocks.
struct RandomSequence: Sendable {
    /// Which kind of number the words become; two kinds never share a block.
    enum Family: UInt64, Sendable {
        case normalDouble = 0
        case normalFloat = 1
        case uniform = 2
    }

    let key: SIMD2<UInt64>
    let substream: UInt64

    init(identity: TaskIdentity, substream: UInt32) {
        key = SIMD2(identity.low, identity.high)
        self.substream = UInt64(substream)
    }

    /// Writes the blocks `8 * octets.lowerBound ..< 8 * octets.upperBound` one after the other.
    @inline(__always)
    func fill(_ output: UnsafeMutableRawPointer, octets: Range<UInt64>, _ family: Family) {
        let rounds = Rounds(self, family)
        var target = output
        var octet = octets.lowerBound
        while octet < octets.upperBound {
            let (first, second) = rounds.octet(octet)
            target.storeBytes(of: first, toByteOffset: 0, as: SIMD8<UInt64>.self)
            target.storeBytes(of: second, toByteOffset: 64, as: SIMD8<UInt64>.self)
            target += 128
            octet &+= 1
        }
    }
}

/// The round keys of a sequence, each for four blocks at a time.
private struct Rounds {
    /// Counter and first key of the first and of the second four blocks of an octet.
    private let first: SIMD8<UInt64>
    private let second: SIMD8<UInt64>
    /// Where the octet's number goes: the counters' lower halves.
    private let mask: SIMD8<UInt64>
    private let k1: SIMD8<UInt64>
    private let k2: SIMD8<UInt64>
    private let k3: SIMD8<UInt64>
    private let k4: SIMD8<UInt64>
    private let k5: SIMD8<UInt64>
    private let k6: SIMD8<UInt64>
    private let k7: SIMD8<UInt64>

    @inline(__always)
    init(_ sequence: RandomSequence, _ family: RandomSequence.Family) {
        func repeated(_ x: SIMD2<UInt64>) -> SIMD8<UInt64> { SIMD8(x[0], x[1], x[0], x[1], x[0], x[1], x[0], x[1]) }
        func key(_ round: UInt64) -> SIMD8<UInt64> {
            repeated(sequence.key &+ ARS.weyl &* SIMD2(repeating: round))
        }
        mask = cvector_opaque_u64x8(repeated(SIMD2(.max, 0)))
        first =
            key(0) ^ repeated(SIMD2(family.rawValue &<< 62, sequence.substream)) ^ SIMD8(0, 0, 1, 0, 2, 0, 3, 0)
        second = first ^ SIMD8(4, 0, 4, 0, 4, 0, 4, 0)
        (k1, k2, k3, k4, k5, k6, k7) = (key(1), key(2), key(3), key(4), key(5), key(6), key(7))
    }

    /// The blocks `8 * octet ..< 8 * octet + 8`.
    @inline(__always)
    func octet(_ octet: UInt64) -> (first: SIMD8<UInt64>, second: SIMD8<UInt64>) {
        let block = SIMD8(repeating: octet &<< 3) & mask
        return (encrypted(first ^ block), encrypted(second ^ block))
    }

    @inline(__always)
    private func encrypted(_ counters: SIMD8<UInt64>) -> SIMD8<UInt64> {
        var state = cvector_aes_round_u64x8(counters, k1)
        state = cvector_aes_round_u64x8(state, k2)
        state = cvector_aes_round_u64x8(state, k3)
        state = cvector_aes_round_u64x8(state, k4)
        state = cvector_aes_round_u64x8(state, k5)
        state = cvector_aes_round_u64x8(state, k6)
        return cvector_aes_last_u64x8(state, k7)
    }
}
