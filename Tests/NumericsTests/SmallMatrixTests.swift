import Numerics
import Randomness
import Testing

@Suite struct SmallMatrixTests {
    private func random(_ count: Int, _ seed: UInt64) -> [Double] {
        var stream = RandomStream(identity: TaskIdentity(high: 0x3A7, low: seed))
        return (0..<count).map { _ in stream.normal() }
    }

    private func distance(_ a: [Double], _ b: [Double]) -> Double {
        a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }

    @Test func products() {
        #expect(SmallMatrix.product([1, 2, 3, 4, 5, 6], [1, 0, -1, 2, 1, 1], 2, 3, 2) == [2, 7, 5, 16])
        #expect(SmallMatrix.transpose([1, 2, 3, 4, 5, 6], 2, 3) == [1, 4, 2, 5, 3, 6])
        #expect(SmallMatrix.diagonal(2, 3) == [3, 0, 0, 3])
        let (a, b) = (random(15, 1), random(20, 2))
        let product = SmallMatrix.product(a, b, 3, 5, 4)
        for i in 0..<3 {
            for j in 0..<4 {
                #expect(abs(product[i * 4 + j] - (0..<5).reduce(0) { $0 + a[i * 5 + $1] * b[$1 * 4 + j] }) < 1e-14)
            }
        }
    }

    @Test func symmetry() {
        #expect(SmallMatrix.isSymmetric([1, 2, 2, 5], 2))
        #expect(!SmallMatrix.isSymmetric([1, 2, 2.001, 5], 2))
        #expect(!SmallMatrix.isSymmetric([1, 2, .nan, 5], 2) && !SmallMatrix.isSymmetric([.infinity], 1))
    }

    @Test("Cholesky's factor and the inverse from it", arguments: 1...6) func factors(n: Int) throws {
        let root = random(n * n, UInt64(n))
        let a = SmallMatrix.product(root, SmallMatrix.transpose(root, n, n), n, n, n)
        let factor = try #require(SmallMatrix.cholesky(a, n, tolerance: 1e-12, allowsZero: false))
        #expect(distance(SmallMatrix.product(factor, SmallMatrix.transpose(factor, n, n), n, n, n), a) < 1e-13)
        for i in 0..<n { for j in i + 1..<max(n, i + 1) { #expect(factor[i * n + j] == 0) } }
        let product = SmallMatrix.product(SmallMatrix.inverse(factor: factor, n), a, n, n, n)
        #expect(distance(product, SmallMatrix.diagonal(n, 1)) < 1e-8)
    }

    @Test("what is not positive definite has no factor, or one with columns of zeros") func singular() throws {
        func factor(_ a: [Double], zero: Bool, scale: Double? = nil) -> [Double]? {
            SmallMatrix.cholesky(a, a.count == 4 ? 2 : 3, tolerance: 1e-10, allowsZero: zero, scale: scale)
        }
        #expect(factor([1, 2, 2, 1], zero: true) == nil)
        #expect(factor([1, 0.5, 0.4, 1], zero: true) == nil)
        #expect(factor([0, 0, 0, -1], zero: true, scale: 1) == nil)
        #expect(factor([1, 1, 1, 1], zero: false) == nil)
        #expect(factor([1, 1, 1, 1], zero: true) == [1, 0, 1, 0])
        #expect(factor([0, 0, 0, 0], zero: true, scale: 1) == [0, 0, 0, 0])
        // A pivot of 0 with something beside it.
        #expect(factor([0, 0.1, 0.1, 1], zero: true) == nil)
        // A product of rank 1, singular up to rounding.
        let v = [0.3, -1.7, 0.6]
        let a = SmallMatrix.product(v, v, 3, 1, 3)
        let found = try #require(factor(a, zero: true))
        #expect(distance(SmallMatrix.product(found, SmallMatrix.transpose(found, 3, 3), 3, 3, 3), a) < 1e-12)
    }
}
