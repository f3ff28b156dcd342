import Numerics
import Persistence
import Randomness
import Testing

@Suite struct StateArchiveTests {
    /// One item of every kind.
    private struct Everything: Resumable, Equatable {
        struct Part: Resumable, Equatable {
            var count = 0
            var trace: [Double] = []

            mutating func exchange(with archive: inout StateArchive) throws {
                try archive.exchange(&count, in: 0...10)
                try archive.exchange(resizing: &trace)
            }
        }

        var count = 0
        var bits: UInt64 = 0
        var flag = false
        var x = 0.0
        var y: Float = 0
        var text = ""
        var doubles: [Double] = [0, 0, 0]
        var floats: [Float] = [0, 0, 0, 0, 0]
        var integers = [0, 0]
        var empty: [Double] = []
        var grown: [Double] = []
        var grownFloats: [Float] = []
        var grownIntegers: [Int] = [1, 2, 3]
        var part = Part()
        var parts = [Part(), Part()]

        mutating func exchange(with archive: inout StateArchive) throws {
            try archive.exchange(&count)
            try archive.exchange(&bits)
            try archive.exchange(&flag)
            try archive.exchange(&x)
            try archive.exchange(&y)
            try archive.exchange(&text)
            try archive.exchange(&doubles)
            try archive.exchange(&floats)
            try archive.exchange(&integers)
            try archive.exchange(&empty)
            try archive.exchange(resizing: &grown)
            try archive.exchange(resizing: &grownFloats)
            try archive.exchange(resizing: &grownIntegers)
            try archive.exchange(&part)
            try archive.exchange(&parts)
        }

        static let changed = Everything(
            count: -7, bits: .max, flag: true, x: -0.0, y: .leastNonzeroMagnitude, text: "α = ∞",
            doubles: [.infinity, .leastNonzeroMagnitude, 0.1], floats: [1, 2, 3, -0.0, .greatestFiniteMagnitude],
            integers: [.min, .max], grown: [1, 2, 3, 4, 5], grownFloats: [0.5], grownIntegers: [],
            part: Part(count: 10, trace: [7]), parts: [Part(count: 1, trace: []), Part(count: 2, trace: [8, 9])])
    }

    /// What the value hands over, as a list of steps.
    private struct Listed: Resumable {
        let steps: (inout StateArchive) throws -> Void
        mutating func exchange(with archive: inout StateArchive) throws { try steps(&archive) }
    }

    private func restore(_ bytes: [UInt8], _ steps: @escaping (inout StateArchive) throws -> Void) throws {
        var value = Listed(steps: steps)
        try StateArchive.restore(&value, from: bytes)
    }

    @Test func everyKindOfItemComesBackAsItWas() throws {
        var saved = Everything.changed
        let bytes = try StateArchive.save(&saved)
        #expect(saved == .changed)
        var restored = Everything()
        try StateArchive.restore(&restored, from: bytes)
        #expect(restored == .changed)
        #expect(restored.x.sign == .minus && restored.floats[3].sign == .minus)
        #expect(try StateArchive.save(&restored) == bytes)
    }

    @Test func undefinedNumbersKeepTheirBits() throws {
        let odd = Double(bitPattern: 0x7FF4_0000_DEAD_BEEF)
        var array = [odd, 1]
        var value = Listed { try $0.exchange(&array) }
        let bytes = try StateArchive.save(&value)
        array = [0, 0]
        try StateArchive.restore(&value, from: bytes)
        #expect(array[0].bitPattern == odd.bitPattern && array[1] == 1)
    }

    @Test func aValueBehindAProtocolIsSavedAndRestored() throws {
        var saved: any Resumable = Everything.changed
        let bytes = try StateArchive.save(&saved)
        var restored: any Resumable = Everything()
        try StateArchive.restore(&restored, from: bytes)
        #expect(restored as? Everything == .changed)
    }

    @Test func bytesCutShortAnywhereOrTooLongAreRefused() throws {
        var saved = Everything.changed
        let bytes = try StateArchive.save(&saved)
        for count in 0..<bytes.count {
            var value = Everything()
            #expect(throws: StateArchiveError.self) {
                try StateArchive.restore(&value, from: Array(bytes.prefix(count)))
            }
        }
        var value = Everything()
        #expect(throws: StateArchiveError.leftOver(bytes: 1)) { try StateArchive.restore(&value, from: bytes + [0]) }
    }

    @Test func anyBitMayFlipWithoutATrap() throws {
        var saved = Everything.changed
        let bytes = try StateArchive.save(&saved)
        var refused = 0
        for bit in 0..<8 * bytes.count {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            var value = Everything()
            do { try StateArchive.restore(&value, from: damaged) } catch is StateArchiveError { refused += 1 }
        }
        // The headers alone are a good part of this value.
        #expect(refused > 8 * bytes.count / 4)
    }

    @Test func anItemOfAnotherKindOrCountIsRefused() throws {
        var (a, b, c, d, e, f) = (1, UInt64(1), true, 1.0, Float(1), "1")
        var (g, h, i) = ([1.0], [Float(1)], [1])
        var (part, parts) = (Everything.Part(), [Everything.Part()])
        let items: [(inout StateArchive) throws -> Void] = [
            { try $0.exchange(&a) }, { try $0.exchange(&b) }, { try $0.exchange(&c) }, { try $0.exchange(&d) },
            { try $0.exchange(&e) }, { try $0.exchange(&f) }, { try $0.exchange(&g) }, { try $0.exchange(&h) },
            { try $0.exchange(&i) }, { try $0.exchange(&part) }, { try $0.exchange(&parts) },
        ]
        for (saved, item) in items.enumerated() {
            var value = Listed(steps: item)
            let bytes = try StateArchive.save(&value)
            for (restored, other) in items.enumerated() {
                if restored == saved {
                    try restore(bytes, other)
                } else {
                    #expect(throws: StateArchiveError.self, "\(saved) as \(restored)") { try restore(bytes, other) }
                }
            }
        }
        var two = [1.0, 2.0]
        var value = Listed { try $0.exchange(&two) }
        let bytes = try StateArchive.save(&value)
        #expect(throws: StateArchiveError.self) { try restore(bytes) { try $0.exchange(&g) } }
        try restore(bytes) { try $0.exchange(resizing: &g) }
        #expect(g == two)
    }

    @Test func whereAPartEndsBelongsToTheLayout() throws {
        struct Part: Resumable {
            var items: [Int]
            mutating func exchange(with archive: inout StateArchive) throws {
                for index in items.indices { try archive.exchange(&items[index]) }
            }
        }
        struct Pair: Resumable {
            var (first, second): (Part, Part)
            mutating func exchange(with archive: inout StateArchive) throws {
                try archive.exchange(&first)
                try archive.exchange(&second)
            }
        }
        var saved = Pair(first: Part(items: [1]), second: Part(items: [2, 3]))
        var other = Pair(first: Part(items: [1, 2]), second: Part(items: [3]))
        let bytes = try StateArchive.save(&saved)
        #expect(throws: StateArchiveError.self) { try StateArchive.restore(&other, from: bytes) }
    }

    @Test func anAbsurdCountAllocatesNothing() throws {
        var array: [Double] = [1, 2]
        var value = Listed { try $0.exchange(resizing: &array) }
        var bytes = try StateArchive.save(&value)
        // The count's bytes in the array's header, after that of the value.
        for index in 9..<16 { bytes[index] = 0xFF }
        #expect(throws: StateArchiveError.self) { try StateArchive.restore(&value, from: bytes) }
        #expect(array == [1, 2])
    }

    @Test func numbersOutsideTheirRangeAreRefused() throws {
        var number = 11
        var value = Listed { try $0.exchange(&number) }
        let bytes = try StateArchive.save(&value)
        #expect(throws: StateArchiveError.self) { try restore(bytes) { try $0.exchange(&number, in: 0...10) } }
        try restore(bytes) { try $0.exchange(&number, in: 0...11) }
    }

    @Test func aRandomStreamGoesOnWhereItWasSaved() throws {
        let start = RandomStream(identity: RandomStreamTests.identity, substream: 3)
        var stream = start
        for draws in 0..<300 {
            _ = stream.normal()
            if draws % 3 == 0 { _ = stream.uniform() }
            if draws % 7 == 0 { _ = RandomStreamTests.floats(&stream, draws % 50) }
            let bytes = try StateArchive.save(&stream)
            var (restored, original) = (start, stream)
            try StateArchive.restore(&restored, from: bytes)
            #expect(restored.position == original.position)
            for _ in 0..<70 {
                #expect(restored.normal() == original.normal() && restored.uniform() == original.uniform())
            }
            #expect(RandomStreamTests.floats(&restored, 40) == RandomStreamTests.floats(&original, 40))
        }
    }

    @Test func thePositionOfAnotherStreamIsRefused() throws {
        var stream = RandomStream(identity: RandomStreamTests.identity, substream: 3)
        let bytes = try StateArchive.save(&stream)
        var sibling = stream.substream(4)
        #expect(throws: StateArchiveError.self) { try StateArchive.restore(&sibling, from: bytes) }
        var stranger = RandomStream(identity: TaskIdentity(high: 1, low: 2), substream: 3)
        #expect(throws: StateArchiveError.self) { try StateArchive.restore(&stranger, from: bytes) }
    }
}
