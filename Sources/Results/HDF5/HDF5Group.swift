import CHDF5
import CSafeDriver

/// An HDF5 file being written or read. Closes itself; ``close()`` does it with an error instead of in silence.
final class HDF5File {
    private var raw: hid_t?
    let path: String
    let root: HDF5Group
    /// What a file that is being written is written to; nil when it is only read.
    private let target: Target?

    /// The disk under a file that is being written, and the first error it answered.
    private final class Target {
        let file: DiskFile
        let error = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

        init(_ path: String) throws {
            error.initialize(to: 0)
            file = try DiskFile(path, .truncate)
        }

        deinit { error.deallocate() }
    }

    private init(_ raw: hid_t, path: String, target: Target? = nil) throws {
        self.target = target
        let group = H5Gopen2(raw, "/", 0)
        if group < 0 { H5Fclose(raw) }
        root = HDF5Group(HDF5Identifier(try HDF5.check(group, "open '\(path)'"), release: H5Gclose), path: "")
        self.path = path
        self.raw = raw
    }

    deinit {
        if let raw { HDF5.exclusively { _ = end(raw) } }
    }

    private func end(_ raw: hid_t) -> herr_t {
        let closed = H5Fclose(raw)
        // The library still has the file then, and may write to it when the process ends.
        if closed < 0, let target { _ = Unmanaged.passRetained(target) }
        return closed
    }

    /// A new file at `path`, replacing what is there. Uses the format of HDF5 1.8, which every reader knows and which
    /// has checksums on its metadata.
    ///
    /// The library never learns that a write failed, as it may crash then: ``requireDisk()`` and ``close()`` say it.
    static func create(_ path: String) throws -> HDF5File {
        let access = try accessList()
        let target = try Target(path)
        try HDF5.check(
            csafedriver_use(access.raw, target.file.descriptor, target.error), "choose the file driver")
        try HDF5.check(
            H5Pset_libver_bounds(access.raw, H5F_LIBVER_V18, H5F_LIBVER_V18), "choose the file format")
        let creation = HDF5Identifier(
            try HDF5.check(H5Pcreate(chdf5_file_create()), "create a property list"), release: H5Pclose)
        try HDF5.check(H5Pset_link_creation_order(creation.raw, chdf5_order_tracked()), "keep the creation order")
        let raw = try HDF5.check(H5Fcreate(path, chdf5_acc_trunc(), creation.raw, access.raw), "create '\(path)'")
        return try HDF5File(raw, path: path, target: target)
    }

    static func open(_ path: String) throws -> HDF5File {
        let access = try accessList()
        return try HDF5File(
            try HDF5.check(H5Fopen(path, chdf5_acc_rdonly(), access.raw), "open '\(path)'"), path: path)
    }

    private static func accessList() throws -> HDF5Identifier {
        let list = HDF5Identifier(
            try HDF5.check(H5Pcreate(chdf5_file_access()), "create a property list"), release: H5Pclose)
        // Closing the file closes what is open in it: a forgotten dataset must not keep a published file open.
        try HDF5.check(H5Pset_fclose_degree(list.raw, H5F_CLOSE_STRONG), "set the closing mode")
        return list
    }

    /// Throws when the disk has refused something that was written so far. What it refused is kept in memory, so this is
    /// to be asked now and then.
    func requireDisk() throws {
        guard let target, target.error.pointee != 0 else { return }
        throw ResultError.io(operation: "write", path: path, code: target.error.pointee)
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

    init(_ identifier: HDF5Identifier, path: String) {
        self.identifier = identifier
        self.path = path
    }

    func createGroup(_ name: String) throws -> HDF5Group {
        let creation = HDF5Identifier(
            try HDF5.check(H5Pcreate(chdf5_group_create()), "create a property list"), release: H5Pclose)
        try HDF5.check(H5Pset_link_creation_order(creation.raw, chdf5_order_tracked()), "keep the creation order")
        let raw = try HDF5.check(
            H5Gcreate2(identifier.raw, name, 0, creation.raw, 0), "create the group '\(path)/\(name)'")
        return HDF5Group(HDF5Identifier(raw, release: H5Gclose), path: "\(path)/\(name)")
    }

    func group(_ name: String) throws -> HDF5Group {
        let raw = try HDF5.check(H5Gopen2(identifier.raw, name, 0), "open the group '\(path)/\(name)'")
        return HDF5Group(HDF5Identifier(raw, release: H5Gclose), path: "\(path)/\(name)")
    }

    func dataset(_ name: String) throws -> HDF5Dataset {
        let raw = try HDF5.check(H5Dopen2(identifier.raw, name, 0), "open '\(path)/\(name)'")
        return try HDF5Dataset(HDF5Identifier(raw, release: H5Dclose), path: "\(path)/\(name)")
    }

    func contains(_ name: String) -> Bool { H5Lexists(identifier.raw, name, 0) > 0 }

    /// The names of the members in the order of their creation, groups and datasets apart.
    func members() throws -> (groups: [String], datasets: [String]) {
        var info = H5G_info_t()
        try HDF5.check(H5Gget_info(identifier.raw, &info), "list '\(path)/'")
        var groups: [String] = []
        var datasets: [String] = []
        for index in 0..<info.nlinks {
            var order = H5_INDEX_CRT_ORDER
            var length = H5Lget_name_by_idx(identifier.raw, ".", order, H5_ITER_INC, index, nil, 0, 0)
            if length < 0 {
                order = H5_INDEX_NAME
                length = H5Lget_name_by_idx(identifier.raw, ".", order, H5_ITER_INC, index, nil, 0, 0)
            }
            guard length >= 0 else { try HDF5.check(Int32(-1), "list '\(path)/'"); continue }
            var buffer = [CChar](repeating: 0, count: Int(length) + 1)
            _ = H5Lget_name_by_idx(identifier.raw, ".", order, H5_ITER_INC, index, &buffer, buffer.count, 0)
            let name = String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
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
}
