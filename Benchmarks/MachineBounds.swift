import Numerics

/// What the machine does at most besides random numbers, measured in the same run as the kernels that are held against it:
/// a pass of axpy and one of dot over 4000 bytes that stay in the first cache.
@Sendable
func benchmarkMachine() -> [String: Double] {
    BLAS.setSingleThreaded()
    let count = 1000
    let x = UnsafeMutablePointer<Float>.allocate(capacity: count)
    let y = UnsafeMutablePointer<Float>.allocate(capacity: count)
    defer {
        x.deallocate()
        y.deallocate()
    }
    x.initialize(repeating: 1e-3, count: count)
    y.initialize(repeating: 1, count: count)
    var sum: Float = 0
    let repeats = 1000
    let seconds = shortestSeconds(repeats: 50) {
        for _ in 0..<repeats {
            BLAS.axpy(count, 1e-6, x, y)
            sum += BLAS.dot(count, x, y)
        }
    }
    return sum.isFinite ? ["machine.axpy_and_dot_ns": seconds / Double(repeats * count) * 1e9] : [:]
}
