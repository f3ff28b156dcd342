import Dynamics
import Numerics
import Randomness

/// F = X/sqrt(d) with the covariates in single precision: they are the only large array, and an iteration takes the time of
/// reading them twice. Sums over d are in single precision over 16 lanes, sums over samples in double over blocks of 8 rows.
package struct Sensing: SensingOperator {
    package let fieldCount: Int
    package let signalCount: Int
    package let width: Int
    /// Floats from row to row: d rounded up to 16, the rest zeros.
    let stride: Int
    /// fieldCount rounded up to 8 rows, the rest zeros.
    private var x: [Float]
    /// The estimate's columns, each of `stride` floats.
    private var columns: [Float]
    /// Sums of X^T g, each column of `stride` doubles.
    private var sums: [Double]

    /// `n` covariates of `d` independent standard normals.
    package init(n: Int, d: Int, width: Int, _ random: inout RandomStream) {
        (fieldCount, signalCount, self.width) = (n, d, width)
        let stride = (d + 15) & ~15
        let rows = (n + 7) & ~7
        self.stride = stride
        columns = Array(repeating: 0, count: width * stride)
        sums = Array(repeating: 0, count: width * stride)
        x = Array(repeating: 0, count: rows * stride)
        x.withUnsafeMutableBufferPointer { x in
            for row in 0..<n {
                random.fillNormal(UnsafeMutableBufferPointer(rebasing: x[row * stride..<row * stride + d]))
            }
        }
    }

    /// Bytes that a problem of this size holds here.
    static func bytes(n: Double, d: Double, width: Double) -> Double { 4 * (n + 8) * (d + 16) + 12 * width * (d + 16) }

    package mutating func fields(of estimate: UnsafePointer<Double>, into fields: UnsafeMutablePointer<Double>) {
        let (n, d, k, stride) = (fieldCount, signalCount, width, self.stride)
        let scale = 1 / Double(d).squareRoot()
        columns.withUnsafeMutableBufferPointer { columns in
            for i in 0..<d {
                for a in 0..<k { columns[a &* stride &+ i] = Float(estimate[i &* k &+ a]) }
            }
            x.withUnsafeBufferPointer { x in
                let base = UnsafeRawPointer(x.baseAddress.unsafelyUnwrapped)
                let weights = UnsafeRawPointer(columns.baseAddress.unsafelyUnwrapped)
                var row = 0
                while row < n {
                    let first = base + 4 &* row &* stride
                    for a in 0..<k {
                        let w = weights + 4 &* a &* stride
                        var (s0, s1, s2, s3) = (Sixteen.zero, Sixteen.zero, Sixteen.zero, Sixteen.zero)
                        var offset = 0
                        while offset < 4 &* stride {
                            let v = load(w, offset)
                            s0 += v * load(first, offset)
                            s1 += v * load(first + 4 &* stride, offset)
                            s2 += v * load(first + 8 &* stride, offset)
                            s3 += v * load(first + 12 &* stride, offset)
                            offset &+= 64
                        }
                        let all = SIMD4(Double(s0.sum()), Double(s1.sum()), Double(s2.sum()), Double(s3.sum()))
                        for r in 0..<min(4, n - row) { fields[(row &+ r) &* k &+ a] = scale * all[r] }
                    }
                    row &+= 4
                }
            }
        }
    }

    package mutating func adjoint(of g: UnsafePointer<Double>, into signal: UnsafeMutablePointer<Double>) {
        let (n, d, k, stride) = (fieldCount, signalCount, width, self.stride)
        let scale = 1 / Double(d).squareRoot()
        sums.withUnsafeMutableBufferPointer { sums in
            let target = sums.baseAddress.unsafelyUnwrapped
            target.update(repeating: 0, count: k &* stride)
            x.withUnsafeBufferPointer { x in
                let base = UnsafeRawPointer(x.baseAddress.unsafelyUnwrapped)
                var row = 0
                while row < n {
                    let first = base + 4 &* row &* stride
                    for a in 0..<k {
                        var c = SIMD8<Float>.zero
                        for r in 0..<min(8, n - row) { c[r] = Float(g[(row &+ r) &* k &+ a]) }
                        let column = target + a &* stride
                        var i = 0
                        while i < stride {
                            var sum = c[0] * load(first, 4 &* i)
                            for r in 1..<8 { sum += c[r] * load(first + 4 &* r &* stride, 4 &* i) }
                            store(lanes(column + i, 0) + Lanes(sum.lowHalf), column + i, 0)
                            store(lanes(column + i, 1) + Lanes(sum.highHalf), column + i, 1)
                            i &+= 16
                        }
                    }
                    row &+= 8
                }
            }
            for i in 0..<d {
                for a in 0..<k { signal[i &* k &+ a] = scale * target[a &* stride &+ i] }
            }
        }
    }
}

private typealias Sixteen = SIMD16<Float>

@inline(__always)
private func load(_ base: UnsafeRawPointer, _ offset: Int) -> Sixteen {
    (base + offset).loadUnaligned(as: Sixteen.self)
}
