import Foundation

/// The folder for the files of this process.
nonisolated(unsafe) private var folder = NSTemporaryDirectory()

func scratch(_ name: String) -> String { folder + "/" + name }

/// `dynsweep-fuzz KIND SEED FROM COUNT FOLDER CORPUS...`: reads inputs FROM up, each of which depends on kind, seed, number and
/// corpus alone. Notes in FOLDER/at which it is at, before it reads it, and leaves the input in FOLDER/input: when the
/// process dies, or is ended for taking too long, that is the culprit. Tests/Fuzz/fuzz.py drives it.
@main
struct Main {
    static func main() {
        let words = CommandLine.arguments
        guard words.count > 6, let target = targets[words[1]], let seed = UInt64(words[2]), let from = UInt64(words[3]),
            let count = UInt64(words[4])
        else {
            let kinds = targets.keys.sorted().joined(separator: "|")
            print("usage: dynsweep-fuzz \(kinds) SEED FROM COUNT FOLDER CORPUS...")
            exit(2)
        }
        folder = words[5]
        let corpus = words[6...].compactMap { FileManager.default.contents(atPath: $0).map { [UInt8]($0) } }
        guard corpus.count == words.count - 6 else { exit(2) }
        var found = 0
        for number in from..<(from + count) {
            var draw = Draw(seed: seed, number: number)
            let input = target.input(corpus, &draw)
            _ = FileManager.default.createFile(atPath: scratch("input"), contents: Data(input))
            _ = FileManager.default.createFile(atPath: scratch("at"), contents: Data("\(number)".utf8))
            // No input takes long; SIGALRM ends the process.
            alarm(20)
            if let problem = target.problem(input, corpus) {
                found += 1
                print("\(words[1]) \(number): \(problem)")
            }
        }
        exit(found == 0 ? 0 : 1)
    }
}
