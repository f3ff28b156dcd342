import ArgumentParser
import Coordinator
import Foundation
import Modeling
import Sweep

struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "Lists the models, or explains one: its parameters, methods and observables.")

    @Argument(help: "A model's name.")
    var name: String?

    func run() throws {
        guard let name else {
            var table = TextTable(["model", "what it is"], endsInText: true)
            for model in allModels { table.add([model.name, model.summary]) }
            table.print()
            return
        }
        guard let model = allModels.first(where: { $0.name == name }) else {
            let near = Nearest.suggestion(name, among: allModels.map(\.name))
            throw FatalUserError("there is no model '\(name)'\(near) ('dynsweep models' lists them)", code: .badInput)
        }
        print("\(model.name): \(model.summary)")
        for reference in model.references { print("  \(reference)") }
        print("\nParameters")
        for parameter in model.parameters {
            let symbol = parameter.symbol == parameter.name ? "" : " (\(parameter.symbol))"
            let typical = parameter.typical.map { ", say \($0.text)" } ?? ""
            print("  \(parameter.name)\(symbol): \(parameter.defaultValue.text)\(typical)")
            Text.wrapped(parameter.summary + " [" + parameter.kind.text + "]", width: 100)
                .forEach { print("      \($0)") }
        }
        print("\nMethods")
        for method in model.methods { print("  \(method.name) (\(method.kind.rawValue)): \(method.summary)") }
        print("\nObservables")
        var seen: Set<String> = []
        for observable in model.methods.flatMap(\.observables) where seen.insert(observable.name).inserted {
            let dimensions = (observable.isRecordedInTime ? ["time"] : []) + observable.dimensions.map(\.name)
            let methods = model.methods.filter { $0.observables.contains { $0.name == observable.name } }.map(\.name)
            let optional =
                observable.isKernel
                ? "; a kernel, only with record: {kernels: true} or when named in record.observables"
                : observable.isRecordedByDefault ? "" : "; only when named in record.observables"
            let place = dimensions.isEmpty ? "" : " over " + dimensions.joined(separator: ", ")
            print("  \(observable.name)\(place): \(methods.joined(separator: ", "))\(optional)")
            Text.wrapped(observable.longName, width: 100).forEach { print("      \($0)") }
        }
    }
}

extension ParameterKind {
    /// The allowed values, as text.
    var text: String {
        switch self {
        case .integer(let range):
            return range.upperBound == .max
                ? "integer >= \(range.lowerBound)" : "integer \(range.lowerBound)..\(range.upperBound)"
        case .real(let range): return range.text
        case .choice(let names): return names.joined(separator: " | ")
        case .flag: return "true | false"
        case .array(let dimensions):
            return dimensions.lowerBound == dimensions.upperBound
                ? "array, \(dimensions.lowerBound)-dim"
                : "array, \(dimensions.lowerBound)- to \(dimensions.upperBound)-dim"
        }
    }
}

extension RealRange {
    /// The interval, as text.
    var text: String {
        if lower == -.infinity && upper == .infinity { return "number" }
        if upper == .infinity { return "number \(includesLower ? ">=" : ">") \(lower.short)" }
        if lower == -.infinity { return "number \(includesUpper ? "<=" : "<") \(upper.short)" }
        return "number in \(includesLower ? "[" : "(")\(lower.short), \(upper.short)\(includesUpper ? "]" : ")")"
    }
}

extension DefaultValue {
    /// The default, as text.
    var text: String {
        switch self {
        case .required: return "required"
        case .derived(let how): return "default: \(how)"
        case .value(let value): return "default \(value.text)"
        }
    }
}

extension Double {
    /// Whole numbers without the point.
    var short: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : String(self) }
}
