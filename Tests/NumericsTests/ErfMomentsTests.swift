import Numerics
import Testing

/// Gaussian means of erf and its square against quadrature with 30 digits.
@Suite struct ErfMomentsTests {
    private static let references:
        [(t: Double, c: Double, zeta: Double, variance: Double, A0: Double, A1: Double, zeta1: Double)] = [
            (
                0.7, 0.3, 0.45191839707209236, 0.04503456970328945, 0.63787446050833773, 0.6857588669918627,
                0.77554334344613863
            ),
            (
                -1.5, 0.5, 0.85708123541438977, 0.016677289006275909, -0.9167354833364496, 0.20557377307169237,
                -0.32041905718592098
            ),
            (
                0.02, 4.0, 0.84287846719833886, 0.84286303411644809, 0.0039284961360265165, 0.19642321953529032,
                0.00019142303629219531
            ),
            (
                4.5, 1.0, 0.99956170231249062, 3.8772308026445125e-5, 0.99976143654597129, 0.00076279296513934154,
                0.0013724960573476747
            ),
        ]

    @Test(arguments: references.indices) func meansAgreeWithQuadrature(index: Int) {
        let expected = Self.references[index]
        let found = ErfMoments(t: expected.t, c: expected.c)
        for (value, reference, tolerance) in [
            (found.zeta, expected.zeta, 2e-15), (found.variance, expected.variance, 3e-14),
            (found.A0, expected.A0, 2e-15), (found.A1, expected.A1, 4e-15), (found.zeta1, expected.zeta1, 4e-15),
        ] {
            #expect(abs(value - reference) <= tolerance * abs(reference))
        }
    }

    @Test(arguments: [0.01, 0.1, 1, 10]) func atZeroTheMeanSquareIsAnArcsine(c: Double) {
        let found = ErfMoments(t: 0, c: c).zeta
        #expect(abs(found - ErfMoments.zetaAtZero(c)) <= 4e-15 * found)
    }
}
