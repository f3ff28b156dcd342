import Foundation

/// A compiled expression: a list of operations on registers, evaluated for many grid points at a time. Its points are
/// the box of the axes it depends on, row-major. All values are `Double`: flags are 0 and 1, texts are indices into
/// ``texts``. Parameters that other expressions define are compiled into the same list, once each.
struct ExpressionProgram: Sendable, Hashable {
    enum ValueType: String, Sendable, Hashable {
        case number = "a number"
        case flag = "true or false"
        case text = "a text"
    }

    enum Operation: Sendable, Hashable {
        case constant(Double)
        /// The values of a coordinate along one of ``axes`` (an index into it).
        case load(axis: Int, values: [Double])
        case add(Int, Int)
        case subtract(Int, Int)
        case multiply(Int, Int)
        case divide(Int, Int)
        case modulo(Int, Int)
        case power(Int, Int)
        case less(Int, Int)
        case lessOrEqual(Int, Int)
        case equal(Int, Int)
        case notEqual(Int, Int)
        case and(Int, Int)
        case or(Int, Int)
        case not(Int)
        case negate(Int)
        case minimum(Int, Int)
        case maximum(Int, Int)
        case function(ExpressionFunction, Int)
        case select(Int, Int, Int)
    }

    let operations: [Operation]
    /// The register that holds the value.
    let result: Int
    let type: ValueType
    let texts: [String]
    /// Indices of the grid's axes that the value depends on, increasing, and their lengths.
    let axes: [Int]
    let counts: [Int]

    /// The number of points of the box of ``axes``.
    var pointCount: Int { counts.reduce(1, *) }

    /// Points evaluated at a time; the registers of a usual expression then fit the first-level cache.
    static let chunk = 512

    /// Evaluates points `range`, chunk by chunk; `body` gets the first point of a chunk and its values.
    func evaluate(_ range: Range<Int>, _ body: (Int, UnsafeBufferPointer<Double>) -> Void) {
        let width = min(Self.chunk, max(range.count, 1))
        withUnsafeTemporaryAllocation(of: Double.self, capacity: width * operations.count) { registers in
            var start = range.lowerBound
            while start < range.upperBound {
                let count = min(width, range.upperBound - start)
                body(start, run(at: start, count: count, registers, width))
                start += count
            }
        }
    }

    /// The value at one point of the box of ``axes``.
    func value(at point: Int) -> Double {
        var result = Double.nan
        evaluate(point..<(point + 1)) { _, values in result = values[0] }
        return result
    }

    private func run(
        at start: Int, count: Int, _ registers: UnsafeMutableBufferPointer<Double>, _ width: Int
    ) -> UnsafeBufferPointer<Double> {
        func register(_ index: Int) -> UnsafeMutableBufferPointer<Double> {
            UnsafeMutableBufferPointer(rebasing: registers[(index * width)..<(index * width + count)])
        }
        func binary(_ to: UnsafeMutableBufferPointer<Double>, _ a: Int, _ b: Int, _ f: (Double, Double) -> Double) {
            let (left, right) = (register(a), register(b))
            for i in 0..<count { to[i] = f(left[i], right[i]) }
        }
        for (index, operation) in operations.enumerated() {
            let to = register(index)
            switch operation {
            case .constant(let value): to.initialize(repeating: value)
            case .load(let axis, let values): load(to, start, axis, values)
            case .add(let a, let b): binary(to, a, b) { $0 + $1 }
            case .subtract(let a, let b): binary(to, a, b) { $0 - $1 }
            case .multiply(let a, let b): binary(to, a, b) { $0 * $1 }
            case .divide(let a, let b): binary(to, a, b) { $0 / $1 }
            case .modulo(let a, let b): binary(to, a, b) { $0 - $1 * ($0 / $1).rounded(.down) }
            case .power(let a, let b): binary(to, a, b) { pow($0, $1) }
            case .less(let a, let b): binary(to, a, b) { $0 < $1 ? 1 : 0 }
            case .lessOrEqual(let a, let b): binary(to, a, b) { $0 <= $1 ? 1 : 0 }
            case .equal(let a, let b): binary(to, a, b) { $0 == $1 ? 1 : 0 }
            // (To `!=` of Swift a NaN differs from everything; here no comparison with it holds.)
            case .notEqual(let a, let b): binary(to, a, b) { $0 < $1 || $0 > $1 ? 1 : 0 }
            case .and(let a, let b): binary(to, a, b) { $0 * $1 }
            case .or(let a, let b): binary(to, a, b) { max($0, $1) }
            // A NaN stays one in both, whichever side it is on.
            case .minimum(let a, let b): binary(to, a, b) { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
            case .maximum(let a, let b): binary(to, a, b) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
            case .not(let a): binary(to, a, a) { value, _ in 1 - value }
            case .negate(let a): binary(to, a, a) { value, _ in -value }
            case .function(let function, let a):
                let argument = register(a)
                for i in 0..<count { to[i] = function.apply(argument[i]) }
            case .select(let condition, let a, let b):
                let (test, yes, no) = (register(condition), register(a), register(b))
                for i in 0..<count { to[i] = test[i] != 0 ? yes[i] : no[i] }
            }
        }
        return UnsafeBufferPointer(register(result))
    }

    /// Spreads the values of a coordinate over the points from `start`: runs of equal values, without a division each.
    private func load(_ to: UnsafeMutableBufferPointer<Double>, _ start: Int, _ axis: Int, _ values: [Double]) {
        let stride = counts[(axis + 1)...].reduce(1, *)
        values.withUnsafeBufferPointer { values in
            var index = (start / stride) % values.count
            var left = stride - start % stride
            var i = 0
            while i < to.count {
                let end = min(i + left, to.count)
                let value = values[index]
                while i < end {
                    to[i] = value
                    i += 1
                }
                left = stride
                index += 1
                if index == values.count { index = 0 }
            }
        }
    }
}

/// Functions of one number.
enum ExpressionFunction: String, Sendable, Hashable, CaseIterable {
    case sqrt, cbrt, exp, expm1, log, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, erf
    case abs, sign, floor, ceil, round
    /// The nearest whole number when that is within rounding, else the number itself. Not callable by name: it makes
    /// integer parameters of expressions such as `0.1 * d` whole.
    case nearWhole

    func apply(_ x: Double) -> Double {
        switch self {
        case .sqrt: return x.squareRoot()
        case .cbrt: return Foundation.cbrt(x)
        case .exp: return Foundation.exp(x)
        case .expm1: return Foundation.expm1(x)
        case .log: return Foundation.log(x)
        case .log1p: return Foundation.log1p(x)
        case .log2: return Foundation.log2(x)
        case .log10: return Foundation.log10(x)
        case .sin: return Foundation.sin(x)
        case .cos: return Foundation.cos(x)
        case .tan: return Foundation.tan(x)
        case .asin: return Foundation.asin(x)
        case .acos: return Foundation.acos(x)
        case .atan: return Foundation.atan(x)
        case .sinh: return Foundation.sinh(x)
        case .cosh: return Foundation.cosh(x)
        case .tanh: return Foundation.tanh(x)
        case .erf: return Foundation.erf(x)
        case .abs: return Swift.abs(x)
        case .sign: return x > 0 ? 1 : x < 0 ? -1 : x
        case .floor: return x.rounded(.down)
        case .ceil: return x.rounded(.up)
        // Halves go to the even neighbour, as in Python and NumPy.
        case .round: return x.rounded(.toNearestOrEven)
        case .nearWhole:
            let whole = x.rounded()
            return Swift.abs(x - whole) <= 1e-9 * Swift.max(1, Swift.abs(x)) ? whole : x
        }
    }
}
