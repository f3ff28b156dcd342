import Modeling
import Sweep
import Testing

@Suite("Shards")
struct ShardTests {
    @Test func `are written I/K`() throws {
        let shard = try #require(Shard("2/4"))
        #expect(shard.index == 2 && shard.count == 4 && "\(shard)" == "2 of 4")
        #expect(shard.output(for: "a/b.h5") == "a/b.shard-2-of-4.h5")
        #expect(shard.output(for: "a.h5/b") == "a.h5/b.shard-2-of-4")
        #expect(Shard("1/1") != nil)
        for text in ["0/4", "5/4", "2", "2/", "/4", "2/4/8", "-1/4", "1/0", "1/100000", "a/b", ""] {
            #expect(Shard(text) == nil, "\(text)")
        }
    }

    private func job(_ seeds: String, _ more: String = "") throws -> Job {
        try Job.parse(
            text: "model: toy\nmethods: [ode, sgd, closed-form]\nparameters:\n  d: [100, 200, 400, 800]\n"
                + "  step_size: [0.1, 0.2, 0.3]\n  L: [2, 3, 5]\nrecord: {times: [1, 10]}\nseeds: \(seeds)\n\(more)\n",
            path: "job.yaml", models: [ToyModel()], checksOutput: false)
    }

    @Test(arguments: ["1", "7", "{sem: {test_loss: 0.1}, max: 9}"], [1, 2, 3, 5, 11])
    func `deal every task once and to all alike`(seeds: String, count: Int) throws {
        for more in ["", "where: \"d * step_size < 100\""] {
            let job = try job(seeds, more)
            var owners = Array(repeating: 0, count: job.taskCount)
            var costs: [Double] = []
            var tasks: [Int] = []
            for index in 1...count {
                let its = try ShardTasks(try #require(Shard(index: index, of: count)), of: job)
                var (seconds, number) = (0.0, 0)
                for task in 0..<job.taskCount where its.owns(job.task(at: task)) {
                    let id = job.task(at: task)
                    owners[task] += 1
                    number += 1
                    seconds += try job.grids[id.method].cost(at: id.point).seconds
                    if seeds.contains("sem") {
                        #expect(its.seeds(method: id.method, point: id.point) == 0..<job.grids[id.method].seedCount)
                    }
                }
                #expect(its.taskCount == number)
                costs.append(seconds)
                tasks.append(number)
            }
            for task in 0..<job.taskCount {
                let id = job.task(at: task)
                #expect(owners[task] == (job.grids[id.method].isIncluded(id.point) ? 1 : 0))
            }
            #expect(tasks.reduce(0, +) == job.includedTaskCount)
            // No shard has more than its part and one task (point) of each cost class on top.
            let largest =
                try job.grids.indices.map { method in
                    try (0..<job.grids[method].pointCount).map { try job.grids[method].cost(at: $0).seconds }.max() ?? 0
                }.max() ?? 0
            let unit = seeds.contains("sem") ? 9 * largest : largest
            let spread = (costs.max() ?? 0) - (costs.min() ?? 0)
            #expect(spread <= 2 * unit, "\(costs)")
            if !seeds.contains("sem") { #expect((tasks.max() ?? 0) - (tasks.min() ?? 0) <= 1) }
        }
    }
}
