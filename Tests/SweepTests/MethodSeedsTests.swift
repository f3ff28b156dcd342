import Modeling
import Sweep
import Testing

@Suite("Seeds of single methods")
struct MethodSeedsTests {
    static let base = "methods: [gd, dmft, flow]\nrecord: {times: [0, 1]}\nseeds: 16\n"

    private func counts(_ job: Job) -> [SeedRange?] { job.grids.map(\.seeds) }

    @Test func `take the place of the common ones`() throws {
        let job = try kernelJob(Self.base + "per_method: {dmft: {seeds: 4, width: 2}}\n")
        #expect(counts(job) == [SeedRange(base: 0, count: 16), SeedRange(base: 0, count: 4), nil])
        #expect(job.taskCount == 16 + 4 + 1)
        #expect(try Plan(job).shares.map(\.seeds) == [16, 4, 1])
        #expect(job.grids[1].fixed["width"] == .integer(2))
        #expect(job.seedRules == "16 seeds from 0; dmft: 4 seeds from 0")
        let shifted = try kernelJob(Self.base + "per_method: {dmft: {seeds: {count: 3, base: 7}}}\n")
        #expect(shifted.grids[1].seeds == SeedRange(base: 7, count: 3))
        // Without common ones, a method without its own gets one.
        let single = try kernelJob("methods: [gd, dmft]\nrecord: {times: [0]}\nper_method: {gd: {seeds: 5}}\n")
        #expect(single.grids.map(\.seedCount) == [5, 1])
        // Common ones that no method uses are no mistake, as --set may make them so.
        let all = try kernelJob("methods: [gd]\nrecord: {times: [0]}\nseeds: 2\n", set: ["per_method.gd.seeds=3"])
        #expect(all.grids[0].seedCount == 3)
        let open = try kernelJob(
            "methods: [gd]\nrecord: {times: [0]}\nseeds: {sem: {loss: 0.1}, max: 9}\nper_method: {gd: {seeds: 3}}\n")
        #expect(open.seedRule(of: 0) == .fixed(SeedRange(base: 0, count: 3)))
    }

    @Test func `--set reaches them`() throws {
        let job = try kernelJob(Self.base, set: ["per_method.dmft.seeds=4"])
        #expect(job.grids.map(\.seedCount) == [16, 4, 1])
        let more = try kernelJob(
            Self.base + "per_method: {dmft: {seeds: {count: 3}}}\n", set: ["per_method.dmft.seeds.base=5", "k=3"])
        #expect(more.grids[1].seeds == SeedRange(base: 5, count: 3))
        #expect(more.grids[1].fixed["width"] == .integer(3))
    }

    @Test func `may follow a rule of their own`() throws {
        let job = try kernelJob(Self.base + "per_method: {dmft: {seeds: {sem: {loss: 0.01}, max: 20, min: 2}}}\n")
        #expect(job.grids.map(\.seedCount) == [16, 20, 1])
        #expect(!job.seedRule(of: 0).isOpen && job.seedRule(of: 1).isOpen)
        #expect(
            job.seedRule(of: 1)
                == .untilPrecise(
                    tolerances: [SeedTolerance(observable: "loss", standardError: 0.01)], minimum: 2,
                    range: SeedRange(base: 0, count: 20)))
        // An observable of this method alone.
        _ = try kernelJob(
            "methods: [gd, dmft]\nrecord: {times: [0], kernels: true}\n"
                + "per_method: {dmft: {seeds: {sem: {R: 0.01}, max: 20}}}\n")
    }

    @Test func `leave identities as they are`() throws {
        let common = try kernelJob(Self.base)
        let own = try kernelJob(Self.base + "per_method: {dmft: {seeds: {count: 2, base: 3}}}\n")
        #expect(try own.grids[1].identity(point: 0, seed: 0) == common.grids[1].identity(point: 0, seed: 3))
        #expect(try own.grids[1].identity(point: 0, seed: 1) == common.grids[1].identity(point: 0, seed: 4))
        #expect(try own.grids[0].identity(point: 0, seed: 5) == common.grids[0].identity(point: 0, seed: 5))
    }

    @Test func `can be extended`() throws {
        let few = try kernelJob(Self.base + "per_method: {dmft: {seeds: 4}}\n")
        let more = try kernelJob(Self.base + "per_method: {dmft: {seeds: 6}}\n")
        let common = try kernelJob(Self.base)
        #expect(more.incompatibilities(with: few) == [])
        #expect(common.incompatibilities(with: few) == [])
        #expect(
            few.incompatibilities(with: more)
                == ["seeds of method 'dmft': the file has 6 from 0, the job has 4 from 0"])
        #expect(
            few.incompatibilities(with: common)
                == ["seeds of method 'dmft': the file has 16 from 0, the job has 4 from 0"])
        let map = GridMap(from: few.grids[1], to: more.grids[1])
        #expect((0..<4).map { map.seed($0) } == [0, 1, 2, 3])
    }

    private func union(_ jobs: [Job]) throws -> Job { try Job.union(of: jobs, models: [KernelModel()]) }

    @Test func `are joined by a merge`() throws {
        let first = try kernelJob(Self.base + "per_method: {dmft: {seeds: 4}}\n")
        let second = try kernelJob(
            "methods: [gd, dmft]\nrecord: {times: [0, 1]}\nseeds: {count: 8, base: 16}\n"
                + "per_method: {dmft: {seeds: {count: 2, base: 4}}}\n")
        let both = try union([first, second])
        #expect(counts(both) == [SeedRange(base: 0, count: 24), SeedRange(base: 0, count: 6), nil])
        #expect(both.incompatibilities(with: first) == [] && both.incompatibilities(with: second) == [])
        // One with the common number, one with its own; either may come first.
        let common = try kernelJob("methods: [dmft]\nrecord: {times: [0, 1]}\nseeds: {count: 3, base: 4}\n")
        #expect(
            counts(try union([first, common])) == [SeedRange(base: 0, count: 16), SeedRange(base: 0, count: 7), nil])
        #expect(try union([common, first]).grids.first { $0.method.name == "dmft" }?.seedCount == 7)
        #expect(try union([common, first]).grids.first { $0.method.name == "gd" }?.seedCount == 16)
        // The larger one is the union.
        let larger = try kernelJob(Self.base + "per_method: {dmft: {seeds: 9}}\n")
        #expect(try union([first, larger]).grids[1].seedCount == 9)
    }

    @Test func `rules and numbers are not joined`() throws {
        let number = try kernelJob(Self.base + "per_method: {dmft: {seeds: 4}}\n")
        let rule = try kernelJob(Self.base + "per_method: {dmft: {seeds: {sem: {loss: 0.1}, max: 4, min: 2}}}\n")
        #expect {
            try union([number, rule])
        } throws: { error in
            (error as? JobUnionError)?.differences.joined().contains("seeds of method 'dmft'") == true
        }
    }

    @Test(arguments: [
        (
            "per_method: {flow: {seeds: 4}}\n",
            """
            job.yaml:5:21: error: 'seeds' is given for method 'flow', which does not depend on a seed
              hint: methods with seeds: gd, dmft
            """
        ),
        (
            "per_method: {dmft: {seeds: 0}}\n",
            "job.yaml:5:28: error: 'seeds' must be an integer >= 1, not '0'"
        ),
        (
            "per_method:\n  dmft:\n    seeds: {count: 4, bse: 1}\n",
            """
            job.yaml:7:23: error: unknown key 'bse' of 'seeds'; did you mean 'base'?
              hint: known: count, base, sem, max, min
            """
        ),
        (
            "per_method: {dmft: {seed: 4}}\n",
            """
            job.yaml:5:21: error: unknown parameter 'seed'; did you mean 'seeds'?
              hint: 'dynsweep models memory' lists the parameters
            """
        ),
        (
            "per_method: {dmft: {seeds: {sem: {norm: 0.1}, max: 10}}}\n",
            "job.yaml:5:35: error: no seeded method records observable 'norm'"
        ),
        (
            "per_method: {dmf: {seeds: 4}}\n",
            """
            job.yaml:5:14: error: unknown method 'dmf'; did you mean 'dmft'?
              hint: listed: gd, dmft, flow
            """
        ),
        (
            "per_method: 4\n",
            "job.yaml:5:13: error: 'per_method' must be a mapping of methods to parameters and seeds, not '4'"
        ),
    ])
    func `mistakes are answered with their place`(text: String, expected: String) {
        #expect(answer(Self.base + text) == expected)
    }
}

@Suite("Tasks beyond the job's limits")
struct TaskLimitsTests {
    private func plan(_ text: String) throws -> Plan { try Plan(try kernelJob(text)) }

    @Test func `a plan says how many, which and what helps`() throws {
        let job = try kernelJob(
            "methods: [dmft]\nparameters: {samples: [10, 1000, 100000], width: [1, 2]}\n"
                + "record: {times: {range: [1, 100, 1]}}\nseeds: 3\n"
                + "limits: {task_memory: 10MB, task_minutes: 0.01}\n")
        let share = try Plan(job).shares[0]
        // 80 MB of samples, and twice 100 numbers; 100 s, 1 s and 0.01 s for 0.6 s.
        let memory = try #require(share.beyondMemory)
        #expect(memory.tasks == 6 && memory.refused == 6)
        #expect(memory.largest == .memory(need: 80_001_600, limit: 10_000_000))
        #expect(memory.place == "samples=100000")
        #expect(memory.remedy == "lower record.times or samples (100000)")
        let time = try #require(share.beyondTime)
        #expect(time.tasks == 12 && time.refused == 6)
        #expect(time.place == "samples=100000")
        // Half the times give a quarter of the cost: they come first.
        #expect(time.remedy == "lower record.times or samples (100000), or raise mesh (0.1)")
    }

    @Test func `twice the limit is within what an estimate may be wrong`() throws {
        var limits = JobLimits()
        #expect(limits.refusal(of: Cost(seconds: 1e9, bytes: 0x1p50)) == nil)
        limits.taskSeconds = 10
        #expect(limits.refusal(of: Cost(seconds: 19, bytes: 0)) == nil)
        #expect(limits.refusal(of: Cost(seconds: 21, bytes: 0)) == .time(need: 21, limit: 10))
        limits.taskMemory = 1000
        #expect(limits.refusal(of: Cost(seconds: 21, bytes: 1001)) == .memory(need: 1001, limit: 1000))
        #expect(limits.refusal(of: Cost(seconds: 1, bytes: 1000)) == nil)
        // gd: 1e-6 d (times): of 1 s, 1.5 s and 3 s, two are beyond 1.2 s and one is not begun.
        let share = try plan(
            "methods: [gd]\nparameters: {d: [500000, 750000, 1000000]}\nrecord: {times: [1, 2]}\n"
                + "limits: {task_minutes: 0.016}\n"
        ).shares[0]
        #expect(share.beyondTime?.tasks == 3 && share.beyondTime?.refused == 1)
        #expect(share.beyondMemory == nil)
    }

    @Test func `nothing is said of what fits, nor of what is left out`() throws {
        let text = "methods: [dmft]\nparameters: {samples: [10, 1000000]}\nrecord: {times: [1, 2]}\n"
        let limits = "limits: {task_memory: 10MB}\n"
        #expect(try plan(text).shares[0].beyondMemory == nil)
        #expect(try plan(text + limits).shares[0].beyondMemory?.tasks == 1)
        #expect(try plan(text + limits + "where: samples < 100\n").shares[0].beyondMemory == nil)
    }
}
