import CHDF5

/// Something that carries attributes.
protocol HDF5Attributed: AnyObject {
    var identifier: HDF5Identifier { get }
    var path: String { get }
}

extension HDF5Attributed {
    /// Sets a text, stored as a variable-length UTF-8 string (any length; h5py and netCDF read it as text).
    func setAttribute(_ name: String, _ text: String) throws {
        try Array(text.utf8CString).withUnsafeBufferPointer { characters in
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

    /// The text of attribute `name`; nil when there is none or it is no text.
    func textAttribute(_ name: String) throws -> String? {
        guard let (attribute, type) = try openAttribute(name), type == .text else { return nil }
        var pointer: UnsafeMutablePointer<CChar>?
        try type.withIdentifier(inFile: false) { element in
            try HDF5.check(H5Aread(attribute.raw, element, &pointer), "read the attribute '\(name)' of '\(path)/'")
        }
        guard let pointer else { return "" }
        defer { H5free_memory(pointer) }
        return String(cString: pointer)
    }

    /// The integer attribute `name`; nil when there is none or it is no integer.
    func integerAttribute(_ name: String) throws -> Int? {
        guard let (attribute, type) = try openAttribute(name), type == .int64 || type == .int32 || type == .int8 else {
            return nil
        }
        var value: Int64 = 0
        try HDF5.check(
            H5Aread(attribute.raw, chdf5_native_int64(), &value), "read the attribute '\(name)' of '\(path)/'")
        return Int(value)
    }

    private func openAttribute(_ name: String) throws -> (HDF5Identifier, HDF5Type)? {
        guard hasAttribute(name) else { return nil }
        let attribute = HDF5Identifier(
            try HDF5.check(H5Aopen(identifier.raw, name, 0), "open the attribute '\(name)' of '\(path)/'"),
            release: H5Aclose)
        let stored = HDF5Identifier(
            try HDF5.check(H5Aget_type(attribute.raw), "inspect the attribute '\(name)' of '\(path)/'"),
            release: H5Tclose)
        guard let type = HDF5Type(identifier: stored.raw) else { return nil }
        return (attribute, type)
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
