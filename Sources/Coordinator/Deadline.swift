import Foundation

/// When a run must have left: what the user or the batch system says, on a clock that nobody sets.
public struct Deadline: Sendable, Equatable {
    /// Seconds since 1970, for passing it on to other processes.
    public let epoch: Double
    /// Who set it, for messages.
    public let source: String
    private let instant: ContinuousClock.Instant
    private let begun: ContinuousClock.Instant

    /// - Parameter epoch: seconds since 1970. The wall clock is looked at here and never again.
    public init(epoch: Double, source: String = "--until", now: Date = Date()) {
        self.epoch = epoch
        self.source = source
        begun = .now
        instant = begun + .seconds(epoch - now.timeIntervalSince1970)
    }

    /// Seconds until then.
    var secondsLeft: Double { (instant - .now).seconds }

    /// Seconds that were left when it was set.
    private var span: Double { (instant - begun).seconds }

    /// Whether it is so near that a run which has stopped did so because of it.
    var isPast: Bool { isDue(publishSeconds: 60) }

    /// Whether it is time to stop, when publishing takes `publishSeconds`.
    package func isDue(publishSeconds: Double) -> Bool { secondsLeft <= reserve(publishSeconds: publishSeconds) }

    /// How long before the end to stop, in seconds: early enough that all ranks have left, and late enough that next to
    /// nothing of the allocation is unused (5 s to 2 min; at most a tenth of a short one).
    package func reserve(publishSeconds: Double) -> Double { min(5 + 2 * publishSeconds, 120, max(1, 0.1 * span)) }

    /// The deadline that Slurm set for this allocation; nil outside one, or without a limit.
    public static func ofAllocation(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Deadline? {
        guard let text = environment["SLURM_JOB_END_TIME"], let epoch = Double(text), epoch > 0, epoch < 1e11
        else { return nil }
        return Deadline(epoch: epoch, source: "SLURM_JOB_END_TIME, the end of the Slurm allocation")
    }

    /// Whether it was over before it was set.
    public var wasPast: Bool { span <= 0 }

    /// Reads what a user writes: `90s`, `30min`, `11.5h`, `2d` from now; `18:00` or `18:00:30`, the next such time;
    /// `2026-01-31T18:00`, local time; or seconds since 1970. Nil for anything else.
    public init?(_ text: String, now: Date = Date(), calendar: Calendar = .current) {
        if let seconds = Self.duration(text) {
            self.init(epoch: now.timeIntervalSince1970 + seconds, now: now)
        } else if let epoch = Double(text), epoch > 1e9, epoch < 1e11 {
            self.init(epoch: epoch, now: now)
        } else if let date = Self.timeOfDay(text, now, calendar) ?? Self.dateAndTime(text, calendar) {
            self.init(epoch: date.timeIntervalSince1970, now: now)
        } else {
            return nil
        }
    }

    private static func duration(_ text: String) -> Double? {
        for (unit, seconds) in [("min", 60.0), ("s", 1), ("h", 3600), ("d", 86400)] where text.hasSuffix(unit) {
            guard let value = Double(text.dropLast(unit.count)), value >= 0, value < 1e9 else { return nil }
            return value * seconds
        }
        return nil
    }

    private static func numbers(_ text: Substring, separator: Character) -> [Int]? {
        let parts = text.split(separator: separator, omittingEmptySubsequences: false).map { part in
            part.allSatisfy(\.isNumber) ? Int(part) : nil
        }
        return parts.contains(nil) ? nil : parts.compactMap { $0 }
    }

    private static func time(_ text: Substring) -> DateComponents? {
        guard let parts = numbers(text, separator: ":"), parts.count == 2 || parts.count == 3, parts[0] < 24,
            parts[1] < 60, parts.last ?? 0 < 60
        else { return nil }
        return DateComponents(hour: parts[0], minute: parts[1], second: parts.count == 3 ? parts[2] : 0)
    }

    private static func timeOfDay(_ text: String, _ now: Date, _ calendar: Calendar) -> Date? {
        guard let time = time(text[...]) else { return nil }
        return calendar.nextDate(after: now, matching: time, matchingPolicy: .nextTime)
    }

    private static func dateAndTime(_ text: String, _ calendar: Calendar) -> Date? {
        let halves = text.split(whereSeparator: { $0 == "T" || $0 == " " })
        guard halves.count == 2, let day = numbers(halves[0], separator: "-"), day.count == 3,
            var parts = time(halves[1])
        else { return nil }
        (parts.year, parts.month, parts.day) = (day[0], day[1], day[2])
        guard parts.isValidDate(in: calendar) else { return nil }
        return calendar.date(from: parts)
    }
}
