import Foundation
import Results
import Sweep

/// Slurm's commands.
public struct Slurm: Sendable {
    private let environment: [String: String]

    public init(environment: [String: String] = ProcessInfo.processInfo.environment) { self.environment = environment }

    /// Writes the scripts and submits them. Returns the job's number, and that of the job that joins an array's shares.
    public func submit(_ submission: Submission) throws(SubmissionError) -> (job: String, merge: String?) {
        // Asked before anything is written.
        _ = try find("sbatch")
        if let array = submission.array, let most = try largestArray(), array > most {
            throw SubmissionError(
                "this cluster takes arrays of at most \(most) jobs, not \(array) (MaxArraySize of 'scontrol show config'):"
                    + " give each allocation more ranks instead")
        }
        try write(submission.script)
        if let merge = submission.merge { try write(merge) }
        let job = try sbatch([submission.script.path])
        guard let merge = submission.merge else { return (job, nil) }
        do {
            // After any end: what shares there are is joined, and what is missing named.
            return (job, try sbatch(["--dependency=afterany:\(job)", merge.path]))
        } catch {
            throw SubmissionError(
                "job \(job) is submitted, but not the one that joins its shares: \(error)."
                    + " When the array has ended run 'sbatch \(merge.path)'")
        }
    }

    private func write(_ script: Submission.Script) throws(SubmissionError) {
        let folder = PathText.directory(script.path)
        do {
            if folder != "." {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
            try OutputFile.write(script.path) { try $0.write(contentsOf: Data(script.text.utf8)) }
        } catch {
            throw SubmissionError("cannot write '\(script.path)': \(error)")
        }
    }

    /// The most elements that an array from 1 up may have; nil when Slurm does not say.
    private func largestArray() throws(SubmissionError) -> Int? {
        let text = try run("scontrol", ["show", "config"])
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MaxArraySize") }),
            let value = line.split(separator: "=").last.flatMap({ Int($0.trimmingCharacters(in: .whitespaces)) })
        else { return nil }
        // The largest index is one less than MaxArraySize.
        return value - 1
    }

    private func sbatch(_ arguments: [String]) throws(SubmissionError) -> String {
        // The number, and after a semicolon the cluster's name where there are several.
        let text = try run("sbatch", ["--parsable"] + arguments)
        let words = text.split(whereSeparator: { $0 == ";" || $0.isWhitespace })
        guard let number = words.first, number.allSatisfy(\.isNumber) else {
            throw SubmissionError("sbatch answered '\(text)' instead of a job number")
        }
        return String(number)
    }

    private func find(_ name: String) throws(SubmissionError) -> String {
        for folder in (environment["PATH"] ?? "").split(separator: ":") {
            let path = "\(folder)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw SubmissionError(
            "'\(name)' is not on the PATH: submit from a login node of the cluster, or take the script of --dry-run there"
        )
    }

    /// What a command prints. Throws its complaint when it fails.
    private func run(_ name: String, _ arguments: [String]) throws(SubmissionError) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try find(name))
        process.arguments = arguments
        process.environment = environment
        let (output, complaint) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = complaint
        process.standardInput = FileHandle.nullDevice
        do { try process.run() } catch {
            throw SubmissionError("cannot start \(name): \(error.localizedDescription)")
        }
        // Complaints are short: they fit the pipe while the output is read.
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let problem = String(decoding: complaint.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw SubmissionError(
                "\(name) refuses (exit code \(process.terminationStatus)):\n"
                    + problem.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
