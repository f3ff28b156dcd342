/// A batch script with words in double braces, to be filled in.
package struct BatchTemplate {
    /// What stands for a word.
    package enum Value {
        /// Nothing: lines with this word are left out.
        case none
        /// Arguments, quoted where the shell (or sbatch, which reads quotes in the same way) needs it.
        case words([String])
        /// Lines as they are.
        case lines([String])

        static func word(_ text: String?) -> Value { text.map { .words([$0]) } ?? .none }
        static func number(_ value: Int?) -> Value { word(value.map(String.init)) }
    }

    let name: String
    let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// Those of the folder `slurm`, which the binary holds.
    static let job = BatchTemplate(
        name: "slurm/job.sbatch", text: String(decoding: PackageResources.job_sbatch, as: UTF8.self))
    static let merge = BatchTemplate(
        name: "slurm/merge.sbatch", text: String(decoding: PackageResources.merge_sbatch, as: UTF8.self))

    /// The script. Throws when the template has a word that nothing is known for, naming its line.
    package func filled(_ values: [String: Value]) throws(SubmissionError) -> String {
        var lines: [String] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let filled = try fill(line, values, number: number + 1) { lines.append(filled) }
        }
        return lines.joined(separator: "\n")
    }

    /// Nil when the line is left out.
    private func fill(_ line: Substring, _ values: [String: Value], number: Int) throws(SubmissionError) -> String? {
        var result = ""
        var rest = line
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            let word = String(rest[open.upperBound..<close.lowerBound])
            guard let value = values[word] else {
                throw SubmissionError(
                    "\(name):\(number): unknown word {{\(word)}}; known are "
                        + values.keys.sorted().joined(separator: ", "))
            }
            result += rest[..<open.lowerBound]
            switch value {
            case .none: return nil
            case .words(let words): result += words.map(Text.quoted).joined(separator: " ")
            case .lines(let lines): result += lines.joined(separator: "\n")
            }
            rest = rest[close.upperBound...]
        }
        return result + rest
    }
}
