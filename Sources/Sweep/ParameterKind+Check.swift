import Modeling

extension ParameterKind {
    /// What a value has to be, to follow "must be": `an integer >= 1`, `one of tied, untied`.
    public var expectation: String {
        switch self {
        case .integer(let range):
            switch (range.lowerBound == .min, range.upperBound == .max) {
            case (true, true): return "an integer"
            case (false, true): return "an integer >= \(range.lowerBound)"
            case (true, false): return "an integer <= \(range.upperBound)"
            case (false, false): return "an integer from \(range.lowerBound) to \(range.upperBound)"
            }
        case .real(let range):
            let lower = ScalarText.format(range.lower)
            let upper = ScalarText.format(range.upper)
            switch (range.lower == -.infinity, range.upper == .infinity) {
            case (true, true): return "a number"
            case (false, true): return "a number \(range.includesLower ? ">=" : ">") \(lower)"
            case (true, false): return "a number \(range.includesUpper ? "<=" : "<") \(upper)"
            case (false, false):
                return
                    "a number in \(range.includesLower ? "[" : "(")\(lower), \(upper)\(range.includesUpper ? "]" : ")")"
            }
        case .choice(let choices): return "one of " + choices.joined(separator: ", ")
        case .flag: return "true or false"
        case .array(let dimensions):
            let numbers =
                dimensions.count == 1
                ? "\(dimensions.lowerBound)" : "\(dimensions.lowerBound) to \(dimensions.upperBound)"
            return "an array of \(numbers) dimension\(dimensions == 1...1 ? "" : "s")"
        }
    }

    /// Nil when `value` is of this kind and in its range; else the value as text.
    func problem(with value: ParameterValue) -> String? {
        switch (self, value) {
        case (.integer(let range), .integer(let value)): return range.contains(value) ? nil : "\(value)"
        case (.real(let range), .real(let value)):
            return value.isFinite && range.contains(value) ? nil : ScalarText.format(value)
        case (.choice(let choices), .text(let value)): return choices.contains(value) ? nil : "'\(value)'"
        case (.flag, .flag): return nil
        case (.array(let dimensions), .array(let value)):
            return dimensions.contains(value.shape.count) ? nil : "\(value.shape.count)"
        default: return value.text
        }
    }
}

extension ParameterValue {
    /// The value as a user writes it in a job.
    public var text: String {
        switch self {
        case .integer(let value): return String(value)
        case .real(let value): return ScalarText.format(value)
        case .text(let value): return value
        case .flag(let value): return value ? "true" : "false"
        case .array(let value):
            if value.elements.count > 12 {
                return "an array of " + value.shape.map(String.init).joined(separator: " x ") + " numbers"
            }
            return Self.nested(value.elements[...], value.shape[...])
        }
    }

    static func nested(_ elements: ArraySlice<Double>, _ shape: ArraySlice<Int>) -> String {
        guard let count = shape.first, count > 0, shape.count > 1 else {
            return "[" + elements.map(ScalarText.format).joined(separator: ", ") + "]"
        }
        let width = elements.count / count
        let rows = (0..<count).map { row in
            nested(
                elements[(elements.startIndex + row * width)..<(elements.startIndex + (row + 1) * width)],
                shape.dropFirst())
        }
        return "[" + rows.joined(separator: ", ") + "]"
    }
}
