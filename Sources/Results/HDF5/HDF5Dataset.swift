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
    /// How its elements are read; nil while its file is being written.
    private let layout: StoredLayout?
    let source: HDF5Source?

    var count: Int { Self.count(shape) ?? .max }

    /// The product; nil when it does not fit.
    static func count(_ shape: [Int]) -> Int? {
        if shape.contains(0) { return 0 }
        var product = 1
        for extent in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            if overflow { return nil }
            product = next
        }
        return product
    }

    /// Wraps an open dataset; throws when it is none of ours.
    ///
    /// - Parameter source: the file to read it from; nil while it is being written.
    init(_ identifier: HDF5Identifier, path: String, source: HDF5Source?) throws {
        self.identifier = identifier
        self.path = path
        let stored = HDF5Identifier(
            try HDF5.check(H5Dget_type(identifier.raw), "inspect '\(path)'"), release: H5Tclose)
        guard let type = HDF5Type(identifier: stored.raw) else {
            throw ResultError.hdf5("'\(path)' has a type that result files do not use")
        }
        self.type = type
        let list = HDF5Identifier(
            try HDF5.check(H5Dget_create_plist(identifier.raw), "inspect '\(path)'"), release: H5Pclose)
        // Before its shape is asked for: that of a dataset made of parts of other files has the library open those.
        guard [H5D_CONTIGUOUS, H5D_CHUNKED].contains(H5Pget_layout(list.raw)) else {
            throw ResultError.hdf5("'\(path)' is stored in a way that result files do not use")
        }
        let space = HDF5Identifier(
            try HDF5.check(H5Dget_space(identifier.raw), "inspect '\(path)'"), release: H5Sclose)
        guard let shape = HDF5.shape(of: space.raw) else {
            throw ResultError.hdf5("'\(path)' has no shape that result files use")
        }
        self.shape = shape
        self.source = source
        layout = try source.map { _ in try StoredLayout(list.raw, path: path, shape: shape, type: type) }
    }

    private(set) lazy var storedBytes = Int(clamping: H5Dget_storage_size(identifier.raw))

    private func reader() throws -> PieceReader {
        guard let layout, let source else { throw ResultError.hdf5("'\(path)' is still being written") }
        return PieceReader(dataset: self, layout: layout, source: source)
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
        return try HDF5Dataset(HDF5Identifier(raw, release: H5Dclose), path: path, source: nil)
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
            let utf8 = Array(HDF5.storable(text).utf8)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: utf8.count + 1)
            for (index, byte) in utf8.enumerated() { copy[index] = CChar(bitPattern: byte) }
            copy[utf8.count] = 0
            return copy
        }
        defer { for pointer in pointers { pointer?.deallocate() } }
        try pointers.withUnsafeMutableBytes { try write(UnsafeRawBufferPointer($0), box: box) }
    }

    /// All of it.
    private var everything: Box { Box(start: shape.map { _ in 0 }, count: shape) }

    /// Whether any element of a part was ever written.
    func holdsAnything(in box: Box) throws -> Bool { try reader().holdsAnything(in: box) }

    /// Whether it counts something of tasks, with -1 for none.
    var isMinusOneForNone: Bool { path.hasSuffix("/mpi_rank") || path.hasSuffix("/build") }

    /// Whether elements that were never written say that there is nothing: NaN, no text, and what our own variables have.
    var isBlankWhereUnwritten: Bool {
        guard let fill = layout?.fill else { return false }
        switch type {
        case .float64: return fill.withUnsafeBytes { Double(bitPattern: $0.loadLittle(UInt64.self, at: 0)).isNaN }
        case .text: return true
        case .int8: return path.hasSuffix("/status") && fill.allSatisfy { $0 == 0 }
        case .int32: return isMinusOneForNone && fill.allSatisfy { $0 == 0xFF }
        case .int64: return false
        }
    }

    /// Whether all of it was written, as all coordinates are.
    var isStored: Bool { !shape.contains(0) && storedBytes / type.storedSize == count }

    /// Reads numbers of the dataset's own type into `bytes`, row-major.
    func read(into bytes: UnsafeMutableRawBufferPointer, box: Box? = nil) throws {
        let box = box ?? everything
        let reader = try reader()
        try reader.check(box)
        if box.count.contains(0) { return }
        guard type != .text, let count = Self.count(box.count), bytes.count >= count * type.size else {
            throw ResultError.hdf5("'\(path)' does not fit the memory that it is read into")
        }
        try reader.read(box, into: bytes)
    }

    /// Reads the dataset, or a part of it, as an array of numbers of its own type.
    func read<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(_: Element.Type, box: Box? = nil) throws
        -> [Element]
    {
        guard type != .text, MemoryLayout<Element>.size == type.size else {
            throw ResultError.hdf5("'\(path)' has another element type than expected")
        }
        try reader().check(box ?? everything)
        let count = Self.count(box?.count ?? shape) ?? 0
        return try [Element](unsafeUninitializedCapacity: count) { buffer, filled in
            try read(into: UnsafeMutableRawBufferPointer(buffer), box: box)
            filled = count
        }
    }

    /// Reads a dataset of whole numbers.
    func readIntegers() throws -> [Int64] {
        switch type {
        case .int64: return try read(Int64.self)
        case .int32: return try read(Int32.self).map(Int64.init)
        case .int8: return try read(Int8.self).map(Int64.init)
        case .float64, .text: throw ResultError.hdf5("'\(path)' holds no whole numbers")
        }
    }

    /// Reads texts; elements never written are empty.
    func readTexts(box: Box? = nil) throws -> [String] {
        guard type == .text else { throw ResultError.hdf5("'\(path)' holds numbers where texts were expected") }
        let box = box ?? everything
        let reader = try reader()
        try reader.check(box)
        var places = [UInt8](repeating: 0, count: (Self.count(box.count) ?? 0) * type.storedSize)
        if places.isEmpty { return [] }
        try places.withUnsafeMutableBytes { try reader.read(box, into: $0) }
        var left = try reader.source.file.size()
        return try places.withUnsafeBytes { raw in
            try stride(from: 0, to: raw.count, by: type.storedSize).map { at in
                let place = UnsafeRawBufferPointer(rebasing: raw[at..<(at + type.storedSize)])
                guard let text = try reader.source.text(at: place, left: &left) else {
                    throw ResultError.hdf5("'\(path)' is damaged: a text of it is not where it should be")
                }
                return text
            }
        }
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

    /// Whether it is the scale of a dimension, as its attribute `CLASS` says.
    func isScale() throws -> Bool { try shortText("CLASS") == "DIMENSION_SCALE" }

    /// Where the scale of each dimension is; see ``HDF5Group/dimensionNames(of:)``.
    func scales() throws -> [haddr_t?] { try scales(rank: shape.count) }
}
