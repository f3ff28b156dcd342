import Foundation

/// Collects the moments of draws and how their probabilities fill the unit interval.
struct DistributionCheck {
    private(set) var count = 0
    private var powers: [Double]
    // Probabilities are counted in 2^20 cells, so the Kolmogorov-Smirnov distance is exact to 1e-6.
    private var cells = [Int32](repeating: 0, count: 1 << 20)

    init(order: Int) { powers = [Double](repeating: 0, count: order + 1) }

    /// Takes the draw `x` whose distribution function is `probability`.
    mutating func add(_ x: Double, probability: Double) {
        count += 1
        var power = 1.0
        for k in powers.indices {
            powers[k] += power
            power *= x
        }
        cells[min(Int(probability * 0x1p20), cells.count - 1)] += 1
    }

    /// The mean of `x^k`.
    func moment(_ k: Int) -> Double { powers[k] / Double(count) }

    /// `sqrt(n)` times the largest distance of the distribution functions: 1.95 is exceeded once in 1000 samples.
    var kolmogorovSmirnov: Double {
        var below = 0
        var largest = 0.0
        for (i, cell) in cells.enumerated() {
            below += Int(cell)
            largest = max(largest, abs(Double(below) / Double(count) - Double(i + 1) * 0x1p-20))
        }
        return largest * Double(count).squareRoot()
    }
}
