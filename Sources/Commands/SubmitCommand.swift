import ArgumentParser
import Coordinator
import Foundation
import Sweep

struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Hands a job to Slurm; it is queued again until all is done.",
        discussion: """
            Writes a batch script beside the output and submits it with sbatch. What is not given is chosen from the \
            models' estimates and said. Arguments after -- go to 'dynsweep run'.
            """)

    @OptionGroup var job: JobArguments

    @Option(name: [.customShort("n"), .long], help: "Ranks, a core each (in each allocation of an array).")
    var ranks: Int?

    @Option(help: "Nodes to spread the ranks over (default: as they are free).")
    var nodes: Int?

    @Option(help: ArgumentHelp("Time limit, as Slurm writes it: minutes, H:M:S, D-H.", valueName: "time"))
    var time: String?

    @Option(help: ArgumentHelp("Memory a rank, such as 2GB.", valueName: "size"))
    var memory: String?

    @Option(help: "The partition (queue).")
    var partition: String?

    @Option(help: "The account to charge.")
    var account: String?

    @Option(help: "The quality of service.")
    var qos: String?

    @Option(
        help: ArgumentHelp(
            "Split the grid over this many independent allocations, joined at the end.", valueName: "count"))
    var array: Int?

    @Flag(inversion: .prefixedNo, help: "Queue the job again while work is left.")
    var requeue = true

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("One more option of sbatch, such as --constraint=rome; repeatable.", valueName: "option"))
    var extra: [String] = []

    @Option(
        help: ArgumentHelp("What 'srun --mpi' is given (default: what the linked MPI understands).", valueName: "type"))
    var mpi: String?

    @Option(help: ArgumentHelp("An edited copy of slurm/job.sbatch.", valueName: "file"))
    var template: String?

    @Flag(help: "Print the script; write and submit nothing.")
    var dryRun = false

    @Flag(help: "Print the job's number alone.")
    var parsable = false

    @Argument(parsing: .postTerminator, help: "Arguments of 'dynsweep run'.")
    var runArguments: [String] = []

    func run() throws {
        let job = try self.job.loadForOthers()
        let plan: Plan
        do { plan = try Plan(job) } catch { throw FatalUserError("\(error)", code: .badInput, isComplete: true) }
        let submission: Submission
        do {
            submission = try Submission(
                job: job, plan: plan, request: try request(),
                program: try ProgramVersion.path(),
                folder: FileManager.default.currentDirectoryPath, template: try readTemplate())
        } catch let error as SubmissionError {
            throw FatalUserError("\(error)", code: .badInput)
        }
        for note in job.notes { say("\(note)") }
        for note in submission.size.notes { say(note) }
        if dryRun {
            // As it is: it has been looked through for control characters, and is to be run.
            Console.write(submission.script.text)
            if let merge = submission.merge { Console.write("\n# \(merge.path)\n\(merge.text)") }
            return
        }
        do {
            let (number, merge) = try Slurm().submit(submission)
            report(job, submission, number, merge)
        } catch {
            throw FatalUserError("\(error)", code: .badInput)
        }
    }

    private func request() throws -> SubmissionRequest {
        var request = SubmissionRequest()
        request.ranks = ranks
        request.nodes = nodes
        if let time {
            guard let limit = SlurmTime(time) else {
                throw FatalUserError(
                    "--time takes minutes, H:M:S, D-H or D-H:M:S, not '\(time)'", code: .badInput)
            }
            request.time = limit
        }
        if let memory {
            guard let bytes = MemorySize.parse(memory) else {
                throw FatalUserError(
                    "--memory takes a size such as 2GB (\(MemorySize.unitNames)), not '\(memory)'", code: .badInput)
            }
            request.memory = bytes
        }
        request.partition = partition
        request.account = account
        request.qos = qos
        request.array = array
        request.isRequeued = requeue
        request.extra = extra
        request.mpi = mpi
        request.runArguments = runArguments
        return request
    }

    private func readTemplate() throws -> (name: String, text: String)? {
        guard let template else { return nil }
        do {
            return (template, try String(contentsOfFile: template, encoding: .utf8))
        } catch {
            throw FatalUserError("cannot read the template '\(template)'", code: .badInput)
        }
    }

    private func report(_ job: Job, _ submission: Submission, _ number: String, _ merge: String?) {
        if parsable {
            print("\(number)")
            return
        }
        let size = submission.size
        let each = submission.array.map { "\($0) allocations of " } ?? ""
        print(
            "Submitted as job \(number): \(job.name), \(each)\(size.ranks) rank\(size.ranks == 1 ? "" : "s"),"
                + " \(size.time), \(Text.bytes(size.memory)) a rank.")
        if let merge { print("Job \(merge) joins the shares when all of them have ended.") }
        let shard = submission.array.flatMap { Shard(index: 1, of: $0) }
        let output = Text.quoted(job.writing(shard: shard).output)
        var table = TextTable(["to", "do"], endsInText: true)
        table.add(["see it in the queue", "squeue -j \(number)"])
        table.add(["see what is done", "dynsweep status \(output) --watch"])
        table.add(["read its log", "tail -F \(Text.quoted(submission.log).replacingOccurrences(of: "%a", with: "*"))"])
        table.add(["stop it", "scancel \(number)   (the same submit goes on)"])
        table.add(["read the script", Text.quoted(submission.script.path)])
        table.print()
    }

    private func say(_ text: String) { Console.log("\(text)\n") }
}
