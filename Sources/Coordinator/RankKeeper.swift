import CPlatform
import Foundation
import Logging
import Randomness
import Results
import Sweep

/// How a run looks after what it might lose.
struct KeepingRules {
    /// Long tasks are saved this often, in seconds.
    var checkpointSeconds: Double
    /// Unfinished tasks with a checkpoint of an earlier run, and the number of the rank file that holds it.
    var checkpoints: [TaskID: Int]
}

/// Keeps this rank's file: which task is in flight, and checkpoints of long ones. A disk that refuses costs the
/// checkpoints, never the run.
final class RankKeeper {
    private let output: String
    private let grid: UInt64
    private let rank: Int
    private let rules: KeepingRules
    private let logger: Logger
    private var slot: Int
    private var file: RankFile?
    private var watchdog: Watchdog?
    private var lastSave = ContinuousClock.now
    private var hasComplained = false
    private var isWorthKeeping = false

    init(job: Job, rank: Int, rules: KeepingRules, logger: Logger) {
        output = job.output
        grid = GridFingerprint(grids: job.grids).value
        self.rank = rank
        self.rules = rules
        self.logger = logger
        // The files of earlier checkpoints keep their numbers until somebody takes their task up.
        let taken = Set(rules.checkpoints.values)
        var free = rank
        var candidate = 0
        while true {
            if !taken.contains(candidate) {
                if free == 0 { break }
                free -= 1
            }
            candidate += 1
        }
        slot = candidate
        cplatform_catch_crashes()
        watchdog = Watchdog(limits: job.limits)
    }

    deinit { cplatform_record_fate(nil) }

    /// Notes that a task begins. Returns the state to go on from when an earlier run left one.
    func begin(
        _ task: TaskID, identity: TaskIdentity, at start: ContinuousClock.Instant, shape: () -> UInt64
    ) -> [UInt8]? {
        lastSave = start
        var state: [UInt8]?
        if !rules.checkpoints.isEmpty, let earlier = rules.checkpoints[task] {
            // Its file becomes ours: the checkpoint stays in place until there is a newer one.
            if file?.checkpoint == nil { file?.remove() }
            use(slot: earlier)
            do { state = try file?.load(identity: identity, shape: shape()) } catch { complain(error) }
        } else if file == nil {
            use(slot: slot)
        }
        file?.begin(task, identity: identity)
        watchdog?.begin(number: file?.number ?? 0, after: 0)
        return state
    }

    /// Notes how long the task ran in earlier runs, which counts towards its time limit.
    func resumed(after seconds: Double) { watchdog?.begin(number: file?.number ?? 0, after: seconds) }

    /// Notes that no task is in flight. A checkpoint stays, since its task's record is still on its way to rank 0.
    func end() {
        watchdog?.end()
        file?.end()
    }

    /// Notes that the task in flight is given up for now.
    func suspend(_ identity: TaskIdentity) {
        end()
        isWorthKeeping = file?.checkpoint == identity
    }

    /// Whether the task in flight is to be saved.
    func isDue(at now: ContinuousClock.Instant) -> Bool { (now - lastSave).seconds >= rules.checkpointSeconds }

    /// Saves the state of the task in flight.
    func save(_ state: [UInt8], of task: TaskID, identity: TaskIdentity, shape: UInt64) {
        do { try file?.save(state, of: task, identity: identity, shape: shape) } catch { complain(error) }
        lastSave = .now
    }

    /// Removes the rank file, unless the task that was given up goes on from it. For an end at which rank 0 has all
    /// records.
    func finish() {
        cplatform_record_fate(nil)
        if !isWorthKeeping { file?.remove() }
        file = nil
    }

    private func use(slot: Int) {
        cplatform_record_fate(nil)
        self.slot = slot
        do {
            let file = try RankFile(output: output, slot: slot, grid: grid, rank: rank)
            self.file = file
            file.flightWords.withMemoryRebound(to: cplatform_flight.self, capacity: 1) { cplatform_record_fate($0) }
        } catch {
            file = nil
            complain(error)
        }
    }

    /// Says once what went wrong with a checkpoint: a full disk would fill the log too.
    func complain(_ error: any Error) {
        guard !hasComplained else { return }
        hasComplained = true
        logger.warning("rank \(rank) cannot use its checkpoints and goes on without: \(error)")
    }
}
