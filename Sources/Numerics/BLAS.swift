import COpenBLAS

/// The few BLAS routines the simulations need, in single and double precision, on pointers.
///
/// Matrices are row-major with a leading dimension (elements between rows) of at least their number of columns. As in
/// BLAS itself nothing is checked: counts must not be negative, sizes and strides must fit the memory behind the
/// pointers, and the output must not overlap an input.
public enum BLAS {
    /// Makes OpenBLAS compute on the calling thread alone. Call once, before the first routine: ranks are the parallelism
    /// here, and OpenBLAS otherwise starts a thread for every core it sees.
    public static func setSingleThreaded() { openblas_set_num_threads(1) }

    /// The library's version and the kernels it chose for this CPU, for provenance.
    public static var linkedVersion: String {
        guard let text = openblas_get_config(), let core = openblas_get_corename() else { return "unknown" }
        let version = String(cString: text).split(separator: " ").prefix(2).joined(separator: " ")
        return "\(version), \(String(cString: core)) kernels"
    }

    /// Whether a matrix enters as stored or transposed.
    public enum Operation: Sendable {
        case none
        case transposed

        fileprivate var flag: CBLAS_TRANSPOSE { self == .none ? CblasNoTrans : CblasTrans }
    }

    /// `x . y` over `n` elements.
    @inline(__always)
    public static func dot(_ n: Int, _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>) -> Double {
        cblas_ddot(Int32(n), x, 1, y, 1)
    }

    /// `x . y` over `n` elements, summed in single precision.
    @inline(__always)
    public static func dot(_ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>) -> Float {
        cblas_sdot(Int32(n), x, 1, y, 1)
    }

    /// `y += alpha x` over `n` elements.
    @inline(__always)
    public static func axpy(_ n: Int, _ alpha: Double, _ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>) {
        cblas_daxpy(Int32(n), alpha, x, 1, y, 1)
    }

    /// `y += alpha x` over `n` elements.
    @inline(__always)
    public static func axpy(_ n: Int, _ alpha: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
        cblas_saxpy(Int32(n), alpha, x, 1, y, 1)
    }

    /// `x *= alpha` over `n` elements.
    @inline(__always)
    public static func scal(_ n: Int, _ alpha: Double, _ x: UnsafeMutablePointer<Double>) {
        cblas_dscal(Int32(n), alpha, x, 1)
    }

    /// `x *= alpha` over `n` elements.
    @inline(__always)
    public static func scal(_ n: Int, _ alpha: Float, _ x: UnsafeMutablePointer<Float>) {
        cblas_sscal(Int32(n), alpha, x, 1)
    }

    /// `y = alpha op(a) x + beta y`, `a` stored as `rows` x `columns`. With `beta` = 0 the old `y` is not read.
    @inline(__always)
    public static func gemv(
        _ operation: Operation = .none, rows: Int, columns: Int, alpha: Double = 1, _ a: UnsafePointer<Double>,
        leading: Int, _ x: UnsafePointer<Double>, beta: Double = 0, _ y: UnsafeMutablePointer<Double>
    ) {
        cblas_dgemv(
            CblasRowMajor, operation.flag, Int32(rows), Int32(columns), alpha, a, Int32(leading), x, 1, beta, y, 1)
    }

    /// `y = alpha op(a) x + beta y`, `a` stored as `rows` x `columns`. With `beta` = 0 the old `y` is not read.
    @inline(__always)
    public static func gemv(
        _ operation: Operation = .none, rows: Int, columns: Int, alpha: Float = 1, _ a: UnsafePointer<Float>,
        leading: Int, _ x: UnsafePointer<Float>, beta: Float = 0, _ y: UnsafeMutablePointer<Float>
    ) {
        cblas_sgemv(
            CblasRowMajor, operation.flag, Int32(rows), Int32(columns), alpha, a, Int32(leading), x, 1, beta, y, 1)
    }

    /// `a += alpha x y^T`, `a` of `rows` x `columns`.
    @inline(__always)
    public static func ger(
        rows: Int, columns: Int, alpha: Double = 1, _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>,
        _ a: UnsafeMutablePointer<Double>, leading: Int
    ) {
        cblas_dger(CblasRowMajor, Int32(rows), Int32(columns), alpha, x, 1, y, 1, a, Int32(leading))
    }

    /// `a += alpha x y^T`, `a` of `rows` x `columns`.
    @inline(__always)
    public static func ger(
        rows: Int, columns: Int, alpha: Float = 1, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
        _ a: UnsafeMutablePointer<Float>, leading: Int
    ) {
        cblas_sger(CblasRowMajor, Int32(rows), Int32(columns), alpha, x, 1, y, 1, a, Int32(leading))
    }

    /// `y = alpha a x + beta y` with the symmetric `a` of `n` x `n`, of which the lower triangle is read. With `beta` = 0
    /// the old `y` is not read.
    @inline(__always)
    public static func symv(
        _ n: Int, alpha: Double = 1, _ a: UnsafePointer<Double>, leading: Int, _ x: UnsafePointer<Double>,
        beta: Double = 0, _ y: UnsafeMutablePointer<Double>
    ) {
        cblas_dsymv(CblasRowMajor, CblasLower, Int32(n), alpha, a, Int32(leading), x, 1, beta, y, 1)
    }

    /// `x = op(l)^-1 x` with the lower triangular `l` of `n` x `n`.
    @inline(__always)
    public static func solveLower(
        _ operation: Operation, _ n: Int, _ l: UnsafePointer<Double>, leading: Int,
        _ x: UnsafeMutablePointer<Double>
    ) {
        cblas_dtrsv(CblasRowMajor, CblasLower, operation.flag, CblasNonUnit, Int32(n), l, Int32(leading), x, 1)
    }

    /// Plane rotation of `n` pairs of elements, `strideX` and `strideY` apart: (x, y) becomes (c x + s y, c y - s x).
    @inline(__always)
    public static func rotate(
        _ n: Int, _ x: UnsafeMutablePointer<Double>, strideX: Int, _ y: UnsafeMutablePointer<Double>, strideY: Int,
        c: Double, s: Double
    ) {
        cblas_drot(Int32(n), x, Int32(strideX), y, Int32(strideY), c, s)
    }

    /// The lower triangle of `c = alpha op(a) op(a)^T + beta c`, `c` of `n` x `n`, `op(a)` of `n` x `k`. With `beta` = 0 the
    /// old `c` is not read.
    @inline(__always)
    public static func syrk(
        _ operation: Operation = .none, n: Int, k: Int, alpha: Double = 1, _ a: UnsafePointer<Double>, leadingA: Int,
        beta: Double = 0, _ c: UnsafeMutablePointer<Double>, leadingC: Int
    ) {
        cblas_dsyrk(
            CblasRowMajor, CblasLower, operation.flag, Int32(n), Int32(k), alpha, a, Int32(leadingA), beta, c,
            Int32(leadingC))
    }

    /// `c = alpha op(a) op(b) + beta c` with `c` of `m` x `n` and `k` the summed dimension: `op(a)` is `m` x `k`, `op(b)` is
    /// `k` x `n`; leading dimensions are those of the stored matrices. With `beta` = 0 the old `c` is not read.
    @inline(__always)
    public static func gemm(
        _ operationA: Operation = .none, _ operationB: Operation = .none, m: Int, n: Int, k: Int, alpha: Double = 1,
        _ a: UnsafePointer<Double>, leadingA: Int, _ b: UnsafePointer<Double>, leadingB: Int, beta: Double = 0,
        _ c: UnsafeMutablePointer<Double>, leadingC: Int
    ) {
        cblas_dgemm(
            CblasRowMajor, operationA.flag, operationB.flag, Int32(m), Int32(n), Int32(k), alpha, a, Int32(leadingA), b,
            Int32(leadingB), beta, c, Int32(leadingC))
    }

    /// `c = alpha op(a) op(b) + beta c` with `c` of `m` x `n` and `k` the summed dimension: `op(a)` is `m` x `k`, `op(b)` is
    /// `k` x `n`; leading dimensions are those of the stored matrices. With `beta` = 0 the old `c` is not read.
    @inline(__always)
    public static func gemm(
        _ operationA: Operation = .none, _ operationB: Operation = .none, m: Int, n: Int, k: Int, alpha: Float = 1,
        _ a: UnsafePointer<Float>, leadingA: Int, _ b: UnsafePointer<Float>, leadingB: Int, beta: Float = 0,
        _ c: UnsafeMutablePointer<Float>, leadingC: Int
    ) {
        cblas_sgemm(
            CblasRowMajor, operationA.flag, operationB.flag, Int32(m), Int32(n), Int32(k), alpha, a, Int32(leadingA), b,
            Int32(leadingB), beta, c, Int32(leadingC))
    }
}
