import Foundation
import Numerics
import Randomness
import Testing

@Suite("Functions of eight numbers at a time, against the C library") struct VectorFunctionsTests {
    /// 8 x 4000 arguments on [-bound, bound], denser around 0.
    private func arguments(_ bound: Double) -> [Lanes] {
        var random = RandomStream(identity: TaskIdentity(high: 0xE4, low: 1))
        return (0..<4000).map { _ in
            var x = Lanes()
            for i in 0..<8 {
                let u = 2 * random.uniform() - 1
                x[i] = bound * (random.uniform() < 0.5 ? u : u * u * u * u * u)
            }
            return x
        }
    }

    @Test("exp: relative error below 3e-16") func exponentials() {
        var largest = 0.0
        for x in arguments(707) {
            let y = exponential(x)
            for i in 0..<8 { largest = max(largest, abs(y[i] / exp(x[i]) - 1)) }
        }
        #expect(largest < 3e-16)
        #expect(exponential(Lanes()) == Lanes(repeating: 1))
    }

    @Test("exp: neither 0 nor infinite; what is not a number stays so") func exponentialEnds() {
        let y = exponential(Lanes(.infinity, -.infinity, 1e300, -1e300, .nan, 708, -708, 0))
        #expect(y[0] == y[5] && y[2] == y[5] && abs(y[5] / exp(708.0) - 1) < 3e-16)
        #expect(y[1] == y[6] && y[3] == y[6] && abs(y[6] / exp(-708.0) - 1) < 3e-16)
        #expect(y[4].isNaN && y[7] == 1)
    }

    @Test("weights: relative error below 8e-13, and near it; none below -708") func weights() {
        var largest = 0.0
        for x in arguments(707) {
            let exponent = x.replacing(with: -x, where: x .> Lanes.zero)
            let y = weight(exponent)
            for i in 0..<8 { largest = max(largest, abs(y[i] / exp(exponent[i]) - 1)) }
        }
        #expect(
            largest < 8e-13 && largest > 7e-13,
            "an error that is spread evenly; not a better polynomial than is paid for")
        let y = weight(Lanes(-.infinity, -1e300, .nan, -708, 0, -709, -1e3, -5e-324))
        for i in [0, 1, 3, 5, 6] { #expect(abs(y[i] / exp(-708.0) - 1) < 8e-13) }
        #expect(y[2].isNaN && abs(y[4] - 1) < 8e-13 && abs(y[7] - 1) < 8e-13)
    }

    @Test("logistic: relative error below 1e-15") func logistics() {
        for x in arguments(700) {
            let y = logistic(x)
            for i in 0..<8 { #expect(abs(y[i] / (1 / (1 + exp(-x[i]))) - 1) < 1e-15) }
        }
    }

    @Test("tanh: absolute error below 4e-16") func tangents() {
        var largest = 0.0
        for x in arguments(20) + arguments(1000) {
            let y = hyperbolicTangent(x)
            for i in 0..<8 { largest = max(largest, abs(y[i] - tanh(x[i]))) }
        }
        #expect(largest < 4e-16)
    }

    @Test("log(1 + exp): relative error below 1e-15") func softpluses() {
        for x in arguments(40) + arguments(700) {
            let y = softplus(x)
            for i in 0..<8 {
                let expected = x[i] > 0 ? x[i] + log1p(exp(-x[i])) : log1p(exp(x[i]))
                #expect(abs(y[i] / expected - 1) < 1e-15, "at \(x[i])")
            }
        }
        #expect(softplus(Lanes(repeating: .nan))[0].isNaN)
        #expect(softplus(Lanes(repeating: 1e300))[0] == 1e300)
    }

    @Test func lanesAreEightNumbersInARow() {
        var numbers = (0..<24).map(Double.init)
        #expect(lanes(numbers, 1) == Lanes(8, 9, 10, 11, 12, 13, 14, 15))
        store(Lanes(repeating: -1), &numbers, 2)
        #expect(numbers == (0..<16).map(Double.init) + Array(repeating: -1, count: 8))
    }
}

@Suite struct ErrorFunctionTests {
    @Test func agreesWithTheLibrary() {
        for x in stride(from: -9.0, through: 9, by: 0.0037) {
            let (value, gaussian) = errorFunction(Lanes(repeating: x))
            #expect(abs(value[0] - erf(x)) < 5e-16, "\(x)")
            #expect(abs(gaussian[7] / exp(-x * x) - 1) < 1e-14 * (1 + x * x))
        }
        for x in [0, 1e-300, 0.46875, 4, 30, 1e150] {
            #expect(abs(errorFunction(Lanes(repeating: x)).value[3] - erf(x)) < 5e-16)
            #expect(errorFunction(Lanes(repeating: -x)).value[3] == -errorFunction(Lanes(repeating: x)).value[3])
        }
        #expect(errorFunction(Lanes(repeating: .nan)).value[0].isNaN)
    }
}
