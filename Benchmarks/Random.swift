import Numerics

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

    // Sums keep the compiler from dropping the draws; an addition is a small part of the time shown.
    var sum = 0.0
    results["random.normal_ns"] = nanoseconds { for _ in 0..<count { sum += stream.normal() } }
    results["random.uniform_ns"] = nanoseconds { for _ in 0..<count { sum += stream.uniform() } }
    results["random.chi_square_1000_ns"] = nanoseconds { for _ in 0..<count { sum += stream.chiSquare(1000) } }
    results["random.chi_square_1e8_ns"] = nanoseconds { for _ in 0..<count { sum += stream.chiSquare(1e8) } }
    results["random.chi_square_0.5_ns"] = nanoseconds { for _ in 0..<count { sum += stream.chiSquare(0.5) } }
    precondition(sum.isFinite)
    return results
}
