import CPlatform
import Foundation

/// The signal that told this process to stop: the one place that knows which signals do, and how much time each leaves.
struct StopSignal {
    let number: Int32

    /// The first one that arrived; nil: none did.
    static var received: StopSignal? {
        let number = cplatform_stop_signal()
        return number == 0 ? nil : StopSignal(number: number)
    }

    /// Whether one arrived.
    static var isReceived: Bool { cplatform_stop_signal() != 0 }

    /// Takes stop signals from now on.
    ///
    /// - Parameter leavingAtSecondInterrupt: whether a second Ctrl-C ends the process at once; else ``interruptCount``
    ///   says so.
    static func take(leavingAtSecondInterrupt: Bool) { cplatform_catch_stop_signals(leavingAtSecondInterrupt ? 1 : 0) }

    /// How often Ctrl-C was pressed.
    static var interruptCount: Int { Int(cplatform_interrupts()) }

    /// After TERM or INT a launcher kills all ranks within about a second. Of it the other ranks may take this much to
    /// save what they are at, and writing the result file as much again.
    static let hurriedSeconds = 0.4

    private var isHurried: Bool { number == SIGTERM || number == SIGHUP || number == SIGINT }

    /// How long the other ranks may take to save what they are at.
    var answerSeconds: Double { isHurried ? Self.hurriedSeconds : Self.calmAnswerSeconds }

    /// The same when it is the time that is up.
    static let calmAnswerSeconds = 20.0

    /// How long writing the result file may take; what takes longer is left to the next run.
    var publishSeconds: Double { isHurried ? Self.hurriedSeconds : .infinity }
}

extension StopSignal: CustomStringConvertible {
    var description: String {
        switch number {
        case SIGUSR1: "SIGUSR1"
        case SIGTERM: "SIGTERM"
        case SIGHUP: "SIGHUP (its terminal was closed)"
        case SIGINT: "interrupted"
        default: "signal \(number)"
        }
    }
}
