/// Which of several records of one task counts: the one rule behind opening, recovering and merging.
enum RecordRule {
    /// How a record stands to the one that counted so far.
    enum Order {
        /// Written after it, by the same results.
        case later
        /// Of the same results in an earlier state, as a file is beside its journal.
        case earlier
        /// Of other results.
        case elsewhere
    }

    /// Whether a record with status `new` counts in place of one with status `old` (pending: there is none).
    ///
    /// A result (done, diverged) counts over all that is none, and is never replaced. Of the rest the last word of one
    /// source counts; of different sources, what is done with over what is to be tried again.
    static func counts(_ new: TaskStatus, over old: TaskStatus, _ order: Order) -> Bool {
        if new.isResult || old.isResult { return !old.isResult }
        switch order {
        case .later: return true
        case .earlier: return weight(old) == 0 && weight(new) > 0
        case .elsewhere: return weight(new) > weight(old)
        }
    }

    private static func weight(_ status: TaskStatus) -> Int {
        switch status {
        case .done, .diverged: 4
        case .spared: 3
        case .failed: 2
        case .suspect: 1
        case .pending, .excluded: 0
        }
    }
}

extension TaskStatus {
    /// Whether a run came to its end, be it a divergence.
    var isResult: Bool { self == .done || self == .diverged }
    /// Whether there is a record of it.
    var isRecorded: Bool { self != .pending && self != .excluded }
}
