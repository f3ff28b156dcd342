import Modeling
import Sweep
import Testing

@Suite("A job becomes grids")
struct JobTests {
    static let base = """
        name: escape
        model: toy
        methods: [sgd, ode]
        parameters:
          d: 1000
          L: [2, 4, 8]
          step_size: {logspace: [0.01, 1.0, 9]}
          noise: 0.1
        where: "step_size * L <= 2"
        seeds: 16
        record: {times: {logspace: [1, 100000, 60]}, observables: [overlap, test_loss]}
        output: results/escape.h5
        limits: {task_minutes: 30, task_memory: 2GB}
        """

    @Test func `the example of the design page`() throws {
        let job = try job(Self.base)
        #expect(job.name == "escape")
        #expect(job.grids.map(\.method.name) == ["sgd", "ode"])
        #expect(job.axes.map(\.name) == ["L", "step_size"])
        #expect(job.grids[0].pointCount == 27)
        #expect(job.grids[0].seedCount == 16)
        #expect(job.grids[1].seeds == nil)
        #expect(job.output == "results/escape.h5")
        #expect(job.limits.taskSeconds == 1800)
        #expect(job.limits.taskMemory == 2_000_000_000)
        #expect(job.times.values.first == 1)
        #expect(job.times.values.last == 100000)
        let grid = job.grids[0]
        for point in 0..<grid.pointCount {
            let parameters = grid.point(at: point)
            let isIn = try parameters.real("step_size") * Double(parameters.integer("L")) <= 2
            #expect(grid.isIncluded(point) == isIn)
        }
        #expect(grid.includedCount == (0..<27).count { grid.isIncluded($0) })
        #expect(grid.includedCount < 27)
    }
}
