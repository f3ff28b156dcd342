import Coordinator
import Foundation
import Testing

@Suite struct DeadlineTests {
    private var calendar: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 3600) ?? .gmt
        return calendar
    }

    /// 2026-03-01 12:30:00 at +01:00.
    private let now = Date(timeIntervalSince1970: 1_772_364_600)

    @Test(arguments: [
        ("90s", 90.0), ("30min", 1800), ("1.5h", 5400), ("2d", 172_800), ("18:00", 19_800), ("12:31:05", 65),
        ("12:00", 84_600), ("2026-03-01T13:30", 3600), ("2026-03-02 12:30:00", 86_400), ("1772364700", 100),
    ])
    func aTimeIsReadAsAUserWritesIt(text: String, seconds: Double) throws {
        let deadline = try #require(Deadline(text, now: now, calendar: calendar))
        #expect(deadline.epoch == now.timeIntervalSince1970 + seconds)
    }

    @Test(arguments: [
        "", "s", "-1h", "1e400h", "soon", "24:00", "12:60", "12", "2026-02-30T10:00", "2026-03-01", "1:2:3:4",
    ])
    func anythingElseIsNoTime(text: String) {
        #expect(Deadline(text, now: now, calendar: calendar) == nil)
    }

    @Test func slurmSaysItInSecondsSince1970() {
        #expect(Deadline.ofAllocation(["SLURM_JOB_END_TIME": "1772364700"])?.epoch == 1_772_364_700)
        #expect(Deadline.ofAllocation(["SLURM_JOB_END_TIME": "0"]) == nil, "no limit")
        #expect(Deadline.ofAllocation([:]) == nil)
    }

    /// At most 0.2 % of a day's allocation is left unused, and a short one is not eaten by the reserve.
    @Test(arguments: [(86_400.0, 0.5, 172.8), (86_400, 3600, 172.8), (3600, 1, 30), (40, 100, 4.1)])
    func theReserveIsSmall(allocation: Double, publish: Double, atMost: Double) {
        let start = Date()
        let deadline = Deadline(epoch: start.timeIntervalSince1970 + allocation, now: start)
        #expect(!deadline.isDue(publishSeconds: publish))
        #expect(deadline.reserve(publishSeconds: publish) <= atMost)
        #expect(deadline.reserve(publishSeconds: publish) >= 1)
    }
}
