import Modeling

// What a method reads of a point, and what follows from it.

extension TaskHarness {
    /// The parameters that the result of a method is a function of at a point: those of its task's name.
    public func read(_ method: String, _ values: Given, unit: TimeUnit = .steps) throws -> Set<String> {
        Set(try prepare(method, values, unit: unit).readings.map(\.name))
    }

    /// The parameters that a method looks at, given or not: those that make the axes of its grid.
    public func touched(_ method: String, _ values: Given, unit: TimeUnit = .steps) throws -> Set<String> {
        Set(try prepare(method, values, unit: unit).touched)
    }

    /// The parameters that one of two points is read with and the other is not, or with another value: none when their
    /// tasks are the same. An error stands among them as its text.
    public func differences(
        _ method: String, _ one: Given, _ other: Given, unit: TimeUnit = .steps
    ) -> Set<String> {
        orError {
            let its = Set(try prepare(method, one, unit: unit).readings)
            return Set(its.symmetricDifference(try prepare(method, other, unit: unit).readings).map(\.name))
        }
    }

    /// The parameters whose reading changes when what was read at a point is written down, each alone and all together:
    /// none should, since a task with its defaults written down is the same task. An error stands among them as its text.
    public func changedByWritingDown(_ method: String, _ values: Given, unit: TimeUnit = .steps) -> Set<String> {
        orError {
            let written = try prepare(method, values, unit: unit).readings.map { ($0.name, $0.value) }
            let points = written.map { [$0: $1] } + [Dictionary(uniqueKeysWithValues: written)]
            return points.reduce(into: []) { $0.formUnion(differences(method, values, values.with($1), unit: unit)) }
        }
    }

    /// What `body` finds wrong, and what it throws.
    func orError(_ body: () throws -> Set<String>) -> Set<String> {
        do { return try body() } catch { return ["\(error)"] }
    }
}

/// A point that a method refuses.
public struct Refusal: Sendable, CustomStringConvertible {
    /// The method's name.
    public let method: String
    /// What is given.
    public let values: Given
    /// The parameter that the answer must name.
    public let parameter: String
    /// A part of what it must say; empty: anything.
    public let words: String

    /// Arguments as the properties.
    public init(_ method: String, _ values: Given, _ parameter: String, _ words: String = "") {
        (self.method, self.values, self.parameter, self.words) = (method, values, parameter, words)
    }

    public var description: String { "\(method): \(parameter) \(words)" }
}

extension TaskHarness {
    /// What is wrong with a model's answer to a point that it must refuse; nil when it refuses it, naming the parameter
    /// with these words, before anything runs.
    public func wrongAnswer(to refusal: Refusal) -> String? {
        do {
            _ = try prepare(refusal.method, refusal.values)
            return "is accepted"
        } catch {
            let (name, text): (String, String) =
                switch error {
                case ModelError.parameter(let name, let text), ModelError.conflict(let name, let text): (name, text)
                case ModelError.needed(let name): (name, "\(error)")
                default: ("", "\(error)")
                }
            let isRight = name == refusal.parameter && (refusal.words.isEmpty || text.contains(refusal.words))
            return isRight ? nil : "names '\(name)' and says '\(text)'"
        }
    }
}
