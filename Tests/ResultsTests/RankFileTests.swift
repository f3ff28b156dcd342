import Foundation
import Randomness
import Results
import Sweep
import Testing

/// What a rank leaves for whoever comes after it.
@Suite struct RankFileTests {
    private let task = TaskID(method: 1, point: 22, seed: 3)
    private let identity = TaskIdentity(high: 0x0123_4567_89AB_CDEF, low: 42)

    /// An output in a folder that goes away with it.
    private final class Output {
        let path: String
        private let folder = NSTemporaryDirectory() + "rank-file-tests-" + UUID().uuidString

        init() throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            path = folder + "/out.h5"
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }
    }

    private func state(_ count: Int, _ salt: UInt8) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0) ^ salt }
    }

    @Test func aCheckpointIsReadBackByTheNextRunWhateverItsSizeBecame() throws {
        let output = try Output()
        let sizes = [10, 5000, 4096, 100_000, 3, 250_000, 260_000, 270_000, 1, 0, 8192]
        for (step, size) in sizes.enumerated() {
            // A new object each time: as after a kill.
            let file = try RankFile(output: output.path, slot: 4, grid: 9, rank: 0)
            try file.save(state(size, UInt8(step)), of: task, identity: identity, shape: 7)
            let other = try RankFile(output: output.path, slot: 4, grid: 9, rank: 1)
            #expect(try other.load(identity: identity, shape: 7) == state(size, UInt8(step)))
            #expect(try other.load(identity: identity, shape: 8) == nil, "laid out for other observables")
            #expect(try other.load(identity: TaskIdentity(high: 1, low: 42), shape: 7) == nil)
        }
        let size = try #require(
            try FileManager.default.attributesOfItem(atPath: output.path + ".rank-4")[.size] as? Int)
        #expect(size <= 3 * 270_000 + 3 * 4096)
        let leftover = try #require(RankLeftover.all(of: output.path).first)
        #expect(leftover.slot == 4)
        let checkpoint = try #require(leftover.checkpoint)
        #expect((checkpoint.task, checkpoint.identity, checkpoint.grid) == (task, identity, 9))
        #expect(leftover.flight == nil)
    }

    @Test func aCheckpointCutWhileItWasWrittenLeavesTheOneBefore() throws {
        let output = try Output()
        let path = output.path + ".rank-0"
        let file = try RankFile(output: output.path, slot: 0, grid: 9, rank: 0)
        try file.save(state(6000, 1), of: task, identity: identity, shape: 7)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        try file.save(state(6000, 2), of: task, identity: identity, shape: 7)
        let after = try Data(contentsOf: URL(fileURLWithPath: path))
        let changed = (0..<after.count).filter { $0 >= before.count || before[$0] != after[$0] }
        // Any prefix of the write of the state, with the page still the old one; then any torn page.
        for keep in stride(from: 4096, through: after.count, by: 613) {
            var torn = after
            torn.replaceSubrange(0..<4096, with: before[0..<4096])
            torn = torn.prefix(max(keep, before.count))
            try torn.write(to: URL(fileURLWithPath: path))
            #expect(
                try RankFile(output: output.path, slot: 0, grid: 9, rank: 0).load(identity: identity, shape: 7)
                    == state(6000, 1))
        }
        for place in changed where place < 4096 {
            var torn = after
            torn.replaceSubrange(place..<4096, with: before[place..<4096])
            try torn.write(to: URL(fileURLWithPath: path))
            let found = try RankFile(output: output.path, slot: 0, grid: 9, rank: 0).load(identity: identity, shape: 7)
            #expect(found == state(6000, 1) || found == state(6000, 2))
        }
        // And a state that was damaged later.
        for place in [4096, 5000, 4096 + 8192, after.count - 1] {
            var torn = after
            torn[place] ^= 0x40
            try torn.write(to: URL(fileURLWithPath: path))
            let found = try RankFile(output: output.path, slot: 0, grid: 9, rank: 0).load(identity: identity, shape: 7)
            #expect(found == state(6000, 1) || found == state(6000, 2))
        }
    }

    @Test func whatIsInFlightOutlivesTheObjectAndOnlySomeFatesAccuse() throws {
        let output = try Output()
        do {
            let file = try RankFile(output: output.path, slot: 0, grid: 9, rank: 5)
            file.begin(task, identity: identity)
        }
        var leftover = try #require(RankLeftover.all(of: output.path).first)
        let flight = try #require(leftover.flight)
        #expect(flight.task == task && flight.identity == identity && flight.grid == 9 && flight.rank == 5)
        #expect(flight.fate == .none && flight.accusation == nil, "killed with all others: nobody's fault")
        try leftover.markKilled()
        leftover = try #require(RankLeftover.all(of: output.path).first)
        #expect(leftover.flight?.accusation?.contains("killed") == true)

        let file = try RankFile(output: output.path, slot: 0, grid: 9, rank: 5)
        file.begin(task, identity: identity)
        file.end()
        #expect(RankLeftover.all(of: output.path).first?.flight == nil)
        file.remove()
        #expect(RankLeftover.all(of: output.path).isEmpty)
    }

    @Test func debrisOfThatNameCountsAsEmpty() throws {
        let output = try Output()
        for (slot, bytes) in [Data(), Data("no rank file".utf8), Data(repeating: 0xFF, count: 9000)].enumerated() {
            try bytes.write(to: URL(fileURLWithPath: "\(output.path).rank-\(slot)"))
        }
        let all = RankLeftover.all(of: output.path)
        #expect(all.map(\.slot) == [0, 1, 2])
        #expect(all.allSatisfy { $0.flight == nil && $0.checkpoint == nil })
        let file = try RankFile(output: output.path, slot: 2, grid: 9, rank: 0)
        try file.save(state(100, 3), of: task, identity: identity, shape: 7)
        #expect(try file.load(identity: identity, shape: 7) == state(100, 3))
    }
}
