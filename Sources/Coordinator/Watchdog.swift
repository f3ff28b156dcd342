import CPlatform
import Foundation
import Results
import Sweep
import Synchronization

/// Ends this process when the task in flight goes over the job's limits and does not come back to say so itself: one
/// that hangs, or allocates without end. The rank file then says why, and the next start goes on without that task.
///
/// A thread of its own looks every few hundredths of a second.
final class Watchdog: Sendable {
    private let seconds: Double?
    private let memory: Int?
    private let baseline: Int
    /// The number of the task in flight (0: none) and when it began, in nanoseconds of the monotonic clock, less what it
    /// ran in earlier runs.
    private let number = Atomic<UInt64>(0)
    private let begun = Atomic<Int64>(0)

    /// The task itself looks at its time between slices; this much later it is taken to hang.
    private static let graceSeconds = 1.0
    private static let lookSeconds = 0.02

    /// Nil when there is nothing to watch.
    init?(limits: JobLimits) {
        guard limits.taskSeconds != nil || limits.taskMemory != nil else { return nil }
        seconds = limits.taskSeconds
        memory = limits.taskMemory
        baseline = Self.residentBytes()
        let thread = Thread { [weak self] in
            while let watchdog = self {
                watchdog.look()
                usleep(UInt32(Self.lookSeconds * 1e6))
            }
        }
        thread.name = "watchdog"
        thread.stackSize = 256 << 10
        thread.start()
    }

    /// A task begins that ran for `seconds` in earlier runs.
    func begin(number: UInt64, after seconds: Double) {
        begun.store(Self.now() - Int64(seconds * 1e9), ordering: .relaxed)
        self.number.store(number, ordering: .releasing)
    }

    /// No task is in flight.
    func end() { number.store(0, ordering: .releasing) }

    private func look() {
        let task = number.load(ordering: .acquiring)
        guard task != 0 else { return }
        let elapsed = 1e-9 * Double(Self.now() - begun.load(ordering: .relaxed))
        if let seconds, elapsed > seconds + Self.graceSeconds {
            cplatform_end_task(task, RankFile.Fate.overTime.rawValue, 0)
        }
        if let memory {
            let used = Self.residentBytes() - baseline
            if used > memory { cplatform_end_task(task, RankFile.Fate.overMemory.rawValue, UInt64(used)) }
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// What this process holds in memory; 0 where the system does not say.
    private static func residentBytes() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}
