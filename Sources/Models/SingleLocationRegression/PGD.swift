import Modeling

/// Method `pgd`: projected gradient descent of the population risk on vectors in R^d, (8) and (9), the first two axes
/// along k* and v*.
struct VectorDescent: Descent {
    private let p: Parameters
    private var k: [Double]
    private var v: [Double]

    init(_ p: Parameters, _ random: RandomStream) {
        self.p = p
        var start = random.substream(Streams.initial)
        (k, v) = p.initialVectors(&start)
    }

    var overlaps: Overlaps { Overlaps(k[0], v[1], v[0], k[1], orderedDot(k, v)) }
    var stepWeight: Int { p.population.riskWeight + p.d / 500 }

    mutating func take(_ steps: Range<Int>) throws -> Int {
        try p.take(steps) { lambda in
            let q = overlaps
            return move(q, try p.population.risk(at: q, lambda: lambda).gradient)
        }
    }

    /// One step of both vectors from overlaps q and gradient R; false when a norm left the numbers.
    private mutating func move(_ q: Overlaps, _ R: Overlaps) -> Bool {
        let a = p.stepSize
        // g_k = R_kappa k* + R_eta v* + R_rho v and g_v = R_theta k* + R_nu v* + R_rho k, less their radial parts.
        let keepK = 1 + a * (q.kappa * R.kappa + q.eta * R.eta + q.rho * R.rho)
        let keepV = 1 + a * (q.theta * R.theta + q.nu * R.nu + q.rho * R.rho)
        let exchange = a * R.rho
        return k.withUnsafeMutableBufferPointer { k in
            v.withUnsafeMutableBufferPointer { v in
                for i in 0..<k.count {
                    let (ki, vi) = (k[i], v[i])
                    k[i] = keepK * ki - exchange * vi
                    v[i] = keepV * vi - exchange * ki
                }
                k[0] -= a * R.kappa
                k[1] -= a * R.eta
                v[0] -= a * R.theta
                v[1] -= a * R.nu
                return Self.normalise(k) && Self.normalise(v)
            }
        }
    }

    /// False when the norm is not a positive number.
    private static func normalise(_ x: UnsafeMutableBufferPointer<Double>) -> Bool {
        let square = orderedDot(UnsafeBufferPointer(x), UnsafeBufferPointer(x))
        guard square > 0, square < .infinity else { return false }
        let scale = 1 / square.squareRoot()
        for i in 0..<x.count { x[i] *= scale }
        return true
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&k)
        try archive.exchange(&v)
    }
}

/// x.y in eight sums and a fixed order, at two vectors of equal length.
func orderedDot(_ x: UnsafeBufferPointer<Double>, _ y: UnsafeBufferPointer<Double>) -> Double {
    guard let px = x.baseAddress, let py = y.baseAddress else { return 0 }
    var lanes = SIMD8<Double>()
    var i = 0
    while i + 8 <= x.count {
        lanes +=
            UnsafeRawPointer(px + i).loadUnaligned(as: SIMD8<Double>.self)
            * UnsafeRawPointer(py + i).loadUnaligned(as: SIMD8<Double>.self)
        i += 8
    }
    var sum = lanes.sum()
    while i < x.count {
        sum += px[i] * py[i]
        i += 1
    }
    return sum
}

func orderedDot(_ x: [Double], _ y: [Double]) -> Double {
    x.withUnsafeBufferPointer { x in y.withUnsafeBufferPointer { y in orderedDot(x, y) } }
}
