import Modeling

/// What a method says of a grid when it reads its points: which parameters it looks at, and what does not fit.
///
/// A box of at most ``cellLimit`` points is read whole. Of a larger one cells are read: all combinations of choices, flags
/// and counts, and of each real axis its ends, its middle and one value each of what models treat apart (0, 1, -1, and
/// the intervals between). Should a model look at a parameter elsewhere that no cell looks at, the task there fails
/// (``Reader``); it never takes a default.
struct GridSurvey {
    static let cellLimit = 4096

    /// Parameters that the method looks at, in any cell.
    private(set) var touched: Set<String> = []
    /// The first complaint about each parameter, of included points.
    private(set) var complaints: [Complaint] = []

    struct Complaint {
        let error: ModelError
        /// Given parameters that the method had looked at when it complained.
        let touched: Set<String>
        let indices: [Int]
    }

    /// - Parameters:
    ///   - box: the points.
    ///   - isIncluded: whether the job's `where` leaves the point in.
    ///   - limit: how many cells are read.
    init(
        _ model: any Model, _ method: MethodSpec, _ box: PointBox, times: RecordingTimes, limit: Int = cellLimit,
        isIncluded: ([Int]) -> Bool
    ) {
        let known = Set(model.parameters.map(\.name))
        let counts = box.counts
        let isWhole = (Box.size(counts) ?? .max) <= limit
        let picked = isWhole ? counts.map { Array(0..<$0) } : Self.cells(box.axes, limit: limit)
        Box.forEach(picked.map(\.count)) { _, places in
            let indices = places.indices.map { picked[$0][places[$0]] }
            let counts = isIncluded(indices)
            // A cell stands for points beside it, which may be included when it is not.
            guard counts || !isWhole else { return true }
            // What an expression gives is not in range because it was given: no model has to stand it. The job is refused for
            // it, if the point is included.
            let wrong = box.outOfRange(at: indices)
            guard wrong.isEmpty else {
                if counts { touched.formUnion(wrong) }
                return true
            }
            let point = box.point(at: indices)
            let reader = Reader(point, known: known, leftOut: box.leftOut)
            do {
                _ = try model.prepare(method, reader, times: times)
            } catch let error as ModelError {
                if counts { complain(error, reader, indices, point) }
            } catch {
                if counts { complain(.inconsistent("\(error)"), reader, indices, point) }
            }
            touched.formUnion(reader.touched)
            return true
        }
        for observable in method.observables {
            for case .parameter(let name, _) in observable.dimensions.map(\.extent) { touched.insert(name) }
        }
    }

    private mutating func complain(
        _ error: ModelError, _ reader: Reader, _ indices: [Int], _ point: ParameterPoint
    ) {
        func subject(_ error: ModelError) -> String {
            switch error {
            case .needed(let name), .parameter(let name, _), .conflict(let name, _): name
            default: "\(error)"
            }
        }
        guard complaints.count < 8, !complaints.contains(where: { subject($0.error) == subject(error) }) else { return }
        complaints.append(
            Complaint(error: error, touched: Set(reader.touched.filter { point[$0] != nil }), indices: indices))
    }

    /// Indices along each axis that stand for all, so that there are at most `limit` combinations.
    static func cells(_ axes: [Axis], limit: Int) -> [[Int]] {
        var picked = axes.map { axis in
            // All whole numbers are told apart: a long axis of them is thinned out at once.
            if axis.count > limit, axis.coordinates.count == 1, case .integer = axis.coordinates[0].values[0] {
                let step = axis.count / limit + 1
                return Array(stride(from: 0, to: axis.count - 1, by: step)) + [axis.count - 1]
            }
            var seen: Set<[Kind]> = []
            var indices = Set([0, axis.count / 2, axis.count - 1])
            for index in 0..<axis.count
            where seen.insert(axis.coordinates.map { Kind($0.values[index]) }).inserted { indices.insert(index) }
            return indices.sorted()
        }
        while (Box.size(picked.map(\.count)) ?? .max) > limit,
            let longest = picked.indices.max(by: { picked[$0].count < picked[$1].count }), picked[longest].count > 2
        {
            let its = picked[longest]
            picked[longest] = its.indices.filter { $0 % 2 == 0 || $0 == its.count - 1 }.map { its[$0] }
        }
        return picked
    }

    /// Values between which a model does not tell when it decides what to read.
    private enum Kind: Hashable {
        case exactly(ParameterValue)
        case between(Int)
        case shape([Int])

        init(_ value: ParameterValue) {
            switch value {
            case .integer, .text, .flag: self = .exactly(value)
            case .array(let array): self = .shape(array.shape)
            case .real(let number):
                if [-1, 0, 1].contains(number) {
                    self = .exactly(value)
                } else {
                    self = .between([-1, 0, 1].firstIndex { number < $0 } ?? 3)
                }
            }
        }
    }
}
