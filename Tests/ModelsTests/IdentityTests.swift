import ModelExamples
import Modeling
import Models
import Numerics
import Sweep
import Testing

/// One method of one model.
struct Method: Sendable, CustomTestStringConvertible {
    let examples: ModelExamples
    let spec: MethodSpec
    var testDescription: String { "\(examples.model) \(spec.name)" }

    static let all: [Method] = allExamples.flatMap { examples in
        (allModels.first { $0.name == examples.model }?.methods ?? []).map { Method(examples: examples, spec: $0) }
    }
}

@Suite("A task is what it is, whatever grid it is in")
struct IdentityTests {
    // As in the program: sums of several threads have other bits.
    init() { BLAS.setSingleThreaded() }

    private static let rounds: UInt64 = 8

    @Test func everyModelHasExamples() {
        #expect(allModels.map(\.name).sorted() == allExamples.map(\.model).sorted())
        for examples in allExamples {
            let names = Set(allModels.first { $0.name == examples.model }?.parameters.map(\.name) ?? [])
            #expect(names == Set(examples.small.keys), "\(examples.model)")
        }
    }

    @Test(arguments: Method.all) func theSameBitsInAnyGrid(method: Method) throws {
        var found = 0
        for round in 0..<Self.rounds {
            var jobs = RandomJobs(method.examples, method.spec, seed: round)
            let place = "round \(round)"
            guard let given = jobs.point(), let alone = jobs.job(given, unit: jobs.unit) else { continue }
            let point = alone.grids[0].point(at: 0)
            let identity = try alone.grids[0].identity(point: 0, seed: 1)
            guard let bits = try? alone.bits(point: 0, seed: 1) else { continue }

            // In a grid, whose axes are in another order than the parameters were.
            guard let inGrid = jobs.grid(around: given) else { continue }
            let grid = try jobs.parse(inGrid, unit: jobs.unit)
            let defaults = allModels.first { $0.name == method.examples.model }?.parameters ?? []
            var whole = point
            for spec in defaults where whole[spec.name] == nil {
                if case .value(let value) = spec.defaultValue { whole[spec.name] = value }
            }
            let places = grid.points(holding: whole)
            #expect(!places.isEmpty, "\(place): \(inGrid)")
            for index in places.prefix(2) {
                #expect(
                    try grid.grids[0].identity(point: index, seed: 1) == identity, "\(place): \(given) in \(inGrid)")
                #expect(try grid.bits(point: index, seed: 1) == bits, "\(place): \(given) in \(inGrid)")
            }
            // The file of the one grows into the other, and nothing of it is computed again.
            #expect(grid.incompatibilities(with: alone).isEmpty, "\(place): \(given) in \(inGrid)")
            let map = GridMap(from: alone.grids[0], to: grid.grids[0])
            #expect(Set(map.points(0)).isSuperset(of: places), "\(place): \(given) in \(inGrid)")
            found += 1
        }
        #expect(found >= Self.rounds / 2, "too few of the random jobs are valid")
    }

    @Test(arguments: Method.all) func theSameBitsWithDefaultsWrittenOut(method: Method) throws {
        for round in 0..<Self.rounds {
            var jobs = RandomJobs(method.examples, method.spec, seed: 100 + round)
            guard let given = jobs.point(), let alone = jobs.job(given, unit: jobs.unit),
                let bits = try? alone.bits(point: 0)
            else { continue }
            let prepared = try alone.grids[0].prepare(at: 0)
            var written = given
            for reading in prepared.readings where !isGiven(reading.name, by: given, method) {
                written.append((reading.name, reading.value.flowText))
            }
            if jobs.job(written, unit: jobs.unit) == nil {
                // What a default follows from may stand in place of it (rho of rank): then what was read stands alone.
                var seen: Set<String> = []
                written = (prepared.readings + prepared.clockReadings).filter { seen.insert($0.name).inserted }
                    .map { ($0.name, $0.value.flowText) }
            }
            let job = try jobs.parse(written, unit: jobs.unit)
            #expect(
                try job.grids[0].identity(point: 0, seed: 0) == alone.grids[0].identity(point: 0, seed: 0),
                "\(given) as \(written)")
            #expect(try job.bits(point: 0) == bits, "\(given) as \(written)")
            #expect(job.incompatibilities(with: alone).isEmpty, "\(given) as \(written)")
        }
    }

    /// Whether the job gives a key, by its name or in another way.
    private func isGiven(_ name: String, by given: RandomJobs.Given, _ method: Method) -> Bool {
        let keys = allModels.first { $0.name == method.examples.model }?.keys ?? []
        let specs = keys.first { $0.specs.first?.name == name }?.specs ?? []
        return given.contains { its in specs.contains { $0.name == its.name } }
    }

    @Test(arguments: Method.all.filter { $0.spec.time == .steps || $0.spec.time == .scaled })
    func theSameBitsInEitherTimeUnit(method: Method) throws {
        guard method.examples.scaled != nil else { return }
        for round in 0..<Self.rounds {
            var jobs = RandomJobs(method.examples, method.spec, seed: 200 + round)
            guard let given = jobs.point(), let own = jobs.job(given, unit: .scaled),
                let other = jobs.job(given, unit: .steps)
            else { continue }
            let identity = try own.grids[0].identity(point: 0, seed: 1)
            #expect(try other.grids[0].identity(point: 0, seed: 1) == identity, "\(given)")
            // The same moments in the other unit, where that is exact.
            let steps = try own.grids[0].prepare(at: 0).targets
            guard method.spec.time == .steps, Set(steps).count == steps.count,
                let same = jobs.job(
                    given, unit: .steps, times: "[\(steps.map { String(Int($0)) }.joined(separator: ", "))]"),
                let bits = try? own.bits(point: 0, seed: 1)
            else { continue }
            #expect(try same.bits(point: 0, seed: 1) == bits, "\(given)")
        }
    }
}
