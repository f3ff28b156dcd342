import ArgumentParser
import Foundation
import Modeling
import Models
import Sweep

struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "Lists the models, or explains one: its parameters, methods and observables.")

    @Argument(help: "A model's name.")
    var name: String?

    func run() throws {
        guard let name else {
            for model in allModels { print(Columns.line([(model.name, 28)], rest: model.summary)) }
            return
        }
        guard let model = allModels.first(where: { $0.name == name }) else {
            let near = Nearest.suggestion(name, among: allModels.map(\.name))
            throw FatalUserError("there is no model '\(name)'\(near) ('dynsweep models' lists them)", code: .badInput)
        }
        print("\(model.name): \(model.summary)")
        for reference in model.references { print("  \(reference)") }
        print("\nParameters (name, symbol, values, default)")
        for parameter in model.parameters {
            print(
                Columns.line(
                    [
                        (parameter.name, 20), (parameter.symbol, 12), (parameter.kind.text, 26),
                        (parameter.defaultValue.text, 22),
                    ], rest: parameter.summary))
        }
        print("\nMethods")
        for method in model.methods {
            print(Columns.line([(method.name, 16), (method.kind.rawValue, 12)], rest: method.summary))
        }
        print("\nObservables (name, symbol, dimensions, methods)")
        var seen: Set<String> = []
        for observable in model.methods.flatMap(\.observables) where seen.insert(observable.name).inserted {
            let dimensions = (observable.isRecordedInTime ? ["time"] : []) + observable.dimensions.map(\.name)
            let methods = model.methods.filter { $0.observables.contains { $0.name == observable.name } }.map(\.name)
            let optional = observable.isRecordedByDefault ? "" : " (only when named in record.observables)"
            print(
                Columns.line(
                    [(observable.name, 24), (observable.symbol, 14), (dimensions.joined(separator: ", "), 14)],
                    rest: observable.longName + optional + " [" + methods.joined(separator: ", ") + "]"))
        }
    }
}

/// Text in columns.
enum Columns {
    /// Cells padded to their widths (a longer one pushes the next on), then the rest of the line.
    static func line(_ cells: [(text: String, width: Int)], rest: String) -> String {
        var line = "  "
        for cell in cells {
            line += cell.text + String(repeating: " ", count: max(1, cell.width - cell.text.count))
        }
        return line + rest
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
        case .required: return "(required)"
        case .derived(let how): return "= \(how)"
        case .value(let value): return value.text
        }
    }
}

extension ParameterValue {
    /// The value as it would stand in a job file.
    var text: String {
        switch self {
        case .integer(let value): return String(value)
        case .real(let value): return value.short
        case .text(let value): return value
        case .flag(let value): return String(value)
        case .array(let value): return "array of shape \(value.shape)"
        }
    }
}

extension Double {
    /// Whole numbers without the point.
    var short: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : String(self) }
}
