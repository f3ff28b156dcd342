import Foundation

/// A polynomial of the teacher's fields as a sum of products of probabilists' Hermite polynomials,
/// sum over terms of b prod_l He_{k_l}(z_l). Every scalar target (2) is one, and in this form
/// conditional means given a correlated Gaussian are exact.
struct HermiteExpansion: Sendable {
    struct Factor: Hashable, Sendable {
        var token: Int
        /// k >= 1.
        var degree: Int
    }

    struct Term: Sendable {
        var coefficient: Double
        /// At most one factor a token, in increasing order of tokens.
        var factors: [Factor]

        var degree: Int { factors.reduce(0) { $0 + $1.degree } }
    }

    private(set) var terms: [Term]

    /// Adds up equal products and drops those that cancel.
    init(_ terms: [Term]) {
        var sums: [[Factor]: Double] = [:]
        var order: [[Factor]] = []
        for term in terms {
            if sums[term.factors] == nil { order.append(term.factors) }
            sums[term.factors, default: 0] += term.coefficient
        }
        self.terms = order.compactMap { factors in
            guard let sum = sums[factors], sum != 0 else { return nil }
            return Term(coefficient: sum, factors: factors)
        }
    }

    /// The target g, (2).
    init(_ parameters: Parameters) {
        let L = parameters.L
        let rootL = Double(L).squareRoot()
        func all(_ degree: Int, _ coefficient: Double) -> [Term] {
            (0..<L).map { Term(coefficient: coefficient, factors: [Factor(token: $0, degree: degree)]) }
        }
        func product(_ coefficient: Double, _ degrees: [Int]) -> Term {
            let factors = degrees.enumerated().compactMap { $1 > 0 ? Factor(token: $0, degree: $1) : nil }
            return Term(coefficient: coefficient, factors: factors)
        }
        switch parameters.target {
        case .sum: self.init(all(1, 1))
        case .inverseSqrtSum: self.init(all(1, 1 / rootL))
        case .sqrtZ1: self.init([product(rootL, [1])])
        case .difference2: self.init([product(1, [1]), product(-1, [0, 1])])
        case .product2: self.init([product(1, [1, 1])])
        case .squareDifference2: self.init([product(0.5.squareRoot(), [2]), product(-0.5.squareRoot(), [0, 2])])
        case .H2sum: self.init(all(2, 0.5.squareRoot()))
        case .inverseSqrtH2sum: self.init(all(2, 0.5.squareRoot() / rootL))
        case .H3sum: self.init(all(3, (1.0 / 6).squareRoot() / rootL))
        case .sqrtDoubleStaircase:
            self.init([product(rootL, [1]), product(rootL, [1, 1]), product(rootL, [1, 1, 1])])
        case .hermite:
            let rows = parameters.hermiteTerms
            self.init(
                stride(from: 0, to: rows.count, by: L + 1).map { start in
                    product(rows[start], rows[(start + 1)..<(start + L + 1)].map { Int($0) })
                })
        case .positionalSemantic: self.init([])
        }
    }

    var degree: Int { terms.map(\.degree).max() ?? 0 }

    /// E g, the constant term.
    var mean: Double { terms.first { $0.factors.isEmpty }?.coefficient ?? 0 }

    /// The square, by He_a He_b = sum_r r! C(a,r) C(b,r) He_{a+b-2r}.
    func squared() -> HermiteExpansion {
        var result: [Term] = []
        for (i, left) in terms.enumerated() {
            for (j, right) in terms.enumerated() where j >= i {
                var partial = [Term(coefficient: left.coefficient * right.coefficient * (i == j ? 1 : 2), factors: [])]
                var (p, q) = (left.factors[...], right.factors[...])
                while let next = [p.first?.token, q.first?.token].compactMap({ $0 }).min() {
                    let a = p.first?.token == next ? p.removeFirst().degree : 0
                    let b = q.first?.token == next ? q.removeFirst().degree : 0
                    partial = partial.flatMap { term in
                        (0...min(a, b)).map { r in
                            let weight = factorial(r) * binomial(a, r) * binomial(b, r)
                            let degree = a + b - 2 * r
                            return Term(
                                coefficient: term.coefficient * weight,
                                factors: term.factors + (degree > 0 ? [Factor(token: next, degree: degree)] : []))
                        }
                    }
                }
                result += partial
            }
        }
        return HermiteExpansion(result)
    }

    /// The terms grouped into parts that share no token (the constant is a part of its own): a sum over tokens falls
    /// into L parts, whose products have independent factors.
    func parts() -> [HermiteExpansion] {
        var groupOfToken: [Int: Int] = [:]
        var groups: [[Term]] = []
        for term in terms {
            let touched = Set(term.factors.compactMap { groupOfToken[$0.token] }).sorted()
            let home: Int
            if let first = touched.first {
                home = first
                for other in touched.dropFirst() {
                    groups[home] += groups[other]
                    groups[other] = []
                    for (token, group) in groupOfToken where group == other { groupOfToken[token] = home }
                }
            } else {
                home = groups.count
                groups.append([])
            }
            groups[home].append(term)
            for factor in term.factors { groupOfToken[factor.token] = home }
        }
        return groups.filter { !$0.isEmpty }.map(HermiteExpansion.init)
    }

    /// The coefficients c_k of E[g(z*) | h] = sum_k c_k He_k(h) for h standard normal with Cov(z*, h) = a: each
    /// product contributes b prod_l a_l^{k_l} at k = sum_l k_l.
    func conditional(on a: [Double], into coefficients: inout [Double]) {
        for term in terms {
            var value = term.coefficient
            for factor in term.factors { value *= power(a[factor.token], factor.degree) }
            coefficients[term.degree] += value
        }
    }

    // MARK: Information exponent and Hermite tensors, (4)

    /// SIE(g), the lowest degree k >= 1 with a nonzero Hermite tensor; nil for a constant.
    var informationExponent: Int? { terms.map(\.degree).filter { $0 >= 1 }.min() }

    /// The sum of all entries of C_k(g) = E[grad^k g]: <C_k, (1,...,1)^k>.
    func tensorSum(_ k: Int) -> Double {
        terms.filter { $0.degree == k }.reduce(0) { $0 + $1.coefficient } * factorial(k)
    }

    /// The largest of sign <C_k(g), u^k> over unit vectors u; for odd k, or a tensor of either sign, this is the
    /// operator norm of C_k. Exact for k = 1; shifted power iteration from every token's axis and every term's
    /// diagonal otherwise (converged to rounding; for k >= 3 a local maximum that none of these starts reaches is missed).
    func tensorNorm(_ k: Int, L: Int, sign: Double = 1) -> Double {
        let part = terms.filter { $0.degree == k }
        guard !part.isEmpty else { return 0 }
        let scale = factorial(k) * sign
        if k == 1 { return part.reduce(0) { $0 + $1.coefficient * $1.coefficient }.squareRoot() }
        var tokens: [Int: Int] = [:]
        for factor in part.flatMap(\.factors) where tokens[factor.token] == nil { tokens[factor.token] = tokens.count }
        let n = tokens.count
        let local = part.map { term in
            (term.coefficient * scale, term.factors.map { (tokens[$0.token] ?? 0, $0.degree) })
        }
        func value(_ u: [Double]) -> Double {
            local.reduce(0) { sum, term in sum + term.1.reduce(term.0) { $0 * power(u[$1.0], $1.1) } }
        }
        func gradient(_ u: [Double]) -> [Double] {
            var g = [Double](repeating: 0, count: n)
            for (b, factors) in local {
                for (i, degree) in factors {
                    var v = b * Double(degree) * power(u[i], degree - 1)
                    for (j, other) in factors where j != i { v *= power(u[j], other) }
                    g[i] += v
                }
            }
            return g
        }
        // The shift makes the iteration monotone (Kolda and Mayo 2011): it exceeds the norm of the Hessian.
        let shift = Double(k) * local.reduce(0) { $0 + abs($1.0) } + 1e-300
        var starts: [[Double]] = n <= 64 ? (0..<n).map { i in (0..<n).map { $0 == i ? 1 : 0 } } : []
        for (b, factors) in local.prefix(64) {
            var u = [Double](repeating: 0, count: n)
            for (index, factor) in factors.enumerated() { u[factor.0] = index == 0 && b < 0 ? -1 : 1 }
            starts.append(u)
        }
        // A fixed direction without symmetry, and the diagonal.
        starts.append((0..<n).map { 1 + 0.5 * cos(1.7 * Double($0) + 0.3) })
        starts.append((0..<n).map { cos(2.9 * Double($0) + 1.1) })
        starts.append(Array(repeating: 1, count: n))
        var best = -Double.infinity
        for start in starts {
            var u = normalised(start)
            var current = value(u)
            for _ in 0..<20_000 {
                let g = gradient(u)
                u = normalised(zip(u, g).map { shift * $0 + $1 })
                let next = value(u)
                if next - current <= 1e-16 * shift { break }
                current = next
            }
            best = max(best, value(u))
        }
        return best
    }

    /// True when relabelling the tokens leaves g as it is: then the untied dynamics from equal overlaps stays equal.
    func isSymmetric(L: Int) -> Bool {
        var touching: [Int: [Term]] = [:]
        for term in terms { for factor in term.factors { touching[factor.token, default: []].append(term) } }
        let coefficients = Dictionary(uniqueKeysWithValues: terms.map { ($0.factors, $0.coefficient) })
        // The transpositions (0, l) generate all permutations.
        return (1..<max(L, 1)).allSatisfy { l in
            ((touching[0] ?? []) + (touching[l] ?? [])).allSatisfy { term in
                let swapped = term.factors.map { factor in
                    Factor(token: factor.token == 0 ? l : factor.token == l ? 0 : factor.token, degree: factor.degree)
                }
                let other = coefficients[swapped.sorted { $0.token < $1.token }] ?? .nan
                return abs(other - term.coefficient) <= 1e-12 * abs(term.coefficient)
            }
        }
    }
}

/// x^k for small whole k.
@inline(__always)
func power(_ x: Double, _ k: Int) -> Double {
    var result = 1.0
    for _ in 0..<k { result *= x }
    return result
}

func factorial(_ k: Int) -> Double { (1...max(k, 1)).reduce(1.0) { $0 * Double($1) } }

func binomial(_ n: Int, _ k: Int) -> Double {
    (0..<k).reduce(1.0) { $0 * Double(n - $1) / Double($1 + 1) }
}

private func normalised(_ u: [Double]) -> [Double] {
    let norm = u.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return u.map { $0 / max(norm, 1e-300) }
}
