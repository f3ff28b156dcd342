import Modeling
import Sweep
import Testing

@Suite("Grids, tasks, plans and their order")
struct GridTests {
    static let text = BadJob.adding(
        """
          L: [2, 4, 8]
          bias: {linspace: [0, 1, 5]}
          student: [tied, untied]
        where: "bias * L < 6"
        seeds: 4
        """, methods: "[ode, sgd, closed-form]",
        record: "record: {times: [1, 10, 100], observables: [overlap, overlap_vec, p_escape, critical_step]}\n")

    @Test func `a point and its indices give each other`() throws {
        for grid in try job(Self.text).grids {
            for point in 0..<grid.pointCount {
                #expect(grid.point(at: grid.indices(of: point)) == point)
                let parameters = grid.point(at: point)
                for (axis, index) in grid.indices(of: point).enumerated() {
                    for coordinate in grid.axes[axis].coordinates {
                        #expect(parameters[coordinate.name] == coordinate.values[index])
                    }
                }
            }
        }
    }

    @Test func `a task and its number give each other`() throws {
        let job = try job(Self.text)
        var next = 0
        for (method, grid) in job.grids.enumerated() {
            for point in 0..<grid.pointCount {
                #expect(job.point(at: job.pointIndex(method: method, point: point)) == (method, point))
                for seed in 0..<grid.seedCount {
                    let task = TaskID(method: method, point: point, seed: seed)
                    #expect(job.index(of: task) == next)
                    #expect(job.task(at: next) == task)
                    next += 1
                }
            }
        }
        #expect(job.taskCount == next)
        #expect(job.grids.map(\.seedCount) == [1, 4, 1])
    }

    @Test func `slots are what is recorded, with the lengths of the point`() throws {
        let grid = try job(Self.text).grids[1]
        #expect(grid.observables.map(\.name) == ["overlap", "overlap_vec", "escape_time", "p_escape"])
        let point = grid.point(at: [2, 0, 0])
        let slots = grid.slots(at: point)
        #expect(slots.map(\.name) == ["overlap", "overlap_vec", "escape_time"])
        #expect(slots.map(\.shape) == [[], [8], []])
        #expect(slots.map(\.isRecordedInTime) == [true, true, false])
        #expect(grid.largestExtent(of: ExtraDimension("token", .value(of: ToyModel.Keys.L))) == 8)
    }

    @Test func `default observables are those the model records by default`() throws {
        #expect(try job(BadJob.base).grids[0].observables.map(\.name) == ["test_loss", "overlap", "escape_time"])
    }

    @Test func `a plan is the sum over included tasks`() throws {
        let job = try job(
            BadJob.having("  d: {logspace: [10, 1000, 5]}\n  L: [2, 4, 8]\n  bias: [0, 1]\n  step_size: 0.1")
                + "where: \"d * L <= 4000 and bias + L < 9\"\nseeds: 3\nlimits: {task_memory: 10kB, task_minutes: 1e-7}\n"
        )
        let (plan, grid) = (try Plan(job), job.grids[0])
        var (seconds, memory, longest, beyondMemory, beyondTime, tasks) = (0.0, 0, 0.0, 0, 0, 0)
        for point in 0..<grid.pointCount where grid.isIncluded(point) {
            let cost = try grid.cost(at: point)
            tasks += 3
            seconds += 3 * cost.seconds
            memory = max(memory, cost.memory)
            longest = max(longest, cost.seconds)
            if cost.memory > 10_000 { beyondMemory += 3 }
            if cost.seconds > 6e-6 { beyondTime += 3 }
        }
        let share = plan.shares[0]
        #expect(abs(plan.seconds - seconds) < 1e-9 * seconds)
        #expect(plan.tasks == tasks && share.excluded == grid.pointCount - tasks / 3)
        #expect(plan.memory == memory && share.longestSeconds == longest)
        #expect(share.beyondMemory?.tasks == beyondMemory && share.beyondTime?.tasks == beyondTime)
        #expect(beyondMemory > 0 && beyondMemory < tasks && beyondTime > 0)
        // Two times of two observables and one number without time.
        #expect(plan.recordedBytes == tasks * (2 * 2 + 1) * 8)
        #expect(abs(plan.wallSeconds(ranks: 2) - seconds / 2) < 1e-9 * seconds)
        #expect(plan.wallSeconds(ranks: 1000) == longest)
    }

    @Test func `tasks come longest first, each included point once`() throws {
        let job = try job(Self.text.replacingOccurrences("  d: 100", "  d: {logspace: [10, 10000, 9]}"))
        let order = try TaskOrder(job)
        let expected = job.grids.enumerated().flatMap { method, grid in
            (0..<grid.pointCount).filter(grid.isIncluded).map { job.pointIndex(method: method, point: $0) }
        }
        #expect(order.points.map(Int.init).sorted() == expected)
        var last = Double.infinity
        var lastPoint = -1
        for index in order.points {
            let (method, point) = job.point(at: Int(index))
            let seconds = try job.grids[method].cost(at: point).seconds
            // Within an eighth of an octave.
            #expect(seconds <= last * 1.0906)
            if seconds == last { #expect(Int(index) > lastPoint) }
            (last, lastPoint) = (seconds, Int(index))
        }
        let fewer = try TaskOrder(job) { method, point in method == 0 && point % 2 == 0 }
        #expect(fewer.points.allSatisfy { $0 % 2 == 0 && $0 < job.grids[0].pointCount })
        // When the ODE is measured to be a million times slower, it comes first.
        let measured = try TaskOrder(job, speed: [1e6, 1e-6, 1])
        #expect(job.point(at: Int(measured.points[0])).method == 0)
    }

    @Test func `costs over very many combinations are sampled, and the largest is among them`() throws {
        let job = try job(
            BadJob.having("  d: {range: [2, 40001, 1]}\n  L: {range: [1, 64, 1]}\n  step_size: 0.1"))
        let plan = try Plan(job)
        #expect(plan.tasks == 40_000 * 64)
        #expect(plan.memory == 8 * 40_001 * 64 + 2 * 8 * (2 * 2 + 1))
        // The mean of d * L over the box, times 1e-9 * 10 seconds.
        let exact = 1e-8 * Double(plan.tasks) * 20_001.5 * 32.5
        #expect(abs(plan.seconds / exact - 1) < 0.01)
    }
}
