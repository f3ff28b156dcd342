import Foundation
import Numerics
import Randomness
import Testing

@Suite struct FDLibmTests {
    @Test("log within one ulp of the C library's, from the smallest uniform to the largest gamma ratio")
    func logarithm() {
        var stream = RandomStream(identity: TaskIdentity(high: 41, low: 42))
        var largest = 0.0
        for i in 0..<200_000 {
            let u = stream.uniform()
            let x = [u, 1 - 0.01 * u, 1 + 1e-6 * u, 0x1p-53 / u, exp(600 * (u - 0.5))][i % 5]
            largest = max(largest, abs(FDLibm.log(x) - log(x)) / log(x).ulp)
        }
        #expect(largest <= 1)
        #expect(FDLibm.log(1) == 0)
    }

    @Test("exp within one ulp of the C library's down to -708, and 0 below")
    func exponential() {
        var stream = RandomStream(identity: TaskIdentity(high: 43, low: 44))
        var largest = 0.0
        for i in 0..<200_000 {
            let x = -stream.uniform() * [708.0, 1, 1e-3][i % 3]
            largest = max(largest, abs(FDLibm.expNonPositive(x) - exp(x)) / exp(x).ulp)
        }
        #expect(largest <= 1)
        #expect(FDLibm.expNonPositive(0) == 1 && FDLibm.expNonPositive(-709) == 0)
        #expect(FDLibm.expNonPositive(-.infinity) == 0)
    }
}
