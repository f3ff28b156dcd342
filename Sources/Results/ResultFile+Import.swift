import Sweep

extension ResultFile {
    /// Turns the file back into records, task by task in the order of the grid, with bounded memory. Pending and
    /// excluded tasks have none.
    ///
    /// - Parameter layouts: of the job that made the file.
    func forEachRecord(_ layouts: [MethodLayout], _ body: (TaskRecord) throws -> Void) throws {
        let builds = try builds()
        try reading {
            for (method, layout) in layouts.enumerated() {
                try forEachRecord(method, layout, builds, body)
            }
        }
    }

    private func forEachRecord(
        _ method: Int, _ layout: MethodLayout, _ builds: [Build], _ body: (TaskRecord) throws -> Void
    ) throws {
        let group = try file.root.group(layout.grid.method.name)
        let status = try group.dataset("status")
        let error = try group.dataset("error")
        let wallSeconds = try group.dataset("wall_seconds")
        let rank = try group.dataset("mpi_rank")
        let build = try builds.isEmpty ? nil : group.dataset("build")
        for dataset in [status, error, wallSeconds, rank] + (build.map { [$0] } ?? []) {
            try require(dataset, layout.taskShape)
        }
        let datasets = try layout.slots.map { slot in
            let dataset = try group.dataset(slot.spec.name)
            try require(dataset, layout.taskShape + (slot.hasTime ? [slot.timeCount] : []) + slot.paddedShape)
            return dataset
        }
        let rows = max(1, MethodWriter.blockBytes / max(64, layout.bytesPerTask))
        for (range, box) in MethodLayout.blocks(of: layout.taskShape, rows: rows) {
            let statuses = try status.read(Int8.self, box: box).map {
                TaskStatus(rawValue: UInt8(bitPattern: $0)) ?? .pending
            }
            guard statuses.contains(where: { $0 != .pending && $0 != .excluded }) else { continue }
            let seconds = try wallSeconds.read(Double.self, box: box)
            let ranks = try rank.read(Int32.self, box: box)
            let places = try build?.read(Int32.self, box: box)
            let errors =
                statuses.contains { $0 == .failed || $0 == .diverged || $0 == .suspect }
                ? try error.readTexts(box: box) : []
            let values = try zip(layout.slots, datasets).map { slot, dataset in
                let own = Array(dataset.shape[layout.taskShape.count...])
                return try dataset.read(
                    Double.self,
                    box: HDF5Dataset.Box(start: box.start + own.map { _ in 0 }, count: box.count + own))
            }
            for row in 0..<range.count where statuses[row] != .pending && statuses[row] != .excluded {
                let task = range.lowerBound + row
                let point = task / layout.seedCount
                let buffers = zip(layout.slots, values).map { slot, all in
                    all.withUnsafeBufferPointer { pointer in
                        slot.unpad(
                            UnsafeBufferPointer(
                                rebasing: pointer[(row * slot.paddedCount)..<((row + 1) * slot.paddedCount)]),
                            atPoint: point)
                    }
                }
                let hasValues = statuses[row] != .spared && buffers.contains { $0.contains { !$0.isNaN } }
                try body(
                    TaskRecord(
                        task: TaskID(method: method, point: point, seed: task % layout.seedCount),
                        status: statuses[row], error: errors.isEmpty ? "" : errors[row],
                        wallSeconds: seconds[row].isNaN ? 0 : seconds[row], rank: max(0, Int(ranks[row])),
                        build: places.flatMap { builds.indices.contains(Int($0[row])) ? builds[Int($0[row])].key : nil }
                            ?? 0,
                        // A done task has its buffers even when all of them are NaN: that is a result too.
                        buffers: hasValues || statuses[row] == .done ? buffers : []))
            }
        }
    }
}
