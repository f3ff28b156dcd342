import Numerics
import Testing

/// Not every build of the library may be called from several threads: one that may not hands two callers the same
/// workspace, and wrong numbers come out without a word. Tests run side by side, so they would see it first.
@Suite struct BLASThreadsTests {
    @Test func callsFromSeveralThreadsDoNotDisturbEachOther() async {
        let size = 96
        func product(_ seed: Int) -> [Double] {
            let a = (0..<(size * size)).map { Double(($0 * 7 + seed) % 13) - 6 }
            var c = [Double](repeating: 0, count: size * size)
            BLAS.gemm(m: size, n: size, k: size, a, leadingA: size, a, leadingB: size, &c, leadingC: size)
            return c
        }
        let expected = (0..<4).map(product)
        let wrong = await withTaskGroup(of: Int.self) { group in
            for seed in 0..<4 {
                group.addTask { (0..<300).count { _ in product(seed) != expected[seed] } }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }
}
