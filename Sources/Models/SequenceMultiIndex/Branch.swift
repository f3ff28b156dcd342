import ModelKit
import Modeling

/// A point of the branch on which only the last layer is learned (26).
struct BranchPoint: Sendable {
    let alpha: Double
    let alphaError: Double
    /// F_kk of the layers that are not learned, and E sum g^2 of the last.
    let responses: Responses
    /// alpha F_kk; of the last layer alpha E sum g^2 (1-q)/q = 1.
    let growth: [Double]

    /// At q = (0, ..., 0, q_last).
    ///
    /// - Throws: ``ModelError/notConverged(_:)`` when noise makes E sum g^2 nothing.
    init(_ expectations: inout Expectations, _ q: [Double]) throws {
        let last = q.count - 1
        let responses = try expectations.growth(q: q)
        let (response, error) = (responses.means[last], responses.errors[last])
        guard response > 0 else {
            throw ModelError.notConverged("E g^2 of the last layer is \(response): give more mc_samples or draws")
        }
        let ratio = q[last] / (1 - q[last])
        let alpha = ratio / response
        (self.alpha, self.responses) = (alpha, responses)
        alphaError = alpha * error / response
        growth = responses.means.indices.map { k in responses.means[k] * alpha / (k == last ? ratio : 1) }
    }
}

/// Method `branch`: alpha = q/(1-q)/E sum g_p^2 at a given overlap of the last layer.
func branch(_ request: RunRequest, _ parameters: Parameters) throws -> ClosedForm {
    let q = Array(repeating: 0, count: parameters.p - 1) + [parameters.lastOverlap]
    return ClosedForm { sink in
        var expectations = try Expectations(request, parameters)
        let point = try BranchPoint(&expectations, q)
        sink.put(.alphaBranch, point.alpha)
        sink.put(.alphaBranchError, point.alphaError)
        try sink.put(.branchF, point.responses.means)
        try sink.put(.FError, point.responses.errors)
        try sink.put(.growth, point.growth)
        var generalisation = Generalisation(request, parameters)
        try Overlaps(bayesian: q).putError(&generalisation, into: &sink)
    }
}
