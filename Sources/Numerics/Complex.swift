/// A complex number in double precision, for spectral curves. Products and quotients are the plain formulas: magnitudes
/// must stay between 1e-150 and 1e150.
public struct Complex: Sendable, Hashable {
    public var real: Double
    public var imaginary: Double

    @inlinable
    public init(_ real: Double, _ imaginary: Double = 0) {
        self.real = real
        self.imaginary = imaginary
    }

    /// |z|^2.
    @inlinable public var squaredMagnitude: Double { real * real + imaginary * imaginary }
    /// |z|.
    @inlinable public var magnitude: Double { squaredMagnitude.squareRoot() }
    @inlinable public var conjugate: Complex { Complex(real, -imaginary) }
    @inlinable public var isFinite: Bool { real.isFinite && imaginary.isFinite }

    @inlinable public static func + (a: Complex, b: Complex) -> Complex {
        Complex(a.real + b.real, a.imaginary + b.imaginary)
    }
    @inlinable public static func - (a: Complex, b: Complex) -> Complex {
        Complex(a.real - b.real, a.imaginary - b.imaginary)
    }
    @inlinable public static func * (a: Complex, b: Complex) -> Complex {
        Complex(a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
    }
    @inlinable public static func / (a: Complex, b: Complex) -> Complex {
        let scale = 1 / b.squaredMagnitude
        return Complex(
            (a.real * b.real + a.imaginary * b.imaginary) * scale, (a.imaginary * b.real - a.real * b.imaginary) * scale
        )
    }
    @inlinable public static func + (a: Complex, b: Double) -> Complex { Complex(a.real + b, a.imaginary) }
    @inlinable public static func + (a: Double, b: Complex) -> Complex { Complex(a + b.real, b.imaginary) }
    @inlinable public static func - (a: Double, b: Complex) -> Complex { Complex(a - b.real, -b.imaginary) }
    @inlinable public static func - (a: Complex, b: Double) -> Complex { Complex(a.real - b, a.imaginary) }
    @inlinable public static func * (a: Double, b: Complex) -> Complex { Complex(a * b.real, a * b.imaginary) }
    @inlinable public static func / (a: Double, b: Complex) -> Complex { (a / b.squaredMagnitude) * b.conjugate }
}
