import Foundation
import ModelTesting
import Modeling
import MultiIndexWeakRecovery
import Numerics

let harness = TaskHarness(MultiIndexWeakRecovery(), salt: 0x4D49_5700)

/// A grid point of `link` at `alpha`, with more on top.
func point(_ link: String, _ alpha: Double, _ more: Given = [:]) -> Given {
    Given(dictionaryLiteral: ("link", .text(link)), ("alpha", .real(alpha))).with(more)
}

/// diag(...) as M0.
func diagonal(_ values: [Double]) -> Given { ["M0": vector(values)] }

/// The random covariance I - M of an overlap matrix with eigenvalues up to `top`.
func randomCovariance(_ p: Int, top: Double, _ random: inout RandomStream) -> [Double] {
    let a = (0..<p * p).map { _ in random.normal() }
    let gram = SmallMatrix.product(a, SmallMatrix.transpose(a, p, p), p, p, p)
    let largest = (try? LAPACK.symmetricEigen(p, gram).values.last) ?? 1
    return (0..<p * p).map { ($0 % (p + 1) == 0 ? 1 : 0) - top * gram[$0] / largest }
}

/// Two independent Gaussian vectors of p entries, with zeros up to three, of covariances F F^T and G G^T; F and G are lower
/// triangular.
func gaussianPair(_ F: [Double], _ G: [Double], _ p: Int, _ random: inout RandomStream) -> (w: [Double], z: [Double]) {
    var (w, z) = ([0.0, 0, 0], [0.0, 0, 0])
    let xi = (0..<2 * p).map { _ in random.normal() }
    for i in 0..<p {
        for j in 0...i {
            w[i] += F[i * p + j] * xi[j]
            z[i] += G[i * p + j] * xi[p + j]
        }
    }
    return (w, z)
}
