import Sweep

/// What the user asks of Slurm; nil: what suits the job, or the cluster's default.
public struct SubmissionRequest: Sendable {
    public var ranks: Int?
    public var nodes: Int?
    public var time: SlurmTime?
    /// Bytes a rank.
    public var memory: Int?
    public var partition: String?
    public var account: String?
    public var qos: String?
    /// That many independent allocations, each for a share of the grid.
    public var array: Int?
    /// Whether the job is queued again as long as work is left.
    public var isRequeued = true
    /// More options of sbatch, such as `--constraint=rome`.
    public var extra: [String] = []
    /// What srun is told to connect the ranks with; nil: what the linked MPI understands.
    public var mpi: String?
    /// More arguments of `dynsweep run`.
    public var runArguments: [String] = []

    public init() {}

    /// Throws what sbatch or the run would choke on.
    func check() throws(SubmissionError) {
        for (name, value) in [("--ranks", ranks), ("--nodes", nodes)] {
            if let value, value < 1 { throw SubmissionError("\(name) takes a number from 1 up, not \(value)") }
        }
        if let array, array < 2 || array > Shard.mostParts {
            throw SubmissionError("--array takes a number of allocations from 2 to \(Shard.mostParts), not \(array)")
        }
        if let ranks, let nodes, ranks < nodes {
            throw SubmissionError("\(ranks) ranks cannot be spread over \(nodes) nodes: every node needs one")
        }
        for line in extra where !line.hasPrefix("-") {
            throw SubmissionError(
                "--extra takes one option of sbatch, such as --extra=--constraint=rome, not '\(line)'")
        }
        let words: [(String, String?)] = [
            ("--partition", partition), ("--account", account), ("--qos", qos), ("--mpi", mpi),
        ]
        for (name, value) in words {
            guard let value else { continue }
            // These go into lines that Slurm reads by its own rules, and one into a line for the shell.
            let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@".utf8)
            if value.isEmpty || !value.utf8.allSatisfy(plain.contains) {
                throw SubmissionError("\(name) takes one word of letters, digits and _-+=./,:@, not '\(value)'")
            }
        }
        let taken: [(String, String)] = [
            ("--fresh", "a job that is queued again would start over each time; move the old results aside first"),
            ("--launcher", "the batch script gives it"), ("-n", "use --ranks before the --"),
            ("--shard", "use --array before the --"), ("--output", "give it before the --"),
            ("--set", "give it before the --"),
        ]
        for argument in runArguments {
            if let (name, reason) = taken.first(where: { argument == $0.0 || argument.hasPrefix($0.0 + "=") }) {
                throw SubmissionError("\(name) cannot be among the arguments of the run: \(reason)")
            }
        }
    }
}

/// Why nothing was submitted, and what to do.
public struct SubmissionError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
