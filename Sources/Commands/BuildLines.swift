import Coordinator
import Results

/// What a file's numbers were made with, a line each; a warning where nothing says what some of them are.
func buildLines(_ builds: [(build: Build, count: Int?)]) -> [String] {
    var lines = builds.map { build, count in
        let what = count.map { "\(Text.count($0)) task\($0 == 1 ? "" : "s") computed by" } ?? "computed by"
        return "\(what) build \(build.line)"
    }
    if builds.contains(where: \.build.hasUncommittedChanges) {
        lines.append("warning: a build with uncommitted changes has a part in it, so nothing says what that computed")
    }
    return lines
}
