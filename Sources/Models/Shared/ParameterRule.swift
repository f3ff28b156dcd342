import Modeling

/// A condition that ties parameters together: a constraint of the job check, and the parameter that an error of a run made
/// without a job points at.
struct ParameterRule: Sendable {
    let name: String
    let constraint: Constraint

    init(_ name: String, _ others: [String], _ violation: @escaping @Sendable (ParameterPoint) -> String?) {
        self.name = name
        self.constraint = Constraint([name] + others, violation: violation)
    }
}
