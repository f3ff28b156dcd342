import Foundation
import Numerics
import Randomness
import Testing

@Suite struct RandomStreamTests {
    static let identity = TaskIdentity(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)

    /// A block of the sequence as its documentation states it.
    static func words(_ block: Int, family: UInt64) -> SIMD2<UInt64> {
        ARS.block(counter: SIMD2(UInt64(block) | family << 62, 3), key: SIMD2(identity.low, identity.high))
    }

    @Test("double-precision draws are Box and Muller's transform of their words to 8e-16 of the radius")
    func doubleTransform() {
        var stream = RandomStream(identity: Self.identity, substream: 3)
        var largest = 0.0
        for i in 0..<100_000 {
            let (batch, place) = (i / 16 * 8, i % 8)
            let radiusWord = Self.words(batch + place / 2, family: 0)[place % 2]
            let angleWord = Self.words(batch + place / 2 + 4, family: 0)[place % 2]
            let u = (Double(radiusWord >> 12) + 0.5) * 0x1p-52
            let angle = .pi * ((Double(angleWord >> 12) + 0.5) * 0x1p-52 - 0.5)
            let radius = (radiusWord & 1 == 1 ? -1 : 1) * (-2 * log(u)).squareRoot()
            let expected = radius * (i % 16 < 8 ? cos(angle) : sin(angle))
            largest = max(largest, abs((stream.normal() - expected) / radius))
        }
        #expect(largest < 8e-16)
    }

    @Test("single-precision draws are Box and Muller's transform of their words to 3e-7 of the radius")
    func floatTransform() {
        var stream = RandomStream(identity: Self.identity, substream: 3)
        let draws = Self.floats(&stream, 1_000_000)
        var largest = 0.0
        for i in draws.indices {
            let (batch, place) = (i / 32 * 8, i % 16)
            func word(_ block: Int) -> UInt32 {
                UInt32(truncatingIfNeeded: Self.words(block, family: 1)[place % 4 / 2] >> (place % 2 == 0 ? 0 : 32))
            }
            let (radiusWord, angleWord) = (word(batch + place / 4), word(batch + place / 4 + 4))
            let u = Double(Float(radiusWord >> 1) + 0.5) * 0x1p-31
            let angle = Double(Int32(bitPattern: angleWord | 1)) * 0x1p-31 * (.pi / 2)
            let radius = (radiusWord & 1 == 1 ? -1 : 1) * (-2 * log(u)).squareRoot()
            let expected = radius * (i % 32 < 16 ? cos(angle) : sin(angle))
            largest = max(largest, abs((Double(draws[i]) - expected) / radius))
        }
        #expect(largest < 3e-7)
    }

    @Test("the bits of the first thousand draws of each kind, the same for every processor and build level")
    func bits() {
        var stream = RandomStream(identity: Self.identity, substream: 3)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ bits: UInt64) { hash = (hash ^ bits) &* 0x100_0000_01B3 }
        for _ in 0..<1000 { mix(stream.normal().bitPattern) }
        #expect(hash == 12853844876716165351)
        for x in Self.floats(&stream, 1000) { mix(UInt64(x.bitPattern)) }
        #expect(hash == 468564737894577722)
        for _ in 0..<1000 { mix(stream.uniform().bitPattern) }
        #expect(hash == 2611820136849554130)
        for k in [0.3, 1, 7, 1e3, 1e8] { for _ in 0..<200 { mix(stream.chiSquare(k).bitPattern) } }
        #expect(hash == 3746217544003147010)
    }

    @Test("fills of any sizes, mixed with single draws, give one and the same sequence")
    func portions() {
        var single = RandomStream(identity: Self.identity)
        let expected = (0..<3000).map { _ in single.normal() }
        var whole = RandomStream(identity: Self.identity)
        let expectedFloats = Self.floats(&whole, 3000)

        var stream = RandomStream(identity: Self.identity)
        var doubles: [Double] = []
        var floats: [Float] = []
        var size = 1
        while doubles.count < 3000 {
            size = size * 7 % 211
            let count = min(size, 3000 - doubles.count)
            doubles += Self.doubles(&stream, count)
            floats += Self.floats(&stream, count)
            _ = stream.uniform()
            for _ in 0..<min(size % 5, 3000 - doubles.count) { doubles.append(stream.normal()) }
        }
        #expect(doubles == expected)
        #expect(floats == Array(expectedFloats.prefix(floats.count)))
        #expect(stream.position.normals == 3000 && stream.position.floatNormals == UInt64(floats.count))
    }

    @Test("a stream restored from its position goes on bit for bit", arguments: [0, 1, 31, 63, 64, 65, 640, 1001])
    func restore(drawn: Int) throws {
        var stream = RandomStream(identity: Self.identity, substream: 9)
        for _ in 0..<drawn { _ = stream.normal() + stream.chiSquare(3.5) }
        _ = Self.floats(&stream, drawn)
        let stored = try JSONEncoder().encode(stream.position)
        let position = try JSONDecoder().decode(RandomStream.Position.self, from: stored)
        var restored = RandomStream(identity: Self.identity, substream: 9, position: position)
        for _ in 0..<300 {
            #expect(restored.normal() == stream.normal())
            #expect(restored.chiSquare(0.7) == stream.chiSquare(0.7))
        }
        #expect(Self.floats(&restored, 100) == Self.floats(&stream, 100))
        #expect(restored.position == stream.position)
    }

    @Test("identities and substreams that differ in one bit, and the kinds of one stream, are uncorrelated")
    func independence() {
        let count = 20_000
        var streams = [RandomStream(identity: Self.identity)]
        for bit in stride(from: 0, to: 64, by: 7) {
            streams.append(
                RandomStream(identity: TaskIdentity(high: Self.identity.high, low: Self.identity.low ^ 1 << bit)))
        }
        for bit in stride(from: 0, to: 32, by: 7) {
            streams.append(
                RandomStream(identity: TaskIdentity(high: Self.identity.high ^ 1 << bit, low: Self.identity.low)))
            streams.append(streams[0].substream(1 << bit))
        }
        var draws = streams.indices.map { i in Self.doubles(&streams[i], count) }
        draws.append(Self.floats(&streams[0], count).map(Double.init))
        draws.append((0..<count).map { _ in (streams[0].uniform() - 0.5) * 12.0.squareRoot() })
        // About 200 pairs and two statistics each: 4.5 standard errors leave a chance of 3e-3, once and for all.
        let error = 4.5 / Double(count).squareRoot()
        for i in draws.indices {
            for j in 0..<i {
                var product = 0.0
                var squares = 0.0
                for n in 0..<count {
                    product += draws[i][n] * draws[j][n]
                    squares += (draws[i][n] * draws[i][n] - 1) * (draws[j][n] * draws[j][n] - 1)
                }
                #expect(abs(product / Double(count)) < error)
                #expect(abs(squares / Double(count)) < 2 * error)
            }
        }
    }

    @Test("uniforms: open interval, moments, and Kolmogorov-Smirnov at 1e6 draws")
    func uniforms() {
        var stream = RandomStream(identity: Self.identity, substream: 5)
        var statistics = DistributionCheck(order: 4)
        var inside = true
        for _ in 0..<1_000_000 {
            let u = stream.uniform()
            inside = inside && u > 0 && u < 1
            statistics.add(u, probability: u)
        }
        #expect(inside && statistics.kolmogorovSmirnov < 1.95)
        for k in 1...4 {
            let variance = 1 / Double(2 * k + 1) - 1 / Double((k + 1) * (k + 1))
            #expect(abs(statistics.moment(k) - 1 / Double(k + 1)) < 4 * (variance / 1e6).squareRoot())
        }
    }

    static func floats(_ stream: inout RandomStream, _ count: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            stream.fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            filled = count
        }
    }

    static func doubles(_ stream: inout RandomStream, _ count: Int) -> [Double] {
        [Double](unsafeUninitializedCapacity: count) { buffer, filled in
            stream.fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            filled = count
        }
    }
}
