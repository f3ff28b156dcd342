import Modeling
import Sweep

/// What a result file says of itself beyond the tasks.
struct ResultDescription: Sendable {
    var title: String
    var model: String
    var modelSummary: String
    var modelRevision: Int
    var jobText: String
    /// ``Job/effectiveText``.
    var effectiveJob: String
    var overrides: [String]
    var grids: [MethodGrid]
    /// The model's parameters by name, for the texts of fixed ones.
    var specs: [String: ParameterSpec]
    var grid: UInt64
    /// ``JournalHeader/seedRule``.
    var seedRule: String
    var created: String
    var provenance: Provenance

    init(job: Job, header: JournalHeader, provenance: Provenance) {
        title = job.name
        model = job.model.name
        modelSummary = job.model.summary
        modelRevision = job.model.revision
        jobText = header.jobText
        effectiveJob = job.effectiveText
        overrides = header.overrides
        grids = job.grids
        specs = Dictionary(job.model.parameters.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        grid = header.grid
        seedRule = header.seedRule
        created = header.created
        self.provenance = provenance
    }
}

/// Writes whole result files. Equal records give equal datasets whatever the order in which the tasks came in; only
/// `wall_seconds`, `mpi_rank`, `build` and attributes of time and place differ between runs.
struct Publisher {
    /// `format_version` of the files; readers refuse later ones.
    static let formatVersion = 1

    let description: ResultDescription
    let layouts: [MethodLayout]

    /// Writes the present state to a temporary file beside `path`, makes it durable and renames it to `path`.
    ///
    /// - Parameters:
    ///   - events: what has happened to the results, for the `history` attribute.
    ///   - builds: what the records were made with.
    ///   - snapshot: the state of tasks by method and index within the method.
    ///   - check: looks at the temporary file before it is renamed.
    func publish(
        to path: String, journal: Journal, events: [RunEvent], builds: [Build],
        snapshot: (Int, Range<Int>) throws -> TaskSnapshot, check: (String) throws -> Void = { _ in }
    ) throws -> StatusCounts {
        let temporary = path + ".publishing"
        let file = try DiskFile(temporary, .replacing(like: [path, journal.path]))
        do {
            let counts = try HDF5.exclusively {
                try write(to: file, journal: journal, events: events, builds: builds, snapshot: snapshot)
            }
            try FileSeal.seal(file)
            try check(temporary)
            try file.sync()
            try Disk.rename(temporary, to: path)
            return counts
        } catch {
            try? Disk.remove(temporary)
            throw error
        }
    }

    private func write(
        to disk: DiskFile, journal: Journal, events: [RunEvent], builds: [Build],
        snapshot: (Int, Range<Int>) throws -> TaskSnapshot
    ) throws -> StatusCounts {
        let file = try HDF5File.create(in: disk)
        try writeRootVariables(file.root)
        var counts = StatusCounts()
        for (method, layout) in layouts.enumerated() {
            let group = try file.root.createGroup(layout.grid.method.name)
            var reader = BlockReader(journal: journal, maximumBody: layout.maximumBody)
            counts.add(
                try MethodWriter(layout: layout, specs: description.specs, builds: builds).write(
                    into: group, reader: &reader,
                    snapshot: {
                        try file.requireDisk()
                        return try snapshot(method, $0)
                    }))
        }
        try writeRootAttributes(file.root, counts, events, builds)
        try file.close()
        return counts
    }

    /// The root holds what all methods that have it agree on; every group is complete by itself.
    private func writeRootVariables(_ root: HDF5Group) throws {
        let writer = VariableWriter(group: root)
        let grids = description.grids
        var written: Set<String> = Set(grids.map(\.method.name))
        var axisNames: Set<String> = []
        for axis in grids.flatMap(\.axes) {
            axisNames.formUnion(axis.coordinates.map(\.name))
            let dimension = MethodLayout.dimensionName(of: axis)
            let same = grids.flatMap(\.axes).filter { other in
                !Set(other.coordinates.map(\.name)).isDisjoint(with: axis.coordinates.map(\.name))
            }
            guard same.allSatisfy({ $0 == axis }), written.insert(dimension).inserted else { continue }
            written.formUnion(axis.coordinates.map(\.name))
            try writer.write(axis)
        }
        for grid in grids {
            for entry in grid.fixed.entries where !axisNames.contains(entry.name) {
                let others = grids.lazy.compactMap { $0.fixed[entry.name] }
                guard others.allSatisfy({ $0 == entry.value }), written.insert(entry.name).inserted else { continue }
                try writer.write(fixed: entry.name, entry.value, description.specs[entry.name])
            }
        }
        if !writer.auxiliary.isEmpty {
            try root.setAttribute("coordinates", writer.auxiliary.joined(separator: " "))
        }
    }

    private func writeRootAttributes(
        _ root: HDF5Group, _ counts: StatusCounts, _ events: [RunEvent], _ builds: [Build]
    ) throws {
        let provenance = description.provenance
        var digest = AttributeDigest()
        func say(_ name: String, _ text: String) throws {
            try root.setAttribute(name, text)
            digest.add(name, text)
        }
        try say("format", "dynsweep-results")
        try root.setAttribute("format_version", Self.formatVersion)
        try say("title", description.title)
        try say("model", description.model)
        try root.setAttribute("model_revision", description.modelRevision)
        try say("description", description.modelSummary)
        try say("methods", description.grids.map(\.method.name).joined(separator: " "))
        try say("job", description.jobText)
        try say("effective_job", description.effectiveJob)
        try say("overrides", OverridesText.joined(description.overrides))
        try say("grid_fingerprint", GridFingerprint.hexadecimal(description.grid))
        try say("seed_rule", description.seedRule)
        try say("created", description.created)
        try say("updated", Timestamp.now())
        try say("history", events.suffix(200).map(\.line).joined(separator: "\n"))
        try say("builds", builds.map(\.line).joined(separator: "\n"))
        try say("program_version", provenance.programVersion)
        try root.setAttribute("git_commit", provenance.gitCommit)
        try root.setAttribute("build_flags", provenance.buildFlags)
        try root.setAttribute("host", provenance.host)
        try root.setAttribute("ranks", provenance.ranks)
        try root.setAttribute("mpi_version", provenance.mpiVersion)
        try root.setAttribute("hdf5_version", HDF5.version)
        for (library, version) in provenance.libraries.sorted(by: { $0.key < $1.key }) {
            try root.setAttribute("\(library)_version", version)
        }
        try counts.write(to: root)
        try root.setAttribute("checksum", digest.text)
    }
}
