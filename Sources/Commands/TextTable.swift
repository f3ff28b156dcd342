/// A table in columns. The first is left-aligned, the others right, except a last one of free text.
struct TextTable {
    private var rows: [[String]]
    private let endsInText: Bool

    init(_ header: [String], endsInText: Bool = false) {
        rows = [header]
        self.endsInText = endsInText
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// The table, a line a row.
    var text: String {
        guard let columns = rows.map(\.count).max() else { return "" }
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = "  "
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                let isLeft = column == 0 || (endsInText && column == columns - 1)
                line += (isLeft ? cell + padding : padding + cell) + "  "
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }

    func print() { Commands.print(text) }
}
