/// A time limit as Slurm writes it, in whole minutes.
public struct SlurmTime: Hashable, Sendable, CustomStringConvertible {
    public let minutes: Int

    public init(minutes: Int) { self.minutes = minutes }

    /// Reads `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M` or `D-H:M:S`; seconds count up to the next minute. Nil for anything
    /// else, for no time at all and for more than ten years.
    public init?(_ text: String) {
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count <= 2, let clock = halves.last else { return nil }
        var parts: [Int] = []
        for part in clock.split(separator: ":", omittingEmptySubsequences: false) {
            guard !part.isEmpty, part.count <= 7, part.allSatisfy({ $0.isASCII && $0.isNumber }), let value = Int(part)
            else { return nil }
            parts.append(value)
        }
        var days = 0
        if halves.count == 2 {
            guard halves[0].count <= 4, let value = Int(halves[0]), value >= 0, parts.count <= 3 else { return nil }
            days = value
            parts += Array(repeating: 0, count: 3 - parts.count)
        } else {
            switch parts.count {
            case 1: parts = [0, parts[0], 0]
            case 2: parts = [0, parts[0], parts[1]]
            case 3: break
            default: return nil
            }
        }
        let total = days * 1440 + parts[0] * 60 + parts[1] + (parts[2] + 59) / 60
        guard (1...5_256_000).contains(total) else { return nil }
        minutes = total
    }

    /// `HH:MM:00`, or `D-HH:MM:00` from a day on.
    public var description: String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let clock = "\(two(minutes / 60 % 24)):\(two(minutes % 60)):00"
        return minutes < 1440 ? clock : "\(minutes / 1440)-\(clock)"
    }
}
