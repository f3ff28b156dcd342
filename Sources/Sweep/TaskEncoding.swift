import Modeling
import Numerics

/// The canonical bytes of the tasks of one grid, ready to be put together from an index.
///
/// A task's identity is BLAKE2b-128 of: the digest of (format, model, method, names of the parameters used, sorted);
/// then each parameter's value in that order; then the seed. Integers and reals are 8 bytes little-endian behind a tag
/// (reals by bit pattern, -0 as 0), texts and arrays carry their length, so no two tasks share an encoding.
struct TaskEncoding: Sendable {
    private enum Part: Sendable {
        /// The same for all points.
        case constant(Range<Int>)
        /// Value `i` of an axis is at `offsets[i]..<offsets[i + 1]`.
        case axis(Int, offsets: [Int])
        case derived(Int)
    }

    /// The parameters that name a task, sorted.
    let names: [String]
    private var pool: [UInt8] = []
    private var parts: [Part] = []
    private var capacity = 0

    init(
        model: String, method: String, used: Set<String>, axes: [Axis], fixed: ParameterPoint,
        derived: [DerivedCoordinate]
    ) {
        var places: [String: (axis: Int, coordinate: Int)] = [:]
        for (axis, its) in axes.enumerated() {
            for (coordinate, value) in its.coordinates.enumerated() { places[value.name] = (axis, coordinate) }
        }
        names = used.filter { name in
            places[name] != nil || fixed[name] != nil || derived.contains { $0.name == name }
        }.sorted()

        var schema: [UInt8] = []
        for text in ["dynsweep task 1", model, method] + names { Self.append(text, to: &schema) }
        let digest = Blake2b.digest(schema, length: 16)
        appendConstant { $0 += digest }

        for name in names {
            if let place = places[name] {
                var offsets = [pool.count]
                for value in axes[place.axis].coordinates[place.coordinate].values {
                    Self.append(value, to: &pool)
                    offsets.append(pool.count)
                }
                parts.append(.axis(place.axis, offsets: offsets))
                capacity += zip(offsets.dropFirst(), offsets).map { $0 - $1 }.max() ?? 0
            } else if let index = derived.firstIndex(where: { $0.name == name }) {
                parts.append(.derived(index))
                capacity += derived[index].longestEncoding
            } else if let value = fixed[name] {
                appendConstant { Self.append(value, to: &$0) }
            }
        }
        capacity += 9
    }

    private mutating func appendConstant(_ write: (inout [UInt8]) -> Void) {
        let start = pool.count
        write(&pool)
        capacity += pool.count - start
        if case .constant(let last)? = parts.last, last.upperBound == start {
            parts[parts.count - 1] = .constant(last.lowerBound..<pool.count)
        } else {
            parts.append(.constant(start..<pool.count))
        }
    }

    /// The identity of the task at `point` of `grid`, with a seed's value (nil for unseeded methods).
    func identity(_ point: Int, of grid: MethodGrid, seed: Int?) -> TaskIdentity {
        withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 8) { buffer in
            var count = 0
            pool.withUnsafeBytes { pool in
                func copy(_ range: Range<Int>) {
                    UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: pool[range]))
                    count += range.count
                }
                for part in parts {
                    switch part {
                    case .constant(let range): copy(range)
                    case .axis(let axis, let offsets):
                        let index = grid.index(of: point, along: axis)
                        copy(offsets[index]..<offsets[index + 1])
                    case .derived(let index):
                        var bytes: [UInt8] = []
                        Self.append(grid.derivedValue(index, at: point), to: &bytes)
                        for byte in bytes {
                            buffer[count] = byte
                            count += 1
                        }
                    }
                }
            }
            if let seed {
                buffer[count] = 1
                let word = UInt64(bitPattern: Int64(seed))
                for i in 0..<8 { buffer[count + 1 + i] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(i))) }
                count += 9
            } else {
                buffer[count] = 0
                count += 1
            }
            let (low, high) = Blake2b.digest128(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            return TaskIdentity(high: high, low: low)
        }
    }

    // MARK: Bytes

    private static func append(_ word: UInt64, to bytes: inout [UInt8]) {
        for i in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(i)))) }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(UInt64(text.utf8.count), to: &bytes)
        bytes += text.utf8
    }

    static func append(_ value: ParameterValue, to bytes: inout [UInt8]) {
        switch value {
        case .integer(let value):
            bytes.append(1)
            append(UInt64(bitPattern: Int64(value)), to: &bytes)
        case .real(let value):
            bytes.append(2)
            append((value == 0 ? 0 : value).bitPattern, to: &bytes)
        case .text(let value):
            bytes.append(3)
            append(value, to: &bytes)
        case .flag(let value): bytes += [4, value ? 1 : 0]
        case .array(let value):
            bytes.append(5)
            append(UInt64(value.shape.count), to: &bytes)
            for length in value.shape { append(UInt64(length), to: &bytes) }
            for element in value.elements { append((element == 0 ? 0 : element).bitPattern, to: &bytes) }
        }
    }
}
