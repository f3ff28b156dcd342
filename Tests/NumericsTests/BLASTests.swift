import Numerics
import Randomness
import Testing

@Suite struct BLASTests {
    @Test("double precision routines against plain loops, with rows longer than the matrix")
    func double() {
        BLAS.setSingleThreaded()
        var stream = RandomStream(identity: TaskIdentity(high: 31, low: 32))
        func random(_ n: Int) -> [Double] { (0..<n).map { _ in stream.normal() } }
        let (rows, columns, leading) = (7, 5, 9)
        let a = random(rows * leading)
        let x = random(columns)
        let y = random(rows)

        var sum = 0.0
        for i in 0..<columns { sum += x[i] * y[i] }
        #expect(abs(BLAS.dot(columns, x, y) - sum) < 1e-14)
        var z = y
        BLAS.axpy(columns, 1.5, x, &z)
        for i in 0..<rows { #expect(abs(z[i] - (i < columns ? y[i] + 1.5 * x[i] : y[i])) < 1e-14) }
        BLAS.scal(3, -2.0, &z)
        #expect(abs(z[0] + 2 * (y[0] + 1.5 * x[0])) < 1e-14 && z[3] == y[3] + 1.5 * x[3])

        var ax = y
        BLAS.gemv(rows: rows, columns: columns, alpha: 2, a, leading: leading, x, beta: 0.5, &ax)
        for i in 0..<rows {
            var s = 0.5 * y[i]
            for j in 0..<columns { s += 2 * a[i * leading + j] * x[j] }
            #expect(abs(ax[i] - s) < 1e-13)
        }
        var aty = [Double](repeating: .nan, count: columns)
        BLAS.gemv(.transposed, rows: rows, columns: columns, a, leading: leading, y, &aty)
        for j in 0..<columns {
            var s = 0.0
            for i in 0..<rows { s += a[i * leading + j] * y[i] }
            #expect(abs(aty[j] - s) < 1e-13)
        }
        var outer = a
        BLAS.ger(rows: rows, columns: columns, alpha: 0.3, y, x, &outer, leading: leading)
        for i in 0..<rows {
            for j in 0..<leading {
                let s = a[i * leading + j] + (j < columns ? 0.3 * y[i] * x[j] : 0)
                #expect(abs(outer[i * leading + j] - s) < 1e-14)
            }
        }
        for (operationA, operationB) in [
            (BLAS.Operation.none, BLAS.Operation.none), (.transposed, .none), (.none, .transposed),
            (.transposed, .transposed),
        ] {
            let (m, n, k) = (4, 3, 6)
            let b = random(8 * 8)
            var c = random(m * 5)
            let old = c
            BLAS.gemm(
                operationA, operationB, m: m, n: n, k: k, alpha: 1.1, a, leadingA: 7, b, leadingB: 8, beta: -0.4, &c,
                leadingC: 5)
            for i in 0..<m {
                for j in 0..<n {
                    var s = -0.4 * old[i * 5 + j]
                    for l in 0..<k {
                        let ail = operationA == .none ? a[i * 7 + l] : a[l * 7 + i]
                        let blj = operationB == .none ? b[l * 8 + j] : b[j * 8 + l]
                        s += 1.1 * ail * blj
                    }
                    #expect(abs(c[i * 5 + j] - s) < 1e-13)
                }
                #expect(c[i * 5 + 3] == old[i * 5 + 3])
            }
        }
    }

    @Test("single precision routines agree with double precision")
    func single() {
        var stream = RandomStream(identity: TaskIdentity(high: 33, low: 34))
        func random(_ n: Int) -> [Float] { (0..<n).map { _ in Float(stream.normal()) } }
        let (m, n, k) = (4, 3, 6)
        let a = random(m * k)
        let b = random(k * n)
        let x = random(k)
        let y = random(m)
        func double(_ v: [Float]) -> [Double] { v.map(Double.init) }
        func close(_ v: [Float], _ w: [Double]) -> Bool { zip(v, w).allSatisfy { abs(Double($0) - $1) < 1e-5 } }

        #expect(abs(Double(BLAS.dot(m, x, y)) - BLAS.dot(m, double(x), double(y))) < 1e-5)
        var (v, w) = (y, double(y))
        BLAS.axpy(m, Float(0.7), x, &v)
        BLAS.axpy(m, 0.7, double(x), &w)
        BLAS.scal(m, Float(3), &v)
        BLAS.scal(m, 3.0, &w)
        #expect(close(v, w) && !close(v, double(y)))
        BLAS.gemv(rows: m, columns: k, alpha: 2, a, leading: k, x, beta: 0.5, &v)
        BLAS.gemv(rows: m, columns: k, alpha: 2, double(a), leading: k, double(x), beta: 0.5, &w)
        #expect(close(v, w))
        var (o, p) = (a, double(a))
        BLAS.ger(rows: m, columns: k, alpha: 0.3, y, x, &o, leading: k)
        BLAS.ger(rows: m, columns: k, alpha: 0.3, double(y), double(x), &p, leading: k)
        #expect(close(o, p))
        var c = random(m * n)
        var d = double(c)
        BLAS.gemm(m: m, n: n, k: k, alpha: 1.1, a, leadingA: k, b, leadingB: n, beta: -0.4, &c, leadingC: n)
        BLAS.gemm(
            m: m, n: n, k: k, alpha: 1.1, double(a), leadingA: k, double(b), leadingB: n, beta: -0.4, &d, leadingC: n)
        #expect(close(c, d))
        // c^T (n x m) times the first n columns of a (m x k).
        var (e, f) = (b, double(b))
        BLAS.gemm(.transposed, .none, m: n, n: n, k: m, c, leadingA: n, a, leadingB: k, &e, leadingC: n)
        BLAS.gemm(.transposed, .none, m: n, n: n, k: m, double(c), leadingA: n, double(a), leadingB: k, &f, leadingC: n)
        #expect(close(e, f) && !close(e, double(b)))
    }
}
