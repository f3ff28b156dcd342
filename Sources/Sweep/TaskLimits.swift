import Modeling

/// A limit of the job that a task is expected to go over.
public enum LimitExcess: Sendable, Hashable {
    /// Bytes.
    case memory(need: Int, limit: Int)
    /// Bytes, of all that the machine has.
    case machine(need: Int, memory: Int)
    /// Seconds.
    case time(need: Double, limit: Double)
}

extension JobLimits {
    /// Estimated times are good to about this factor: a task is refused when its estimate is so many times the limit, and
    /// below that it is stopped at the limit if need be.
    public static let timeMargin = 2.0

    /// Why a task of this expected cost is not begun at all; nil when it may be.
    ///
    /// - Parameter machineMemory: the bytes of the machine that would run it; nil: not looked at.
    public func refusal(of cost: Cost, machineMemory: Int? = nil) -> LimitExcess? {
        if let machineMemory, cost.memory > machineMemory {
            return .machine(need: cost.memory, memory: machineMemory)
        }
        if let taskMemory, cost.memory > taskMemory { return .memory(need: cost.memory, limit: taskMemory) }
        if let taskSeconds, cost.seconds > Self.timeMargin * taskSeconds {
            return .time(need: cost.seconds, limit: taskSeconds)
        }
        return nil
    }
}

extension LimitExcess {
    /// What of a cost is limited.
    fileprivate func need(_ cost: Cost) -> Double {
        switch self {
        case .memory, .machine: Double(cost.memory)
        case .time: cost.seconds
        }
    }
}

extension MethodGrid {
    /// What brings a task's cost down, in words: `lower mc_samples (100000), width (4) or record.times`. The parameters
    /// are found by trying: each of those that the method looks at is halved, or doubled, by itself.
    ///
    /// - Parameter parameters: those of the task.
    /// - Returns: nil when none of them changes the cost.
    public func remedy(for excess: LimitExcess, at parameters: ParameterPoint) -> String? {
        guard let cost = try? cost(of: parameters) else { return nil }
        let now = excess.need(cost)
        func gain(_ cost: Cost?) -> Double {
            guard let cost else { return 0 }
            let need = excess.need(cost)
            return need.isFinite && need >= 0 ? now / max(need, 1e-300) : 0
        }
        var lower: [(text: String, gain: Double)] = []
        var raise: [(text: String, gain: Double)] = []
        for name in usedParameters {
            guard let value = parameters[name] ?? fixed[name] else { continue }
            func tried(_ factor: Double) -> Double {
                guard let other = scaled(value, by: factor, name) else { return 0 }
                var changed = parameters
                changed[name] = other
                return gain(try? self.cost(of: changed))
            }
            let (halved, doubled) = (tried(0.5), tried(2))
            if halved > Self.worthwhile {
                lower.append(("\(name) (\(value.text))", halved))
            } else if doubled > Self.worthwhile {
                raise.append(("\(name) (\(value.text))", doubled))
            }
        }
        if times.values.count > 1 {
            let gain = gain(try? self.cost(of: parameters, recordingTimes: times.values.count / 2))
            if gain > Self.worthwhile { lower.append(("record.times", gain)) }
        }
        let parts = [("lower ", lower), ("raise ", raise)].filter { !$0.1.isEmpty }.map { verb, found in
            let best = found.sorted { ($0.gain, $1.text) > ($1.gain, $0.text) }.prefix(3).map(\.text)
            guard best.count > 1 else { return verb + best[0] }
            return verb + best.dropLast().joined(separator: ", ") + " or " + best[best.count - 1]
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", or ")
    }

    /// A change that makes less of a difference than this is no remedy.
    private static let worthwhile = 1.05

    /// A number of the parameter's range near `factor` times `value`; nil when there is none.
    private func scaled(_ value: ParameterValue, by factor: Double, _ name: String) -> ParameterValue? {
        guard let kind = implementation.parameters.first(where: { $0.name == name })?.kind else { return nil }
        let other: ParameterValue
        switch value {
        case .integer(let number):
            guard let scaled = Int(exactly: (Double(number) * factor).rounded()) else { return nil }
            other = .integer(scaled)
        case .real(let number): other = .real(number * factor)
        default: return nil
        }
        return other == value || kind.problem(with: other) != nil ? nil : other
    }
}
