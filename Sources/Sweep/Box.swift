/// Indices of dense boxes, row-major (last axis fastest).
enum Box {
    /// The product of `counts`, or nil when it does not fit.
    static func size(_ counts: some Sequence<Int>) -> Int? {
        var product = 1
        for count in counts {
            let (next, overflow) = product.multipliedReportingOverflow(by: count)
            if overflow { return nil }
            product = next
        }
        return product
    }

    /// The distance between neighbours along each axis.
    static func strides(_ counts: [Int]) -> [Int] {
        var strides = counts
        var stride = 1
        for axis in counts.indices.reversed() {
            strides[axis] = stride
            stride *= counts[axis]
        }
        return strides
    }

    /// Calls `body` for all indices of the box in order, with the flat index; stops when it returns false.
    static func forEach(_ counts: [Int], _ body: (Int, [Int]) throws -> Bool) rethrows {
        guard !counts.contains(0) else { return }
        var indices = Array(repeating: 0, count: counts.count)
        var flat = 0
        while try body(flat, indices) {
            flat += 1
            var axis = counts.count - 1
            while axis >= 0 {
                indices[axis] += 1
                if indices[axis] < counts[axis] { break }
                indices[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}

/// Walks a box and keeps, for several sub-boxes at once, the flat index of the projection; no division a step.
struct BoxWalk {
    private let counts: [Int]
    private var indices: [Int]
    private(set) var tracked: [Int]

    /// `tables[k][axis][i]` is what index `i` along `axis` contributes to tracked index `k`; an empty table, nothing.
    private let tables: [[[Int]]]

    init(counts: [Int], tables: [[[Int]]]) {
        self.counts = counts
        self.tables = tables
        indices = Array(repeating: 0, count: counts.count)
        tracked = tables.map { table in table.reduce(0) { $0 + ($1.first ?? 0) } }
    }

    mutating func advance() {
        var axis = counts.count - 1
        while axis >= 0 {
            let old = indices[axis]
            let new = old + 1 < counts[axis] ? old + 1 : 0
            indices[axis] = new
            for k in tables.indices where !tables[k][axis].isEmpty {
                tracked[k] += tables[k][axis][new] - tables[k][axis][old]
            }
            if new != 0 { return }
            axis -= 1
        }
    }
}
