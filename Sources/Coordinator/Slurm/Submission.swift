import Foundation
import Sweep

/// A job ready for Slurm: its batch script, where it goes, and how to hand it over.
public struct Submission: Sendable {
    /// A batch script and the file it goes to.
    public struct Script: Sendable, Hashable {
        public let path: String
        public let text: String
    }

    public let size: SubmissionSize
    public let script: Script
    /// The job that joins the shares of an array.
    public let merge: Script?
    /// The log that the script writes; `%a` stands for an array's index.
    public let log: String
    /// The number of independent allocations, when there are several.
    public let array: Int?

    /// Puts the script together.
    ///
    /// - Parameters:
    ///   - program: the path of this binary.
    ///   - folder: the directory that the job's paths are relative to.
    ///   - template: name and text of an edited template; nil: the built-in one.
    public init(
        job: Job, plan: Plan, request: SubmissionRequest, program: String, folder: String,
        template: (name: String, text: String)?
    ) throws(SubmissionError) {
        try request.check()
        for (what, text) in [
            ("the job's file", job.path), ("the output", job.output), ("the folder", folder), ("the program", program),
        ] + job.overrides.map({ ("--set", $0) }) + request.runArguments.map({ ("an argument of the run", $0) })
            + request.extra.map({ ("--extra", $0) })
        {
            // A line end would leave the comment that Slurm reads; no other has a meaning that is wanted.
            if text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) {
                throw SubmissionError("\(what) has a control character, which a batch script cannot hold: '\(text)'")
            }
        }
        array = request.array
        size = SubmissionSize(plan, limits: job.limits, request: request)
        let suffix = job.output.hasSuffix(".h5") ? ".h5" : ""
        let stem = String(job.output.dropLast(suffix.count))
        log = stem + (request.array == nil ? ".log" : ".%a.log")
        // Slurm looks for % in the folder too when the name of the log is relative to it, and drops backslashes.
        let logStem = (stem.hasPrefix("/") ? "" : folder + "/") + stem
        if logStem.utf8.contains(UInt8(ascii: "\\")) {
            throw SubmissionError(
                "Slurm cannot write a log under a name with a backslash ('\(logStem)'): use another folder or --output")
        }
        let escapedStem = logStem.replacingOccurrences(of: "%", with: "%%")

        var values: [String: BatchTemplate.Value] = [
            "account": .word(request.account),
            "arguments": .words(job.overrides.flatMap { ["--set", $0] } + request.runArguments),
            "array": .number(request.array),
            "extra": request.extra.isEmpty ? .none : .lines(request.extra.map { "#SBATCH \($0)" }),
            "folder": .word(folder),
            "job": .word(job.path),
            // sbatch replaces what follows a % in file names.
            "log": .word(escapedStem + log.dropFirst(stem.count)),
            "memory": .word("\((size.memory + 999_999) / 1_000_000)M"),
            "mpi": .word(request.mpi ?? Communicator.slurmPlugin),
            "name": .word(Self.jobName(job.name)),
            "nodes": .number(request.nodes),
            "output": .word(job.output),
            "partition": .word(request.partition),
            "program": .word(program),
            "qos": .word(request.qos),
            "ranks": .number(size.ranks),
            "requeue": .word(request.isRequeued ? "requeue" : "no-requeue"),
            "stem": .word(stem),
            "suffix": .word(suffix),
            "time": .word(size.time.description),
            "warning": .number(size.warning),
        ]
        let main = template.map { BatchTemplate(name: $0.name, text: $0.text) } ?? .job
        script = Script(path: stem + ".sbatch", text: try main.filled(values))
        if let array = request.array {
            values["log"] = .word(escapedStem + ".merge.log")
            values["shards"] = .words(
                (1...array).compactMap { Shard(index: $0, of: array)?.output(for: job.output) })
            merge = Script(path: stem + ".merge.sbatch", text: try BatchTemplate.merge.filled(values))
        } else {
            merge = nil
        }
    }

    /// The job's name as Slurm and its tools take it: one word without surprises.
    private static func jobName(_ name: String) -> String {
        let kept = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" }
        return kept.isEmpty ? "dynsweep" : String(kept.prefix(64))
    }
}
