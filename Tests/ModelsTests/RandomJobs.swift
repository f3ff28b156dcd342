import Foundation
import ModelExamples
import Modeling
import Models
import Sweep

/// Random jobs of one method of one model, made from its examples.
struct RandomJobs {
    let examples: ModelExamples
    let method: MethodSpec
    var random: RandomStream

    init(_ examples: ModelExamples, _ method: MethodSpec, seed: UInt64) {
        self.examples = examples
        self.method = method
        random = RandomStream(identity: TaskIdentity(high: 0x7061_7274, low: seed))
    }

    /// Parameters and their YAML texts, in the order of the job.
    typealias Given = [(name: String, text: String)]

    mutating func below(_ bound: Int) -> Int { min(Int(random.uniform() * Double(bound)), bound - 1) }

    mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var rest = elements
        var order: [Element] = []
        while !rest.isEmpty { order.append(rest.remove(at: below(rest.count))) }
        return order
    }

    func text(_ parameters: Given, unit: TimeUnit = .steps, times: String? = nil) -> String {
        let given = parameters.map { "\($0.name): \($0.text)" }.joined(separator: ", ")
        let times = times ?? (unit == .steps ? examples.steps : examples.scaled ?? examples.steps)
        let record = method.isTimed ? "record: {times: \(times), time_unit: \(unit.rawValue)}" : ""
        let seeds = method.isSeeded ? "seeds: 2" : ""
        return """
            model: \(examples.model)
            methods: [\(method.name)]
            parameters: {\(given)}
            \(record)
            \(seeds)
            output: /tmp/none.h5
            """
    }

    func job(_ parameters: Given, unit: TimeUnit = .steps, times: String? = nil) -> Job? {
        try? parse(parameters, unit: unit, times: times)
    }

    func parse(_ parameters: Given, unit: TimeUnit = .steps, times: String? = nil) throws -> Job {
        try Job.parse(
            text: text(parameters, unit: unit, times: times), path: "job.yaml", models: allModels, checksOutput: false)
    }

    /// The time unit in which the method takes the examples' times.
    var unit: TimeUnit { method.time == .scaled && examples.scaled != nil ? .scaled : .steps }

    /// A valid point, every parameter with one value: parameters are added in random order as long as the model takes them.
    mutating func point() -> Given? {
        for _ in 0..<10 {
            var given: Given = []
            for name in examples.small.keys.sorted() where examples.always.contains(name) {
                guard let texts = examples.small[name] else { continue }
                given.append((name, texts[below(texts.count)]))
            }
            var isValid = job(given, unit: unit) != nil
            for name in shuffled(examples.small.keys.sorted()) where !examples.always.contains(name) {
                guard let texts = examples.small[name], random.uniform() < 0.4 || !isValid else { continue }
                let longer = given + [(name, texts[below(texts.count)])]
                let isLongerValid = job(longer, unit: unit) != nil
                // What is needed together may come one after the other.
                guard isLongerValid || (!isValid && random.uniform() < 0.5) else { continue }
                (given, isValid) = (longer, isLongerValid)
            }
            if isValid { return shuffled(given) }
        }
        return nil
    }

    /// A valid grid that holds `point`: some parameters with further values, some that had their default with others
    /// beside it, in another order.
    mutating func grid(around point: Given) -> Given? {
        let specs = allModels.first { $0.name == examples.model }?.parameters ?? []
        for _ in 0..<30 {
            var given = point
            for _ in 0..<(1 + below(2)) {
                let names = examples.small.keys.sorted()
                let name = names[below(names.count)]
                let others = shuffled(examples.small[name] ?? [])
                let own: String
                if let place = given.firstIndex(where: { $0.name == name }) {
                    guard !given[place].text.hasPrefix("[") else { continue }
                    own = given.remove(at: place).text
                } else {
                    guard case .value(let value)? = specs.first(where: { $0.name == name })?.defaultValue else {
                        continue
                    }
                    own = value.flowText
                }
                let values = shuffled([own] + others.filter { $0 != own }.prefix(1 + below(2)))
                given.append((name, "[" + values.joined(separator: ", ") + "]"))
            }
            let order = shuffled(given)
            if order.contains(where: { $0.text.hasPrefix("[") }), job(order, unit: unit) != nil { return order }
        }
        return nil
    }
}

extension Job {
    /// The points of the first grid whose parameters have the values of `point` where both say something.
    func points(holding point: ParameterPoint) -> [Int] {
        let grid = grids[0]
        return (0..<grid.pointCount).filter { index in
            grid.isIncluded(index)
                && grid.point(at: index).entries.allSatisfy { point[$0.name] == nil || point[$0.name] == $0.value }
        }
    }

    /// The bits of one task of the first grid.
    func bits(point: Int, seed: Int = 0) throws -> [[UInt64]] {
        let grid = grids[0]
        let prepared = try grid.prepare(at: point)
        var sink = ObservationSink(
            slots: grid.slots(at: point), timeCount: grid.times.values.count,
            auditing: Set(grid.method.observables.map(\.name)))
        var run = try grid.makeRun(
            prepared, random: RandomStream(identity: try grid.identity(point: point, seed: seed)))
        for (index, time) in prepared.targets.enumerated() {
            while try !run.advance(toward: time, quantum: 1 << 16) {}
            sink.timeIndex = index
            if grid.method.isTimed { try run.observe(into: &sink) }
        }
        try run.finish(into: &sink)
        if let name = sink.audit?.undeclared.first {
            throw ModelError.inconsistent("\(grid.method.name) puts '\(name)' and does not declare it")
        }
        return sink.buffers.map { $0.map { $0.isNaN ? Double.nan.bitPattern : $0.bitPattern } }
    }
}
