import Modeling
import Sweep

/// A number that two jobs share exactly when their grids do: the same methods, axes, values, fixed parameters, seeds,
/// times and observables in the same order. It is written in journals and result files, so it must not change between
/// versions of the program. Names for display, and the `where` condition, are no part of it.
public struct GridFingerprint: Sendable, Hashable {
    public let value: UInt64

    public init(grids: [MethodGrid]) {
        var text = "grid 2\n"
        for grid in grids {
            text += "method \(grid.model) revision \(grid.revision) \(grid.method.name)\n"
            for axis in grid.axes {
                text += "axis\n"
                for coordinate in axis.coordinates {
                    text += " \(coordinate.name)=" + coordinate.values.map(Self.canonical).joined(separator: ";") + "\n"
                }
            }
            for entry in grid.fixed.entries {
                text += "fixed \(entry.name)=\(Self.canonical(entry.value))\n"
            }
            for derived in grid.derived {
                text += "derived \(derived.name)\(derived.axes)="
                text += derived.values.map(Self.canonical).joined(separator: ";") + "\n"
            }
            if let seeds = grid.seeds { text += "seeds \(seeds.base) \(seeds.count)\n" }
            text += "times \(grid.times.unit.rawValue) "
            text += grid.times.values.map { String($0.bitPattern, radix: 16) }.joined(separator: ";") + "\n"
            for observable in grid.observables {
                text += "observable \(observable.name) \(observable.isRecordedInTime)"
                for dimension in observable.dimensions {
                    switch dimension.extent {
                    case .fixed(let length): text += " \(dimension.name):\(length)"
                    case .parameter(let name, _): text += " \(dimension.name):\(name)"
                    // A space is in no parameter's name.
                    case .recordingTimes: text += " \(dimension.name):recording times"
                    }
                }
                if case .seedMean(let source)? = observable.aggregate { text += " mean \(source)" }
                text += "\n"
            }
        }
        // Zero seeds the checksums of journal headers.
        value = max(1, XXH64.hash(text))
    }

    /// As 16 hexadecimal digits, for attributes.
    public var text: String { Self.hexadecimal(value) }

    static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func canonical(_ value: ParameterValue) -> String {
        switch value {
        case .integer(let number): return "i\(number)"
        case .real(let number): return "r" + String(number.bitPattern, radix: 16)
        case .text(let text): return "t\(text.utf8.count):\(text)"
        case .flag(let flag): return flag ? "b1" : "b0"
        case .array(let array):
            return "a\(array.shape)" + array.elements.map { String($0.bitPattern, radix: 16) }.joined(separator: ",")
        }
    }
}
