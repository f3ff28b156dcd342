import CHDF5
import CSafeDriver

/// Something that carries attributes.
protocol HDF5Attributed: AnyObject {
    var identifier: HDF5Identifier { get }
    var path: String { get }
    /// The file that it is read from; nil while that is being written.
    var source: HDF5Source? { get }
}

extension HDF5Attributed {
    /// Sets a text, stored as a variable-length UTF-8 string (any length; h5py and netCDF read it as text).
    func setAttribute(_ name: String, _ text: String) throws {
        try Array(HDF5.storable(text).utf8CString).withUnsafeBufferPointer { characters in
            var pointer = characters.baseAddress
            try withUnsafeBytes(of: &pointer) { try write(name, .text, count: nil, $0) }
        }
    }

    func setAttribute(_ name: String, _ value: Double) throws {
        try withUnsafeBytes(of: value) { try write(name, .float64, count: nil, $0) }
    }

    func setAttribute(_ name: String, _ value: Int) throws {
        try withUnsafeBytes(of: Int64(value)) { try write(name, .int64, count: nil, $0) }
    }

    func setAttribute(_ name: String, _ value: Int8) throws {
        try withUnsafeBytes(of: value) { try write(name, .int8, count: nil, $0) }
    }

    func setAttribute(_ name: String, _ value: Int32) throws {
        try withUnsafeBytes(of: value) { try write(name, .int32, count: nil, $0) }
    }

    func setAttribute(_ name: String, _ values: [Int8]) throws {
        try values.withUnsafeBytes { try write(name, .int8, count: values.count, $0) }
    }

    func setAttribute(_ name: String, _ values: [Double]) throws {
        try values.withUnsafeBytes { try write(name, .float64, count: values.count, $0) }
    }

    func hasAttribute(_ name: String) -> Bool { H5Aexists(identifier.raw, name) > 0 }

    /// The text of attribute `name`; nil when there is none.
    func textAttribute(_ name: String) throws -> String? {
        guard let attribute = try openAttribute(name) else { return nil }
        try require(attribute.type == .text && attribute.shape == [], name, "one text")
        guard let place = try places(attribute, name, count: 1).first, let source else { return nil }
        var left = try source.file.size()
        guard let text = try place.withUnsafeBytes({ try source.text(at: $0, left: &left) }) else {
            throw ResultError.hdf5(
                "the attribute '\(name)' of '\(path)/' is damaged: its text is not where it should be")
        }
        return text
    }

    /// What the file has in place of texts or lists.
    private func places(_ attribute: StoredAttribute, _ name: String, count: Int) throws -> [[UInt8]] {
        let size = csafedriver_place_size
        var bytes = [UInt8](repeating: 0, count: count * size)
        let type = try HDF5.check(csafedriver_place(), "make a type")
        try HDF5.check(H5Aread(attribute.identifier.raw, type, &bytes), reading(name))
        return (0..<count).map { index in Array(bytes[(index * size)...].prefix(size)) }
    }

    /// The integer attribute `name`; nil when there is none.
    func integerAttribute(_ name: String) throws -> Int? {
        guard let attribute = try openAttribute(name) else { return nil }
        try require(
            attribute.type.map { [.int64, .int32, .int8].contains($0) } == true && attribute.shape == [], name,
            "one whole number")
        var value: Int64 = 0
        try HDF5.check(H5Aread(attribute.identifier.raw, chdf5_native_int64(), &value), reading(name))
        return Int(value)
    }

    /// A text of fixed length, as the library writes them for itself; nil when there is none, or it is longer than those.
    func shortText(_ name: String) throws -> String? {
        guard let attribute = try openAttribute(name) else { return nil }
        let type = attribute.stored.raw
        let size = H5Tget_size(type)
        guard attribute.shape == [], H5Tget_class(type) == H5T_STRING, H5Tis_variable_str(type) == 0, size <= 64 else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: size)
        try HDF5.check(H5Aread(attribute.identifier.raw, type, &bytes), reading(name))
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Where the scale attached to each dimension of a dataset is; nil where there is none. (The library's own function
    /// for this takes the attribute `DIMENSION_LIST` as it comes.)
    func scales(rank: Int) throws -> [haddr_t?] {
        guard rank > 0, let attribute = try openAttribute("DIMENSION_LIST") else {
            return Array(repeating: nil, count: rank)
        }
        let base = HDF5Identifier(H5Tget_super(attribute.stored.raw), release: H5Tclose)
        try require(
            H5Tget_class(attribute.stored.raw) == H5T_VLEN && H5Tequal(base.raw, chdf5_object_reference()) > 0
                && attribute.shape == [rank], "DIMENSION_LIST", "a list of scales a dimension")
        guard let source else { return Array(repeating: nil, count: rank) }
        var left = try source.file.size()
        return try places(attribute, "DIMENSION_LIST", count: rank).map { place in
            let width = MemoryLayout<haddr_t>.size
            let list = try place.withUnsafeBytes { try source.bytes(at: $0, width: width, left: &left) }
            guard let list, list.count >= width else { return nil }
            return list.withUnsafeBytes { $0.loadLittle(haddr_t.self, at: 0) }
        }
    }

    private func reading(_ name: String) -> String { "read the attribute '\(name)' of '\(path)/'" }

    private func require(_ isSo: Bool, _ name: String, _ what: String) throws {
        if !isSo { throw ResultError.hdf5("the attribute '\(name)' of '\(path)/' is not \(what)") }
    }

    /// Opens an attribute and looks at what it is, which has to be known before it is read.
    private func openAttribute(_ name: String) throws -> StoredAttribute? {
        guard hasAttribute(name) else { return nil }
        let attribute = HDF5Identifier(
            try HDF5.check(H5Aopen(identifier.raw, name, 0), reading(name)), release: H5Aclose)
        let stored = HDF5Identifier(try HDF5.check(H5Aget_type(attribute.raw), reading(name)), release: H5Tclose)
        let space = HDF5Identifier(try HDF5.check(H5Aget_space(attribute.raw), reading(name)), release: H5Sclose)
        return StoredAttribute(
            identifier: attribute, stored: stored, type: HDF5Type(identifier: stored.raw),
            shape: HDF5.shape(of: space.raw))
    }

    private func write(_ name: String, _ type: HDF5Type, count: Int?, _ bytes: UnsafeRawBufferPointer) throws {
        let what = "write the attribute '\(name)' of '\(path)/'"
        let space: HDF5Identifier
        if let count {
            var extent = hsize_t(count)
            space = HDF5Identifier(try HDF5.check(H5Screate_simple(1, &extent, nil), what), release: H5Sclose)
        } else {
            space = HDF5Identifier(try HDF5.check(H5Screate(H5S_SCALAR), what), release: H5Sclose)
        }
        let raw = try type.withIdentifier(inFile: true) { stored in
            try HDF5.check(H5Acreate2(identifier.raw, name, stored, space.raw, 0, 0), what)
        }
        let attribute = HDF5Identifier(raw, release: H5Aclose)
        try type.withIdentifier(inFile: false) { element in
            try HDF5.check(H5Awrite(attribute.raw, element, bytes.baseAddress), what)
        }
    }
}

/// An open attribute, and what it is.
private struct StoredAttribute {
    let identifier: HDF5Identifier
    let stored: HDF5Identifier
    /// Nil when it is none of ours.
    let type: HDF5Type?
    /// Empty for a single value; nil when it has none that can be counted.
    let shape: [Int]?
}
