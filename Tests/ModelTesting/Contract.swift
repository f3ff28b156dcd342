import Modeling

// What every run and every cost must be like, whatever the model.

extension TaskHarness {
    /// The observables that a method declares, but for fractions over seeds, and that no task at these points puts: none
    /// should be left. An error stands among them as its text, also that of a run that puts what is not declared.
    ///
    /// - Parameter asNumbers: whether NaN does not count.
    public func observablesNotPut(
        by method: String, at points: [Given], times: [Double], asNumbers: Bool = false
    ) -> Set<String> {
        orError {
            let names = try spec(method).observables.filter { $0.aggregate == nil }.map(\.name)
            var left = Set(names)
            guard left.count == names.count else { return ["an observable is declared twice"] }
            for values in points {
                let record = try run(method, values, times: times, observables: Set(names))
                let put = record.sink.audit?.put ?? []
                left.subtract(put.filter { !asNumbers || record($0).contains { !$0.isNaN } })
            }
            return left
        }
    }

    /// The observables whose values at the last of `times` depend on whether the others are recorded: none should. An
    /// error stands among them as its text. Kernels, which have as many numbers as there are times, are not compared.
    public func observablesMovedByRecording(
        _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .steps
    ) -> Set<String> {
        orError {
            let all = try run(method, values, times: times, unit: unit).sink
            let last = try run(method, values, times: times.suffix(1), unit: unit).sink
            let moved = all.slots.indices.filter { index in
                let slot = all.slots[index]
                let ends = [all, last].map { $0.buffers[index].suffix(slot.width).map(\.bitPattern) }
                return last.slots[index].shape == slot.shape && ends[0] != ends[1]
            }
            return Set(moved.map { all.slots[$0].name })
        }
    }

    /// The methods whose cost at a point has no seconds or no memory: none should. An error stands among them as its text.
    public func methodsWithoutCost(at values: Given, times: [Double]) -> Set<String> {
        orError {
            Set(
                try model.methods.map(\.name).filter { method in
                    let cost = try prepare(method, values, times: times).cost()
                    return cost.seconds <= 0 || cost.memory <= 0
                })
        }
    }

    /// The step at which a task leaves the numbers, and what it says of it; nil when it comes to its end.
    public func divergence(
        _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .steps
    ) throws -> (step: Int, text: String)? {
        do {
            _ = try run(method, values, times: times, unit: unit)
            return nil
        } catch ModelError.diverged(let step, let text) { return (step, text) }
    }
}
