import Testing

/// A job with mistakes, and the whole answer to it.
struct BadJob: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let overrides: [String]
    let answer: String

    init(_ name: String, _ text: String, set overrides: [String] = [], _ answer: String) {
        self.name = name
        self.text = text
        self.overrides = overrides
        self.answer = answer
    }

    var testDescription: String { name }

    static let all = structure + values + rest

    /// A job without mistakes.
    static let base = "model: toy\nmethods: [sgd]\nparameters: {d: 100, step_size: 0.1}\nrecord: {times: [1, 10]}\n"

    /// A job with lines after its parameters (from line 6).
    static func adding(
        _ lines: String, methods: String = "[sgd]", record: String = "record: {times: [1, 10]}\n"
    ) -> String {
        "model: toy\nmethods: \(methods)\nparameters:\n  d: 100\n  step_size: 0.1\n\(lines)\n\(record)"
    }

    /// A job with these parameters (from line 4).
    static func having(_ parameters: String) -> String {
        "model: toy\nmethods: [sgd]\nparameters:\n\(parameters)\nrecord: {times: [1, 10]}\n"
    }
}
