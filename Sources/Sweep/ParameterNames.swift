import Modeling

/// Parameter names of a model, with the symbols and aliases that mean the same.
struct ParameterNames: Sendable {
    private var specs: [String: ParameterSpec] = [:]
    /// The names of keys by those of all parameters that give their values.
    private var keys: [String: String] = [:]
    /// Canonical names in the model's order, then other spellings.
    let all: [String]
    /// The model's name.
    let model: String

    init(_ model: any Model) {
        self.model = model.name
        let parameters = model.parameters
        for key in model.keys {
            for spec in key.specs { keys[spec.name] = key.specs[0].name }
        }
        var others: [String] = []
        // A canonical name is never shadowed by another parameter's symbol.
        for spec in parameters { specs[spec.name] = spec }
        for spec in parameters {
            for other in [spec.symbol] + spec.aliases where specs[other] == nil {
                specs[other] = spec
                others.append(other)
            }
        }
        all = parameters.map(\.name) + others
    }

    func spec(_ name: String) -> ParameterSpec? { specs[name] }

    /// What a parameter gives: another one gives the same when they share it (`noise_std` and `noise`).
    func key(of spec: ParameterSpec) -> String { keys[spec.name] ?? spec.name }
}
