/// When to publish a file that grows while the run goes on: publishing takes at most a given share of the run's time,
/// whatever the size. A file that grows so fast that writing it once takes more than that share of the time in which it
/// grew is published at the end, or at a stop, only. All times are seconds of one clock.
package struct PublishBudget {
    private let share: Double
    /// The shortest time before the first publish and between two.
    private let pause: Double
    private let begun: Double
    private var lastEnd: Double
    /// What publishing has taken so far.
    package private(set) var spent = 0.0
    /// How long a byte of journal takes to publish; a guess until it was measured.
    private var secondsPerByte = 1 / 100e6
    /// What publishing may take beyond its share, so that short runs show something early.
    package static let allowance = 0.2

    /// As a store of so many ranks has it.
    package init(ranks: Int, options: ResultStore.Options, begun: Double) {
        // Of all ranks' time; but rank 0, whose core it is, must not do much else than its share of tasks.
        self.init(
            share: options.publishShare * Double(min(ranks, 8)), pause: options.firstPublishSeconds, begun: begun)
    }

    package init(share: Double, pause: Double, begun: Double) {
        self.share = share
        self.pause = pause
        self.begun = begun
        lastEnd = begun
    }

    /// Whether a publish of `bytes` of journal that begins at `now` stays within the share. The file has grown since the
    /// last one, so it is the next one's time that counts, not the last one's.
    package func isDue(at now: Double, bytes: Int) -> Bool {
        now >= dueTime(bytes: bytes)
    }

    /// From when on a publish of `bytes` of journal stays within the share; infinite when it never does.
    package func dueTime(bytes: Int) -> Double {
        let excess = spent + expectedSeconds(bytes: bytes) - Self.allowance
        return max(lastEnd + pause, excess > 0 ? begun + excess / share : begun)
    }

    /// How long a publish of `bytes` of journal takes.
    package func expectedSeconds(bytes: Int) -> Double { secondsPerByte * Double(bytes) }

    /// Takes note of a publish that ended at `end` and took `seconds` of a core, whether it succeeded or not.
    package mutating func took(_ seconds: Double, until end: Double, bytes: Int) {
        spent += seconds
        lastEnd = end
        if bytes > 0 { secondsPerByte = seconds / Double(bytes) }
    }
}
