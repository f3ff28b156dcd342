import Coordinator
import Sweep
import Testing

/// The simulated run against what can be worked out by hand.
@Suite struct ScheduleSimulationTests {
    /// Costs without the start-up, so that short jobs show the scheduling alone.
    private static var costs: ScheduleCosts {
        var costs = ScheduleCosts()
        costs.start = 0
        costs.startOfRank = 0
        costs.queueing = 0
        return costs
    }

    private func forecast(_ text: String, ranks: Int, spread: Double = 0, seed: UInt64 = 0) throws -> ScheduleForecast {
        try ScheduleSimulation(job: CostModel.job(text), costs: Self.costs, spread: spread, seed: seed).run(
            ranks: ranks)
    }

    @Test func oneRankTakesTheSumOfTasksAndTheirOverheads() throws {
        let forecast = try forecast("parameters: {milliseconds: [2, 30, 500]}\nseeds: 20", ranks: 1)
        let (tasks, sum) = (60.0, 20 * 0.532)
        #expect(abs(forecast.busy - sum) < 1e-9)
        #expect(forecast.longestTask == 0.5)
        #expect(forecast.records == 60)
        #expect(forecast.reports == 0, "nobody else reports")
        let slices = 20.0 * 532
        let least = sum + tasks * (Self.costs.task + Self.costs.record) + slices * Self.costs.poll
        #expect(forecast.makespan > least)
        #expect(forecast.makespan < least + tasks * 10e-6)
    }

    @Test(arguments: [1, 2, 7, 64, 1000])
    func whatRanksDoAndWhatTheyLoseIsAllTheirTime(ranks: Int) throws {
        let forecast = try forecast(
            "parameters: {milliseconds: {logspace: [0.1, 1000, 25]}}\nseeds: 40", ranks: ranks, spread: 0.3)
        let all = Double(ranks) * forecast.makespan
        #expect(abs(forecast.busy + forecast.losses.total - all) < 1e-9 * all)
        #expect(forecast.records == 1000)
        #expect(forecast.losses.waiting >= 0)
        #expect(forecast.losses.tail >= 0)
    }

    @Test func equalTasksKeepEqualRanksBusy() throws {
        // 50 tasks a rank: nothing but messages and the service of rank 0 is lost.
        let forecast = try forecast("parameters: {milliseconds: 1000}\nseeds: 3200", ranks: 64)
        #expect(forecast.makespan >= 50)
        #expect(forecast.makespan < 51.1, "rank 0 hands its last task to nobody, so one more task at most")
        #expect(forecast.efficiency > 0.97)
    }

    @Test func oneLongTaskBoundsTheRun() throws {
        let forecast = try forecast(
            "parameters: {milliseconds: [10, 50000], index: {range: [1, 500, 1]}}\nwhere: "
                + "\"milliseconds < 100 or index == 1\"\nseeds: 1", ranks: 64)
        #expect(forecast.longestTask == 50)
        #expect(forecast.makespan >= 50)
        #expect(forecast.makespan < 50.1)
        // All others wait for it.
        #expect(forecast.losses.tail > 62 * 49)
    }

    /// A sleep of rank 0 takes 10 ms: there would be 10^12 of them.
    @Test(.timeLimit(.minutes(1))) func aTailIsNotWalkedInSleeps() throws {
        let forecast = try forecast(
            "parameters: {milliseconds: [10, 1e13], index: {range: [1, 500, 1]}}\nwhere: "
                + "\"milliseconds < 100 or index == 1\"\nseeds: 1", ranks: 64)
        #expect(forecast.longestTask == 1e10)
        #expect(forecast.makespan >= 1e10)
        #expect(forecast.makespan < 1e10 + 0.1)
        let all = 64 * forecast.makespan
        #expect(abs(forecast.busy + forecast.losses.total - all) < 1e-9 * all)
    }

    @Test func moreRanksNeverTakeLonger() throws {
        var last = Double.infinity
        for ranks in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
            let makespan = try forecast(
                "parameters: {milliseconds: {logspace: [1, 1000, 30]}}\nseeds: 100", ranks: ranks, spread: 0.3
            ).makespan
            #expect(makespan < 1.01 * last, "\(ranks) ranks")
            last = makespan
        }
    }

    @Test func theSameQuestionHasTheSameAnswer() throws {
        let job = "parameters: {milliseconds: {logspace: [1, 100, 10]}}\nseeds: 50"
        let first = try forecast(job, ranks: 9, spread: 0.3)
        #expect(try forecast(job, ranks: 9, spread: 0.3) == first)
        #expect(try forecast(job, ranks: 9, spread: 0.3, seed: 1) != first)
        // The tasks are the same on any number of ranks; only the order of the sum differs.
        let fewer = try forecast(job, ranks: 3, spread: 0.3)
        #expect(abs(fewer.busy / first.busy - 1) < 1e-12)
    }

    @Test func theSpreadKeepsTheSum() throws {
        let job = "parameters: {milliseconds: 10}\nseeds: 4096"
        let even = try forecast(job, ranks: 1)
        let spread = try forecast(job, ranks: 1, spread: 0.3)
        #expect(abs(spread.busy / even.busy - 1) < 0.005)
        #expect(spread.longestTask > 1.8 * even.longestTask)
    }

    /// Rank 0 cannot follow ten thousand others with tasks of a millisecond, but it must not fall over.
    @Test func tenThousandRanksWithTinyTasksEnd() throws {
        let forecast = try forecast("parameters: {milliseconds: 1}\nseeds: 100000", ranks: 10_000, spread: 0.3)
        #expect(forecast.records == 100_000)
        #expect(forecast.makespan < 5)
    }

    /// Ten thousand ranks with tasks of 100 ms are 1e5 reports a second, unless bundles grow with the ranks.
    @Test func rankZeroAnswersTenThousandRanks() throws {
        let forecast = try forecast("parameters: {milliseconds: 100}\nseeds: 1000000", ranks: 10_000, spread: 0.3)
        let all = Double(forecast.ranks) * forecast.makespan
        #expect(forecast.losses.waiting < 0.02 * all)
        #expect(forecast.reports < 250_000)
    }

    /// With tasks of 10 ms on 16 ranks, none should ever ask before its next assignment is there.
    @Test func assignmentsAreThereBeforeTheyAreAskedFor() throws {
        let forecast = try forecast("parameters: {milliseconds: 10}\nseeds: 100000", ranks: 16, spread: 0.3)
        let all = Double(forecast.ranks) * forecast.makespan
        #expect(forecast.losses.waiting + forecast.losses.messages < 0.002 * all)
    }
}
