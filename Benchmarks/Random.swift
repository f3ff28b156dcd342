import Numerics
import Randomness

/// Draws from `RandomStream`, nanoseconds a number, on one core, in a buffer of 16384 numbers that stays in cache.
@Sendable
func benchmarkRandom() -> [String: Double] {
    let count = 16384
    var stream = RandomStream(identity: TaskIdentity(high: 1, low: 2))
    var results: [String: Double] = [:]
    func nanoseconds(_ body: () -> Void) -> Double { shortestSeconds(repeats: 400, body) / Double(count) * 1e9 }

    let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { floats.deallocate() }
    results["random.fill_normal_float32_ns"] = nanoseconds { stream.fillNormal(floats) }

    let doubles = UnsafeMutableBufferPointer<Double>.allocate(capacity: count)
    defer { doubles.deallocate() }
    results["random.fill_normal_float64_ns"] = nanoseconds { stream.fillNormal(doubles) }

    var sum = 0.0
    results["random.normal_ns"] = nanoseconds { sum += sumOfNormals(&stream, count) }
    results["random.uniform_ns"] = nanoseconds { sum += sumOfUniforms(&stream, count) }
    for (name, k) in [("1000", 1000), ("1e8", 1e8), ("0.5", 0.5)] {
        results["random.chi_square_\(name)_ns"] = nanoseconds { sum += sumOfChiSquares(&stream, count, k) }
    }
    guard sum.isFinite else { return [:] }
    return results
}

// Sums keep the compiler from dropping the draws; four of them, so that the additions do not wait for each other.

@inline(never)
private func sumOfNormals(_ stream: inout RandomStream, _ count: Int) -> Double {
    var sum = SIMD4<Double>()
    for _ in 0..<count / 4 {
        sum += SIMD4(stream.normal(), stream.normal(), stream.normal(), stream.normal())
    }
    return sum.sum()
}

@inline(never)
private func sumOfUniforms(_ stream: inout RandomStream, _ count: Int) -> Double {
    var sum = SIMD4<Double>()
    for _ in 0..<count / 4 {
        sum += SIMD4(stream.uniform(), stream.uniform(), stream.uniform(), stream.uniform())
    }
    return sum.sum()
}

@inline(never)
private func sumOfChiSquares(_ stream: inout RandomStream, _ count: Int, _ k: Double) -> Double {
    var sum = 0.0
    for _ in 0..<count { sum += stream.chiSquare(k) }
    return sum
}
