import Sweep

extension TaskRecordView {
    /// Why the record does not fit a job's grids, whatever its checksum says; nil when it does.
    ///
    /// - Parameter layouts: of the job's methods.
    func problem(in job: Job, _ layouts: [MethodLayout]) -> String? {
        guard job.has(task) else { return "\(task) is not in the job's grid" }
        guard status.isRecorded else { return "\(task) is said to be \(status.name)" }
        let layout = layouts[task.method]
        if bufferCount == 0 {
            return status != .done || layout.slots.isEmpty ? nil : "\(task) is done but holds no observables"
        }
        guard bufferCount == layout.slots.count else {
            return "\(task) holds \(bufferCount) observables where its grid has \(layout.slots.count)"
        }
        for (index, slot) in layout.slots.enumerated() {
            let expected =
                slot.isUniform ? slot.paddedCount : slot.timeCount * slot.shape(atPoint: task.point).reduce(1, *)
            guard length(ofBuffer: index) == expected else {
                return "\(task) holds \(length(ofBuffer: index)) numbers of '\(slot.spec.name)', not \(expected)"
            }
        }
        return nil
    }
}
