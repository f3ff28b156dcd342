import Foundation
import Modeling

extension JobReader {
    mutating func readLimits(_ root: JobTree) -> JobLimits {
        var limits = JobLimits()
        guard let entry = root["limits"] else { return limits }
        guard case .map = entry.value.content else {
            fail(entry.value.location, "'limits' must be a mapping, not \(entry.value.summary)")
            return limits
        }
        checkKeys(entry.value, ["task_minutes", "task_memory", "tasks"], " of 'limits'")
        if let its = entry.value["task_minutes"] {
            limits.taskSeconds = positive(its.value, "'task_minutes'").map { $0 * 60 }
        }
        if let its = entry.value["task_memory"] { limits.taskMemory = memory(its.value) }
        if let its = entry.value["tasks"], let tasks = integer(its.value, "'tasks'", atLeast: 1) {
            if tasks > Int(UInt32.max) {
                fail(its.value.location, "'tasks' must be at most \(UInt32.max), not \(tasks)")
            } else {
                limits.tasks = tasks
            }
        }
        return limits
    }

    /// Bytes: `2GB`, `500 MiB`, or a plain number of bytes.
    private mutating func memory(_ tree: JobTree) -> Int? {
        if case .scalar(let text, _) = tree.content, let bytes = MemorySize.parse(text) { return bytes }
        fail(
            tree.location, "'task_memory' must be a size such as 2GB, not \(tree.summary)",
            hint: "units: \(MemorySize.unitNames)")
        return nil
    }

    // MARK: Output

    mutating func readOutput(_ root: JobTree, _ name: String, checksOutput: Bool) -> String {
        var output = name + ".h5"
        var location = SourceLocation.job
        if let entry = root["output"] {
            guard let text = scalar(entry.value, "'output'", "a file name") else { return output }
            output = text
            location = entry.value.location
            if text.isEmpty { fail(location, "'output' must be a file name, not an empty text") }
        }
        if checksOutput, !output.isEmpty, let problem = Self.outputProblem(output) {
            fail(location, "the output '\(output)' cannot be written: \(problem)")
        }
        return output
    }

    /// Why a file cannot be made at `path` (directories are made on the way); nil when it can.
    static func outputProblem(_ path: String) -> String? {
        let files = FileManager.default
        var isDirectory: ObjCBool = false
        if path.utf8.contains(0) { return "its name has a NUL character" }
        if path.isEmpty { return "it is no name" }
        if path.utf8.last == UInt8(ascii: "/") || [".", ".."].contains(PathText.name(path)) {
            return "it names a directory"
        }
        if let kind = FileKind.special(at: path) { return "it is \(kind)" }
        var directory = PathText.directory(path)
        while !files.fileExists(atPath: directory, isDirectory: &isDirectory) {
            let parent = PathText.directory(directory)
            if parent == directory { return "no directory above it exists" }
            directory = parent
        }
        guard isDirectory.boolValue else { return "'\(directory)' is not a directory" }
        return files.isWritableFile(atPath: directory) ? nil : "no permission to write in '\(directory)'"
    }
}
