import Foundation
import Logging
import Results
import Sweep

/// Says on standard error how far the run is: one live line on a terminal, else a log line now and then.
final class Progress {
    private let logger: Logger
    private let isLive: Bool
    private let ranks: Int
    private let part: SharePart?
    private let start = ContinuousClock.now
    private var lastShown: ContinuousClock.Instant
    private var finishedNow = 0
    private var failedNow = 0
    private var taskSeconds = 0.0
    private var hasLine = false
    private var lastProblem: String?

    /// Set by a supervisor whose standard error is a terminal; the ranks' own is a pipe to the launcher.
    static let terminalVariable = "DYNSWEEP_TERMINAL"

    private static let liveInterval = 0.2
    private static let logInterval = 15.0

    /// - Parameter part: the share that is computed; nil: the whole grid.
    init(logger: Logger, isQuiet: Bool, ranks: Int, part: SharePart? = nil) {
        self.logger = logger
        self.part = part
        self.ranks = ranks
        let hasTerminal = isatty(STDERR_FILENO) == 1 || getenv(Self.terminalVariable) != nil
        isLive = !isQuiet && hasTerminal
        lastShown = start
    }

    func count(_ entry: RecordEntry) {
        finishedNow += 1
        taskSeconds += entry.wallSeconds
        if entry.status != .done { failedNow += 1 }
    }

    /// Shows the state when it is time to.
    func update(queue: TaskQueue, store: ResultStore, force: Bool) {
        let now = ContinuousClock.now
        let interval = isLive ? Self.liveInterval : Self.logInterval
        guard force || (now - lastShown).seconds >= interval else { return }
        if let problem = store.publishingProblem.map({ "\($0)" }), problem != lastProblem {
            close()
            logger.warning("cannot publish, will try again; nothing is lost: \(problem)")
            lastProblem = problem
        }
        if force && !isLive && finishedNow == 0 { return }
        lastShown = now
        let elapsed = (now - start).seconds
        let rate = elapsed > 0 ? Double(finishedNow) / elapsed : 0
        let counts = store.counts
        let total = part?.total ?? counts.total - counts[.excluded]
        let unfinished = part?.unfinished(counts) ?? counts.unfinished
        var text = "\(total - unfinished) of \(total) tasks, \(Self.rate(rate))"
        if failedNow > 0 { text += ", \(failedNow) failed or diverged" }
        let left = queue.speed.remainingSeconds / Double(ranks)
        if !queue.isEmpty { text += ", about \(Text.duration(left)) left" }
        if isLive {
            Console.draw("\r\u{1B}[2K\(Text.visible(text))")
            hasLine = true
        } else {
            logger.info("\(text)")
        }
    }

    /// Ends the live line, so that what follows starts on a line of its own.
    func close() {
        if hasLine { Console.draw("\n") }
        hasLine = false
    }

    /// How long this run took and how much of it the ranks computed; nil when it ran nothing.
    var busy: String? {
        guard finishedNow > 0 else { return nil }
        let elapsed = (ContinuousClock.now - start).seconds
        let share = 100 * taskSeconds / (elapsed * Double(ranks))
        return "ran \(finishedNow) tasks in \(Text.duration(elapsed)), ranks busy "
            + String(format: "%.1f %%", share) + " of the time"
    }

    private static func rate(_ perSecond: Double) -> String {
        perSecond >= 1 ? String(format: "%.0f/s", perSecond) : String(format: "%.1f/min", perSecond * 60)
    }
}
