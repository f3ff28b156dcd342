import CHDF5
import Foundation

/// The HDF5 library as this process uses it: file locking off (files are published by rename, so no reader ever meets a
/// writer), its error printing turned into error values, one thread at a time.
enum HDF5 {
    /// Debian's library is not thread-safe; whoever touches HDF5 holds this. Recursive, so callers need not know.
    private static let lock = NSRecursiveLock()

    /// Runs `body` with the library initialised and no other thread in it.
    static func exclusively<Result>(_ body: () throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        _ = initialised
        // Debian's library keeps this switch by thread.
        H5Eset_auto2(0, nil, nil)
        return try body()
    }

    private static let initialised: Bool = {
        setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1)
        H5open()
        return true
    }()

    /// The version of the library, for provenance.
    static var version: String {
        var major: UInt32 = 0
        var minor: UInt32 = 0
        var release: UInt32 = 0
        H5get_libversion(&major, &minor, &release)
        return "\(major).\(minor).\(release)"
    }

    /// A text as files hold it: with blanks for NULs, at which it would end.
    static func storable(_ text: String) -> String {
        text.utf8.contains(0) ? String(decoding: text.utf8.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self) : text
    }

    /// The shape of a dataspace, empty for a single value; nil for one without values, or with more than can be counted.
    static func shape(of space: hid_t) -> [Int]? {
        switch H5Sget_simple_extent_type(space) {
        case H5S_SCALAR: return []
        case H5S_SIMPLE:
            let rank = Int(H5Sget_simple_extent_ndims(space))
            guard rank > 0 else { return rank == 0 ? [] : nil }
            var extents = [hsize_t](repeating: 0, count: rank)
            guard H5Sget_simple_extent_dims(space, &extents, nil) == Int32(rank) else { return nil }
            let shape = extents.compactMap { Int(exactly: $0) }
            return shape.count == rank && HDF5Dataset.count(shape.map { max(1, $0) }) != nil ? shape : nil
        default: return nil
        }
    }

    /// Passes an identifier on, or throws the library's error stack.
    static func check(_ identifier: hid_t, _ what: @autoclosure () -> String) throws -> hid_t {
        if identifier < 0 { throw failure(what()) }
        return identifier
    }

    static func check(_ status: Int32, _ what: @autoclosure () -> String) throws {
        if status < 0 { throw failure(what()) }
    }

    private static func failure(_ what: String) -> ResultError {
        final class Lines { var texts: [String] = [] }
        let lines = Lines()
        // Innermost cause first; the outer frames only repeat it.
        H5Ewalk2(
            0, H5E_WALK_UPWARD,
            { _, description, context in
                guard let context, let text = description?.pointee.desc else { return 0 }
                Unmanaged<Lines>.fromOpaque(context).takeUnretainedValue().texts.append(String(cString: text))
                return 0
            }, Unmanaged.passUnretained(lines).toOpaque())
        H5Eclear2(0)
        let cause = lines.texts.prefix(2).joined(separator: ", ")
        return .hdf5("HDF5: cannot \(what)" + (cause.isEmpty ? "" : " (\(cause))"))
    }
}

/// An HDF5 identifier that is released with its owner.
final class HDF5Identifier {
    let raw: hid_t
    private let release: (hid_t) -> herr_t

    init(_ raw: hid_t, release: @escaping (hid_t) -> herr_t) {
        self.raw = raw
        self.release = release
    }

    // The owner may let go of it on any thread, outside of any `exclusively`, and after the file was closed and with it
    // all that was open in it.
    deinit {
        HDF5.exclusively { if H5Iis_valid(raw) > 0 { _ = release(raw) } }
    }
}

/// The element types of result files.
enum HDF5Type: Sendable, Hashable {
    case float64, int64, int32, int8, text

    /// Bytes of one element in memory.
    var size: Int {
        switch self {
        case .float64, .int64: return 8
        case .int32: return 4
        case .int8: return 1
        case .text: return MemoryLayout<UnsafeMutablePointer<CChar>?>.size
        }
    }

    fileprivate static func makeText() throws -> HDF5Identifier {
        let type = HDF5Identifier(try HDF5.check(H5Tcopy(chdf5_c_s1()), "make a string type"), release: H5Tclose)
        try HDF5.check(H5Tset_size(type.raw, chdf5_variable()), "make a string type")
        try HDF5.check(H5Tset_cset(type.raw, H5T_CSET_UTF8), "make a string type")
        return type
    }

    /// The identifier of the type in files (little-endian) or in memory; predefined ones need no release.
    func withIdentifier<Result>(inFile: Bool, _ body: (hid_t) throws -> Result) throws -> Result {
        switch self {
        case .float64: return try body(inFile ? chdf5_file_double() : chdf5_native_double())
        case .int64: return try body(inFile ? chdf5_file_int64() : chdf5_native_int64())
        case .int32: return try body(inFile ? chdf5_file_int32() : chdf5_native_int32())
        case .int8: return try body(inFile ? chdf5_file_int8() : chdf5_native_int8())
        case .text:
            let type = try Self.makeText()
            return try withExtendedLifetime(type) { try body(type.raw) }
        }
    }

    /// Bytes of one element in files, where a text is the place of its characters.
    var storedSize: Int { self == .text ? 16 : size }

    /// What the type `identifier` of a dataset or attribute in a file is; nil for types that result files do not use,
    /// be they only of another byte order.
    init?(identifier: hid_t) {
        if H5Tget_class(identifier) == H5T_STRING {
            guard H5Tis_variable_str(identifier) > 0 else { return nil }
            self = .text
            return
        }
        let numbers: [(hid_t, HDF5Type)] = [
            (chdf5_file_double(), .float64), (chdf5_file_int64(), .int64), (chdf5_file_int32(), .int32),
            (chdf5_file_int8(), .int8),
        ]
        guard let found = numbers.first(where: { H5Tequal(identifier, $0.0) > 0 }) else { return nil }
        self = found.1
    }
}
