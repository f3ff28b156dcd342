import Coordinator
import Models
import Sweep
import Testing

@Suite struct SubmissionTests {
    @Test(arguments: [
        ("90", 90), ("1:30", 2), ("10:00", 10), ("02:00:00", 120), ("0:00:01", 1), ("1-0", 1440), ("1-12", 2160),
        ("2-01:30", 2970), ("1-00:00:30", 1441),
    ])
    func timesAreReadAsSlurmReadsThem(text: String, minutes: Int) { #expect(SlurmTime(text)?.minutes == minutes) }

    @Test(arguments: ["", "0", "x", "1:2:3:4", "-5", "1-", "1-2-3", "1.5", "99999999", "1:x", "١"])
    func whatIsNoTimeIsRefused(text: String) { #expect(SlurmTime(text) == nil) }

    @Test func timesAreWrittenSoThatTheyReadTheSame() {
        for minutes in [1, 59, 60, 1439, 1440, 10_081] {
            let time = SlurmTime(minutes: minutes)
            #expect(SlurmTime(time.description) == time)
        }
        #expect(SlurmTime(minutes: 2165).description == "1-12:05:00")
    }

    /// A job of equal tasks, each estimated at some time of one core.
    private func size(tasks: Int, steps: Int, _ change: (inout SubmissionRequest) -> Void = { _ in }) throws
        -> (SubmissionSize, Plan)
    {
        let job = try Job.parse(
            text: """
                model: sequence-single-index
                methods: [sgd]
                parameters: {d: 1000, L: 2, student: tied, target: inversesqrtsum, step_size: 0.3, init_scale: 0.1}
                seeds: \(tasks)
                record: {times: [0, \(steps)], observables: [overlap]}
                output: x.h5
                """, path: "job.yaml", models: Models.allModels)
        let plan = try Plan(job)
        var request = SubmissionRequest()
        change(&request)
        return (SubmissionSize(plan, limits: job.limits, request: request), plan)
    }

    @Test func aSmallJobGetsARankAndTheLeastTime() throws {
        let (size, _) = try size(tasks: 4, steps: 1000)
        #expect(size.ranks == 1)
        #expect(size.time.minutes == 10)
        #expect(size.memory == 1_000_000_000)
        #expect(size.warning == 30)
    }

    @Test func aLargeJobEndsWithinTheTimeWithRoomToSpare() throws {
        let (size, plan) = try size(tasks: 400, steps: 100_000_000)
        #expect(size.ranks > 1 && size.ranks <= 64)
        let wall = max(plan.seconds / Double(size.ranks), plan.seconds / 400)
        #expect(Double(size.time.minutes * 60) >= min(2 * wall, 86_400) - 60)
        #expect(size.time.minutes <= 1440, "a requeued job asks for a day at most")
        #expect(size.warning == 60)
    }

    @Test func noMoreRanksThanAreOfUse() throws {
        // Three equal tasks: three ranks end as early as any number.
        let (size, _) = try size(tasks: 3, steps: 20_000_000_000)
        #expect(size.ranks == 3)
        let (asked, _) = try self.size(tasks: 3, steps: 20_000_000_000) { $0.ranks = 8 }
        #expect(asked.ranks == 8)
        #expect(asked.notes.contains { $0.contains("more than can be of use: 3") })
    }

    @Test func aShorterTimeGetsMoreRanksAndAnArrayFewer() throws {
        let (usual, plan) = try size(tasks: 400, steps: 10_000_000)
        let minutes = max(1, Int(plan.seconds / 60 / 8))
        let (hurried, _) = try size(tasks: 400, steps: 10_000_000) { $0.time = SlurmTime(minutes: minutes) }
        #expect(hurried.ranks > usual.ranks)
        #expect(hurried.time.minutes == minutes)
        let (shared, _) = try size(tasks: 400, steps: 10_000_000) {
            $0.time = SlurmTime(minutes: minutes)
            $0.array = 4
        }
        #expect(shared.ranks < hurried.ranks)
    }

    @Test func aTemplateLosesTheLinesOfWordsWithoutValue() throws {
        let template = BatchTemplate(name: "t", text: "a={{one}}\nb={{two}} {{one}}\n{{more}}\nend\n")
        let filled = try template.filled([
            "one": .words(["it's", "plain"]), "two": .none, "more": .lines(["#SBATCH -x", "#SBATCH -y"]),
        ])
        #expect(filled == "a='it'\\''s' plain\n#SBATCH -x\n#SBATCH -y\nend\n")
        #expect(throws: SubmissionError.self) { try template.filled(["one": .none]) }
    }
}
