/// Why result files were not merged. Nothing has been written when it is thrown.
public enum MergeError: Error, Sendable, CustomStringConvertible {
    /// The output is there and is none of the inputs.
    case outputExists(String)
    /// Two inputs whose grids have no common one; one line a difference of the second from the first.
    case differentJobs(first: String, second: String, differences: [String])
    /// The job given for the union does not hold an input.
    case notInJob(job: String, input: String, differences: [String])
    /// Inputs hold different results of the same task: how many tasks, and the first of them in words.
    case conflicts(count: Int, first: [String])

    public var description: String {
        switch self {
        case .outputExists(let path):
            return
                "'\(path)' exists and is none of the inputs. Name it among them to keep what it holds, give another "
                + "output, or use --fresh (it moves the old results aside)"
        case .differentJobs(let first, let second, let differences):
            return
                "'\(first)' and '\(second)' cannot be joined. Beside the job of the first, the file of the second has:\n  "
                + differences.joined(separator: "\n  ")
                + "\nIf there is a job that holds both, give it with --job"
        case .notInJob(let job, let input, let differences):
            return
                "the job '\(job)' does not hold the file '\(input)':\n  " + differences.joined(separator: "\n  ")
        case .conflicts(let count, let first):
            var text =
                "the inputs contradict each other in \(count) task\(count == 1 ? "" : "s"); nothing was written:\n  "
                + first.joined(separator: "\n  ")
            if count > first.count { text += "\n  ... and \(count - first.count) more" }
            return text
                + "\nResults of one revision of a model are the same bits on every machine of one build. Find out which "
                + "input is right, and leave the other one out"
        }
    }
}
