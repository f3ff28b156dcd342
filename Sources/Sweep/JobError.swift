import Foundation

/// Where in a job something stands.
public enum SourceLocation: Sendable, Hashable {
    /// Line and column of the job file, both from 1; columns count Unicode scalars.
    case file(line: Int, column: Int)
    /// In a `--set KEY=VALUE` argument, given without the option's name.
    case override(String)
    /// The job as a whole.
    case job
}

/// One mistake in a job: where it is, what is wrong, and what to do.
public struct JobError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The job file as the user named it.
    public let path: String
    public let location: SourceLocation
    public let message: String
    /// What would be right; nil when the message says it all.
    public let hint: String?
    /// True for what is worth saying and no mistake.
    public let isNote: Bool

    public init(path: String, location: SourceLocation, message: String, hint: String? = nil, isNote: Bool = false) {
        self.path = path
        self.location = location
        self.message = message
        self.hint = hint
        self.isNote = isNote
    }

    /// `job.yaml:7:3: error: message` (or `note:`), then a line with the hint, as compilers print it.
    public var description: String {
        let place: String
        switch location {
        case .file(let line, let column): place = "\(path):\(line):\(column)"
        case .override(let text): place = "--set \(text)"
        case .job: place = path
        }
        let first = "\(place): \(isNote ? "note" : "error"): \(message)"
        guard let hint else { return first }
        return first + "\n  hint: " + hint
    }
}

/// All mistakes found in one reading of a job, in the order of the file; never empty.
public struct JobErrors: Error, Sendable, Hashable, CustomStringConvertible {
    public let errors: [JobError]

    public init(_ errors: [JobError]) {
        var seen = Set<JobError>()
        let unique = errors.filter { seen.insert($0).inserted }
        self.errors = unique.enumerated().sorted { one, other in
            let a = Self.rank(one.element)
            let b = Self.rank(other.element)
            return (a.0, a.1, a.2, one.offset) < (b.0, b.1, b.2, other.offset)
        }.map(\.element)
    }

    /// At most so many are shown: an axis of a million values may be all out of range.
    private static let shown = 20

    public var description: String {
        var lines = errors.prefix(Self.shown).map(\.description)
        let rest = errors.count - lines.count
        if rest > 0 { lines.append("... and \(rest) more error\(rest == 1 ? "" : "s")") }
        return lines.joined(separator: "\n")
    }

    /// The file's order, then overrides, then what concerns the whole job.
    private static func rank(_ error: JobError) -> (Int, Int, Int) {
        switch error.location {
        case .file(let line, let column): return (0, line, column)
        case .override: return (1, 0, 0)
        case .job: return (2, 0, 0)
        }
    }
}

extension JobError {
    /// The message without the method that it names at its start (`method 'sgd': ...`).
    var withoutMethod: Substring {
        guard message.hasPrefix("method '"), let end = message.range(of: "': ") else { return message[...] }
        return message[end.upperBound...]
    }
}
