import Foundation
import Numerics
import Testing

@Suite struct QuadratureTests {
    @Test("Gauss-Legendre is exact to degree 2n-1 and not beyond", arguments: [1, 2, 3, 5, 8])
    func legendreDegree(count: Int) {
        let rule = GaussLegendre(count: count, from: -1, to: 3)
        func moment(_ degree: Int) -> Double {
            zip(rule.nodes, rule.weights).reduce(0) { $0 + $1.1 * pow($1.0, Double(degree)) }
        }
        func exact(_ degree: Int) -> Double {
            (pow(3, Double(degree + 1)) - pow(-1, Double(degree + 1))) / Double(degree + 1)
        }
        for degree in 0..<2 * count { #expect(abs(moment(degree) / exact(degree) - 1) < 4e-15) }
        #expect(abs(moment(2 * count) / exact(2 * count) - 1) > 1e-7)
    }

    @Test("large Gauss-Legendre rules integrate exp and cos to rounding", arguments: [64, 120, 121, 1000])
    func legendreLarge(count: Int) {
        let rule = GaussLegendre(count: count, from: 0, to: 12)
        #expect(rule.nodes == rule.nodes.sorted() && rule.nodes.first ?? 0 > 0 && rule.nodes.last ?? 12 < 12)
        let pairs = zip(rule.nodes, rule.weights)
        #expect(abs(pairs.reduce(0) { $0 + $1.1 * exp(-$1.0) } - (1 - exp(-12))) < 1e-14)
        #expect(abs(pairs.reduce(0) { $0 + $1.1 * cos(3 * $1.0) } - sin(36) / 3) < 2e-14)
    }

    @Test("Gauss-Hermite reproduces the Gaussian moments (2k-1)!!", arguments: [1, 2, 5, 20, 64, 200])
    func hermiteMoments(count: Int) {
        let rule = GaussHermite(count: count)
        var exact = 1.0
        for k in 0..<min(count, 12) {
            if k > 0 { exact *= Double(2 * k - 1) }
            let even = zip(rule.nodes, rule.weights).reduce(0) { $0 + $1.1 * pow($1.0, Double(2 * k)) }
            let odd = zip(rule.nodes, rule.weights).reduce(0) { $0 + $1.1 * pow($1.0, Double(2 * k + 1)) }
            #expect(abs(even / exact - 1) < 2e-13, "moment \(2 * k)")
            #expect(abs(odd) < 1e-13 * exact)
        }
    }

    @Test("five-point Gauss-Hermite nodes and weights have their closed forms")
    func hermiteFive() {
        let rule = GaussHermite(count: 5)
        let root = 10.0.squareRoot()
        let (inner, outer) = ((5 - root).squareRoot(), (5 + root).squareRoot())
        let (atInner, atOuter) = ((7 + 2 * root) / 60, (7 - 2 * root) / 60)
        let nodes = [-outer, -inner, 0, inner, outer]
        let weights = [atOuter, atInner, 8.0 / 15, atInner, atOuter]
        for i in 0..<5 {
            #expect(abs(rule.nodes[i] - nodes[i]) < 1e-14)
            #expect(abs(rule.weights[i] / weights[i] - 1) < 1e-13)
        }
    }

    @Test("the characteristic function of a normal, by both shared rules")
    func characteristic() {
        for t in [0.5, 1.0, 3.0] {
            #expect(abs(GaussianRule.smooth.mean { cos(t * $0) } - exp(-t * t / 2)) < 1e-13)
            #expect(abs(GaussianRule.kinkAtZero.mean { cos(t * $0) } - exp(-t * t / 2)) < 1e-13)
        }
    }

    @Test("means of functions with a kink or a jump are exact to 1e-12 when split there")
    func kinks() {
        let relu = GaussianRule.kinkAtZero.mean { max($0, 0) }
        #expect(abs(relu - 1 / (2 * .pi).squareRoot()) < 1e-14)
        let a = 0.7
        let shifted = GaussianRule(kinks: [a]).mean { max($0 - a, 0) }
        #expect(abs(shifted - (normalDensity(a) - a * normalCDF(-a))) < 1e-14)
        let box = GaussianRule(kinks: [-1, 2, 40, .nan]).mean { $0 > -1 && $0 < 2 ? 1 : 0 }
        #expect(abs(box - (normalCDF(2) - normalCDF(-1))) < 1e-14)
        // What the split is for:
        #expect(abs(GaussianRule.smooth.mean { max($0, 0) } - relu) > 1e-4)
    }

    @Test("an empty rule for a count below one")
    func empty() {
        #expect(GaussLegendre(count: 0).nodes.isEmpty && GaussLegendre(count: -3).nodes.isEmpty)
        #expect(GaussHermite(count: 0).nodes.isEmpty && GaussHermite(count: -3).weights.isEmpty)
    }
}
