import Foundation
import Numerics
import Testing

@Suite struct RootFindingTests {
    @Test("roots to machine precision, in few evaluations")
    func precision() throws {
        var calls = 0
        let root = try rootBrent(from: 0, to: 1) { x in
            calls += 1
            return cos(x) - x
        }
        #expect(abs(root - 0.73908513321516064166) < 4e-16)
        #expect(calls < 15)
        #expect(try abs(rootBrent(from: 1, to: 100) { $0 * $0 * $0 - 27 } - 3) < 3e-15)
        #expect(try rootBrent(from: -1, to: 1) { $0 } == 0)
    }

    @Test("a jump and a flat triple root are found too")
    func hard() throws {
        #expect(try abs(rootBrent(from: -3, to: 2) { $0 < 0.3 ? -1 : 1 } - 0.3) < 1e-15)
        #expect(try abs(rootBrent(from: -1, to: 3, tolerance: 1e-9) { pow($0 - 0.5, 3) } - 0.5) < 1e-8)
    }

    @Test("no bracket, infinite ends and undefined functions are errors")
    func errors() {
        #expect(throws: RootError.notBracketed(lower: 1, upper: 2, valueAtLower: 1, valueAtUpper: 4)) {
            try rootBrent(from: 1, to: 2) { $0 * $0 }
        }
        #expect(throws: RootError.self) { try rootBrent(from: 0, to: .infinity) { $0 - 1 } }
        #expect(throws: RootError.self) { try rootBrent(from: 0, to: 1) { $0 == 0 ? -1 : ($0 == 1 ? 1 : .nan) } }
    }

    @Test("the first change of sign on a grid")
    func bracket() throws {
        let found = try #require(firstSignChange(on: stride(from: 0.05, through: 10, by: 0.1)) { sin($0) })
        #expect(found.lower < .pi && .pi < found.upper)
        let none = firstSignChange(on: [1, 2, 3]) { $0 }
        #expect(none == nil)
        let hidden = firstSignChange(on: [-1, 0, 1]) { $0.isZero ? .nan : $0 }
        #expect(hidden == nil)
    }
}
