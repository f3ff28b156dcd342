import Coordinator
import Foundation
import Logging

/// Log lines on standard error as `12:34:56 text`, with the level where it is a warning or worse.
struct PlainLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var seconds = time(nil)
        var local = tm()
        localtime_r(&seconds, &local)
        let clock = String(format: "%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec)
        let level = event.level >= .warning ? "\(event.level): " : ""
        Console.log("\(clock) \(level)\(event.message)\n")
    }
}
