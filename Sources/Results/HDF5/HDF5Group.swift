import CHDF5
import CSafeDriver

/// An HDF5 file being written or read. Closes itself; ``close()`` does it with an error instead of in silence.
final class HDF5File {
    private var raw: hid_t?
    let path: String
    let root: HDF5Group
    private let target: Target

    /// The disk under the file, and the first error it answered.
    private final class Target {
        let file: DiskFile
        let error = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

        init(_ file: DiskFile) {
            error.initialize(to: 0)
            self.file = file
        }

        deinit { error.deallocate() }
    }

    private init(_ raw: hid_t, target: Target, isRead: Bool) throws {
        self.target = target
        path = target.file.path
        let group = H5Gopen2(raw, "/", 0)
        if group < 0 { H5Fclose(raw) }
        root = HDF5Group(
            HDF5Identifier(try HDF5.check(group, "open '\(path)'"), release: H5Gclose), path: "",
            source: isRead ? HDF5Source(target.file) : nil)
        self.raw = raw
    }

    deinit {
        if let raw { HDF5.exclusively { _ = end(raw) } }
    }

    private func end(_ raw: hid_t) -> herr_t {
        let closed = H5Fclose(raw)
        // The library still has the file then, and may write to it when the process ends.
        if closed < 0 { _ = Unmanaged.passRetained(target) }
        return closed
    }

    /// Makes an HDF5 file of a new, empty one. Uses the format of HDF5 1.8, which every reader knows and which has
    /// checksums on its metadata.
    ///
    /// The library never learns that a write failed, as it may crash then: ``requireDisk()`` and ``close()`` say it.
    static func create(in file: DiskFile) throws -> HDF5File {
        let (access, target) = try accessList(file)
        try HDF5.check(
            H5Pset_libver_bounds(access.raw, H5F_LIBVER_V18, H5F_LIBVER_V18), "choose the file format")
        let creation = HDF5Identifier(
            try HDF5.check(H5Pcreate(chdf5_file_create()), "create a property list"), release: H5Pclose)
        try HDF5.check(H5Pset_link_creation_order(creation.raw, chdf5_order_tracked()), "keep the creation order")
        let raw = try HDF5.check(
            H5Fcreate(file.path, chdf5_acc_trunc(), creation.raw, access.raw), "create '\(file.path)'")
        return try HDF5File(raw, target: target, isRead: false)
    }

    static func open(_ file: DiskFile) throws -> HDF5File {
        let (access, target) = try accessList(file)
        return try HDF5File(
            try HDF5.check(H5Fopen(file.path, chdf5_acc_rdonly(), access.raw), "open '\(file.path)'"), target: target,
            isRead: true)
    }

    private static func accessList(_ file: DiskFile) throws -> (HDF5Identifier, Target) {
        let list = HDF5Identifier(
            try HDF5.check(H5Pcreate(chdf5_file_access()), "create a property list"), release: H5Pclose)
        // Closing the file closes what is open in it: a forgotten dataset must not keep a published file open.
        try HDF5.check(H5Pset_fclose_degree(list.raw, H5F_CLOSE_STRONG), "set the closing mode")
        let target = Target(file)
        try HDF5.check(csafedriver_use(list.raw, file.descriptor, target.error), "choose the file driver")
        return (list, target)
    }

    /// Throws when the disk has refused something that was written so far. What it refused is kept in memory, so this is
    /// to be asked now and then.
    func requireDisk() throws {
        guard target.error.pointee != 0 else { return }
        throw ResultError.io(operation: "write", path: target.file.path, code: target.error.pointee)
    }

    /// Writes everything out and closes the file with all that is open in it.
    func close() throws {
        guard let raw else { return }
        self.raw = nil
        let flushed = H5Fflush(raw, H5F_SCOPE_LOCAL)
        let closed = end(raw)
        try requireDisk()
        try HDF5.check(min(flushed, closed), "write '\(path)'")
    }
}

/// A group: named groups and datasets, and attributes.
final class HDF5Group: HDF5Attributed {
    let identifier: HDF5Identifier
    let path: String

    let source: HDF5Source?

    init(_ identifier: HDF5Identifier, path: String, source: HDF5Source?) {
        self.identifier = identifier
        self.path = path
        self.source = source
    }

    func createGroup(_ name: String) throws -> HDF5Group {
        let creation = HDF5Identifier(
            try HDF5.check(H5Pcreate(chdf5_group_create()), "create a property list"), release: H5Pclose)
        try HDF5.check(H5Pset_link_creation_order(creation.raw, chdf5_order_tracked()), "keep the creation order")
        let raw = try HDF5.check(
            H5Gcreate2(identifier.raw, name, 0, creation.raw, 0), "create the group '\(path)/\(name)'")
        return HDF5Group(HDF5Identifier(raw, release: H5Gclose), path: "\(path)/\(name)", source: nil)
    }

    func group(_ name: String) throws -> HDF5Group {
        _ = try address(of: name)
        let raw = try HDF5.check(H5Gopen2(identifier.raw, name, 0), "open the group '\(path)/\(name)'")
        return HDF5Group(HDF5Identifier(raw, release: H5Gclose), path: "\(path)/\(name)", source: source)
    }

    func dataset(_ name: String) throws -> HDF5Dataset {
        _ = try address(of: name)
        let raw = try HDF5.check(H5Dopen2(identifier.raw, name, 0), "open '\(path)/\(name)'")
        return try HDF5Dataset(
            HDF5Identifier(raw, release: H5Dclose), path: "\(path)/\(name)", source: source)
    }

    func contains(_ name: String) -> Bool { Self.isName(name) && H5Lexists(identifier.raw, name, 0) > 0 }

    /// Names of members of this group, not paths to elsewhere.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }

    /// Where the member `name` is. Links that are followed to some place, be it in another file, are none of a result
    /// file's: opening what they lead to could read any file, or wait for a FIFO.
    private func address(of name: String) throws -> haddr_t {
        var address: haddr_t = 0
        guard Self.isName(name) else { throw ResultError.hdf5("'\(name)' is no name in '\(path)/'") }
        let isHard = chdf5_hard_link(identifier.raw, name, &address)
        try HDF5.check(isHard, "find '\(path)/\(name)'")
        guard isHard == 1 else {
            throw ResultError.hdf5("'\(path)/\(name)' is a link to elsewhere, which result files do not have")
        }
        return address
    }

    /// The names of the members in the order of their creation, groups and datasets apart.
    func members() throws -> (groups: [String], datasets: [String]) {
        var groups: [String] = []
        var datasets: [String] = []
        for name in try memberNames() {
            _ = try address(of: name)
            let object = HDF5Identifier(
                try HDF5.check(H5Oopen(identifier.raw, name, 0), "open '\(path)/\(name)'"), release: H5Oclose)
            switch H5Iget_type(object.raw) {
            case H5I_GROUP: groups.append(name)
            case H5I_DATASET: datasets.append(name)
            default: break
            }
        }
        return (groups, datasets)
    }

    private func memberNames() throws -> [String] {
        var info = H5G_info_t()
        try HDF5.check(H5Gget_info(identifier.raw, &info), "list '\(path)/'")
        guard info.nlinks <= Self.mostMembers else {
            throw ResultError.hdf5("'\(path)/' has \(info.nlinks) members, far more than a result file")
        }
        return try (0..<info.nlinks).map { index in
            // All of our groups have this index. Without it the library makes a table of links, and crashes when one of
            // them is damaged.
            let order = H5_INDEX_CRT_ORDER
            let length = H5Lget_name_by_idx(identifier.raw, ".", order, H5_ITER_INC, index, nil, 0, 0)
            try HDF5.check(Int32(clamping: length), "list '\(path)/'")
            var buffer = [CChar](repeating: 0, count: Int(length) + 1)
            _ = H5Lget_name_by_idx(identifier.raw, ".", order, H5_ITER_INC, index, &buffer, buffer.count, 0)
            return String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    private static let mostMembers = 1 << 16

    /// The members by where they are.
    private lazy var names: Result<[haddr_t: String], any Error> = Result {
        try Dictionary(
            memberNames().map { (try address(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The names of the dimensions of a dataset of this group: those of their scales.
    func dimensionNames(of dataset: HDF5Dataset) throws -> [String] {
        let names = try self.names.get()
        return try dataset.scales().enumerated().map { index, scale in
            guard let name = scale.flatMap({ names[$0] }) else {
                throw ResultError.hdf5("dimension \(index + 1) of '\(dataset.path)' has no name")
            }
            return name
        }
    }
}
