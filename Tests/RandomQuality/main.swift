import CTestU01
import Foundation
import Randomness

/// `RandomQuality small|crush|big counters|keys|streams [FIRST LAST]`: the words of the generator through a battery of TestU01
/// (L'Ecuyer and Simard, ACM TOMS 33, 2007), in one of three orders; of BigCrush only the tests of those numbers when they
/// are given, since all take hours.
///
/// Built with DYNSWEEP_TESTU01=1 in the environment alone (`make random-quality`): the library is not free software.
enum Order: String {
    /// One stream from its beginning.
    case counters
    /// The first block of neighbouring tasks' streams.
    case keys
    /// A block in turn of each of 1024 neighbouring tasks' streams.
    case streams

    func block(_ number: UInt64) -> SIMD2<UInt64> {
        let key = SIMD2<UInt64>(0x1319_8A2E_0370_7344, 0x243F_6A88_85A3_08D3)
        return switch self {
        case .counters: ARS.block(counter: SIMD2(number, 0), key: key)
        case .keys: ARS.block(counter: SIMD2(0, 0), key: key &+ SIMD2(number, 0))
        case .streams: ARS.block(counter: SIMD2(number >> 10, 0), key: key &+ SIMD2(number & 1023, 0))
        }
    }
}

/// The words of the blocks, one at a time.
struct Words {
    let order: Order
    private var number: UInt64 = 0
    private var block = SIMD2<UInt64>()
    private var left = 0

    init(_ order: Order) { self.order = order }

    mutating func next() -> UInt32 {
        if left == 0 {
            block = order.block(number)
            number += 1
            left = 4
        }
        left -= 1
        return UInt32(truncatingIfNeeded: block[(3 - left) / 2] >> (left % 2 == 0 ? 32 : 0))
    }
}

nonisolated(unsafe) var words = Words(.counters)

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 2, let order = Order(rawValue: arguments[1]), ["small", "crush", "big"].contains(arguments[0])
else {
    print("usage: RandomQuality small|crush|big counters|keys|streams [FIRST LAST]")
    exit(2)
}
words = Words(order)
var name = Array("\(RandomStream.generator), \(order.rawValue)".utf8CString)
let generator = unif01_CreateExternGenBits(&name) { words.next() }
switch arguments[0] {
case "small": bbattery_SmallCrush(generator)
case "crush": bbattery_Crush(generator)
default:
    let (first, last) = arguments.count == 4 ? (Int(arguments[2]) ?? 1, Int(arguments[3]) ?? 106) : (1, 106)
    var repetitions = [Int32](repeating: 0, count: 200)
    for number in max(1, first)...min(106, max(first, last)) { repetitions[number] = 1 }
    bbattery_RepeatBigCrush(generator, &repetitions)
}
