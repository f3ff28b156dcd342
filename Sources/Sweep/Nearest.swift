/// Suggestions for misspelt names.
public enum Nearest {
    /// The candidate with the smallest edit distance to `name`, when it is near enough to be meant.
    public static func name(_ name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = editDistance(wanted, Array(candidate.lowercased().unicodeScalars))
            let limit = max(1, (max(wanted.count, candidate.count) + 1) / 3)
            if distance <= limit, distance < wanted.count, distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// `; did you mean 'x'?`, or nothing.
    public static func suggestion(_ name: String, among candidates: some Sequence<String>) -> String {
        Nearest.name(name, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
    }

    /// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours count one each.
    private static func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        guard a.count <= 80, b.count <= 80 else { return .max }
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        var row = last
        for i in a.indices {
            row[0] = i + 1
            for j in b.indices {
                var distance = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { distance = min(distance, beforeLast[j - 1] + 1) }
                row[j + 1] = distance
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
