import CHDF5

/// How a new dataset is stored.
struct HDF5Storage {
    /// Elements of a chunk along each dimension; nil stores the dataset in one piece.
    var chunk: [Int]?
    /// Shuffle, deflate at this level, and a Fletcher-32 checksum a chunk; needs chunks.
    var deflateLevel: Int?
    /// Bytes of the chunk cache, 0 for the library's default.
    var cacheBytes = 0
}

/// A dataset: a box of numbers or texts with attributes.
final class HDF5Dataset: HDF5Attributed {
    let identifier: HDF5Identifier
    let path: String
    let shape: [Int]
    let type: HDF5Type

    var count: Int { shape.reduce(1, *) }

    /// Wraps an open dataset; throws when its type is none of ours.
    init(_ identifier: HDF5Identifier, path: String) throws {
        self.identifier = identifier
        self.path = path
        let space = HDF5Identifier(
            try HDF5.check(H5Dget_space(identifier.raw), "inspect '\(path)'"), release: H5Sclose)
        let rank = H5Sget_simple_extent_ndims(space.raw)
        var extents = [hsize_t](repeating: 0, count: max(0, Int(rank)))
        if rank > 0 { H5Sget_simple_extent_dims(space.raw, &extents, nil) }
        shape = extents.map(Int.init)
        let stored = HDF5Identifier(
            try HDF5.check(H5Dget_type(identifier.raw), "inspect '\(path)'"), release: H5Tclose)
        guard let type = HDF5Type(identifier: stored.raw) else {
            throw ResultError.hdf5("'\(path)' has a type that result files do not use")
        }
        self.type = type
    }

    /// Creates a dataset in `group`. An empty shape makes a scalar. What is never written reads as `fill`.
    static func create(
        _ name: String, in group: HDF5Group, type: HDF5Type, shape: [Int], fill: Double? = nil,
        storage: HDF5Storage = HDF5Storage()
    ) throws -> HDF5Dataset {
        let path = "\(group.path)/\(name)"
        let space = try makeSpace(shape)
        let creation = HDF5Identifier(
            try HDF5.check(H5Pcreate(chdf5_dataset_create()), "create a property list"), release: H5Pclose)
        let access = HDF5Identifier(
            try HDF5.check(H5Pcreate(chdf5_dataset_access()), "create a property list"), release: H5Pclose)
        // Object times would make equal data unequal files.
        try HDF5.check(H5Pset_obj_track_times(creation.raw, false), "describe '\(path)'")
        if let chunk = storage.chunk, !shape.isEmpty {
            try HDF5.check(
                H5Pset_chunk(creation.raw, Int32(chunk.count), chunk.map { hsize_t($0) }), "chunk '\(path)'")
            if let level = storage.deflateLevel {
                // Texts of variable length are references in the chunks: the library shuffles and checks only numbers.
                if type != .text { try HDF5.check(H5Pset_shuffle(creation.raw), "filter '\(path)'") }
                try HDF5.check(H5Pset_deflate(creation.raw, UInt32(level)), "filter '\(path)'")
                if type != .text { try HDF5.check(H5Pset_fletcher32(creation.raw), "filter '\(path)'") }
            }
            if storage.cacheBytes > 0 {
                try HDF5.check(H5Pset_chunk_cache(access.raw, 521, storage.cacheBytes, 1), "cache '\(path)'")
            }
        }
        if let fill {
            switch type {
            case .float64:
                var value = fill
                try HDF5.check(H5Pset_fill_value(creation.raw, chdf5_native_double(), &value), "fill '\(path)'")
            case .int64, .int32, .int8:
                var value = Int64(fill)
                try HDF5.check(H5Pset_fill_value(creation.raw, chdf5_native_int64(), &value), "fill '\(path)'")
            case .text: break
            }
        }
        let raw = try type.withIdentifier(inFile: true) { stored in
            try HDF5.check(
                H5Dcreate2(group.identifier.raw, name, stored, space.raw, 0, creation.raw, access.raw),
                "create '\(path)'")
        }
        return try HDF5Dataset(HDF5Identifier(raw, release: H5Dclose), path: path)
    }

    private static func makeSpace(_ shape: [Int]) throws -> HDF5Identifier {
        let raw =
            shape.isEmpty
            ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), shape.map { hsize_t($0) }, nil)
        return HDF5Identifier(try HDF5.check(raw, "describe a shape"), release: H5Sclose)
    }

    /// A part of the dataset: where it begins, and how far it goes, along each dimension.
    struct Box {
        var start: [Int]
        var count: [Int]
    }

    private func withSpaces(_ box: Box?, _ body: (hid_t, hid_t) throws -> Void) throws {
        guard let box, !shape.isEmpty else { return try body(chdf5_all(), chdf5_all()) }
        let file = HDF5Identifier(
            try HDF5.check(H5Dget_space(identifier.raw), "inspect '\(path)'"), release: H5Sclose)
        try HDF5.check(
            H5Sselect_hyperslab(
                file.raw, H5S_SELECT_SET, box.start.map { hsize_t($0) }, nil, box.count.map { hsize_t($0) }, nil),
            "select a part of '\(path)'")
        let memory = try Self.makeSpace(box.count)
        try body(memory.raw, file.raw)
    }

    /// Writes numbers of the dataset's own type, row-major; `box` nil means all of it.
    func write(_ bytes: UnsafeRawBufferPointer, box: Box? = nil) throws {
        if (box?.count ?? shape).contains(0) { return }
        try withSpaces(box) { memory, file in
            try type.withIdentifier(inFile: false) { element in
                try HDF5.check(H5Dwrite(identifier.raw, element, memory, file, 0, bytes.baseAddress), "write '\(path)'")
            }
        }
    }

    func write<Element: BitwiseCopyable>(_ values: [Element], box: Box? = nil) throws {
        precondition(MemoryLayout<Element>.size == type.size, "element size of \(path)")
        try values.withUnsafeBytes { try write($0, box: box) }
    }

    /// Writes texts; nil leaves an element as if never written, at no cost in space.
    func write(texts: [String?], box: Box? = nil) throws {
        if (box?.count ?? shape).contains(0) { return }
        var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { text in
            guard let text else { return nil }
            let utf8 = Array(text.utf8)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: utf8.count + 1)
            for (index, byte) in utf8.enumerated() { copy[index] = CChar(bitPattern: byte) }
            copy[utf8.count] = 0
            return copy
        }
        defer { for pointer in pointers { pointer?.deallocate() } }
        try pointers.withUnsafeMutableBytes { try write(UnsafeRawBufferPointer($0), box: box) }
    }

    /// Reads numbers of the dataset's own type into `bytes`, row-major.
    func read(into bytes: UnsafeMutableRawBufferPointer, box: Box? = nil) throws {
        if (box?.count ?? shape).contains(0) { return }
        precondition(bytes.count >= (box?.count ?? shape).reduce(1, *) * type.size, "buffer for \(path)")
        try withSpaces(box) { memory, file in
            try type.withIdentifier(inFile: false) { element in
                try HDF5.check(H5Dread(identifier.raw, element, memory, file, 0, bytes.baseAddress), "read '\(path)'")
            }
        }
    }

    /// Reads the dataset, or a part of it, as an array of numbers of its own type.
    func read<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(_: Element.Type, box: Box? = nil) throws
        -> [Element]
    {
        guard type != .text, MemoryLayout<Element>.size == type.size else {
            throw ResultError.hdf5("'\(path)' has another element type than expected")
        }
        let count = (box?.count ?? shape).reduce(1, *)
        return try [Element](unsafeUninitializedCapacity: count) { buffer, filled in
            try read(into: UnsafeMutableRawBufferPointer(buffer), box: box)
            filled = count
        }
    }

    /// Reads any numeric dataset as doubles.
    func readNumbers(box: Box? = nil) throws -> [Double] {
        switch type {
        case .float64: return try read(Double.self, box: box)
        case .int64: return try read(Int64.self, box: box).map(Double.init)
        case .int32: return try read(Int32.self, box: box).map(Double.init)
        case .int8: return try read(Int8.self, box: box).map(Double.init)
        case .text: throw ResultError.hdf5("'\(path)' holds texts where numbers were expected")
        }
    }

    /// Reads texts; elements never written are empty.
    func readTexts(box: Box? = nil) throws -> [String] {
        guard type == .text else { throw ResultError.hdf5("'\(path)' holds numbers where texts were expected") }
        let extents = box?.count ?? shape
        if extents.contains(0) { return [] }
        var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: extents.reduce(1, *))
        try pointers.withUnsafeMutableBytes { try read(into: $0, box: box) }
        let texts = pointers.map { pointer in pointer.map { String(cString: $0) } ?? "" }
        for pointer in pointers where pointer != nil { H5free_memory(pointer) }
        return texts
    }

    /// Elements of a chunk along each dimension; nil for a dataset stored in one piece.
    func chunkShape() throws -> [Int]? {
        let list = HDF5Identifier(
            try HDF5.check(H5Dget_create_plist(identifier.raw), "inspect '\(path)'"), release: H5Pclose)
        guard !shape.isEmpty, H5Pget_layout(list.raw) == H5D_CHUNKED else { return nil }
        var chunk = [hsize_t](repeating: 0, count: shape.count)
        H5Pget_chunk(list.raw, Int32(shape.count), &chunk)
        return chunk.map(Int.init)
    }

    // MARK: Dimension scales

    /// Makes this one-dimensional dataset the scale (coordinate) of the dimension `name`.
    func makeScale(_ name: String) throws {
        try HDF5.check(H5DSset_scale(identifier.raw, name), "make '\(path)' a dimension scale")
    }

    /// Names dimension `index` by `scale`.
    func attach(_ scale: HDF5Dataset, toDimension index: Int) throws {
        try HDF5.check(
            H5DSattach_scale(identifier.raw, scale.identifier.raw, UInt32(index)),
            "attach the dimension '\(scale.path)' to '\(path)'")
    }

    var isScale: Bool { H5DSis_scale(identifier.raw) > 0 }

    /// The name of the scale attached to each dimension (the last part of its path), nil where there is none.
    func dimensionNames() -> [String?] {
        shape.indices.map { index in
            final class Found { var name: String? }
            let found = Found()
            _ = H5DSiterate_scales(
                identifier.raw, UInt32(index), nil,
                { _, _, scale, context in
                    var buffer = [CChar](repeating: 0, count: 1024)
                    let length = H5Iget_name(scale, &buffer, buffer.count)
                    if length > 0, length < buffer.count, let context {
                        let path = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                        let name = path.split(separator: "/").last.map(String.init)
                        Unmanaged<Found>.fromOpaque(context).takeUnretainedValue().name = name
                    }
                    return 1
                }, Unmanaged.passUnretained(found).toOpaque())
            return found.name
        }
    }
}
