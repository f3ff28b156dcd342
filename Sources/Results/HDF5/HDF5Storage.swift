import CHDF5
import CSafeDriver

/// Where the elements of a dataset in a file lie, checked before any of them is read: result files use few of the ways
/// that HDF5 knows, and the others (parts of other files, filters of any kind, chunks of any size) are refused.
struct StoredLayout {
    /// The elements of a chunk along each dimension; of a dataset in one piece its shape.
    let piece: [Int]
    let isChunked: Bool
    let filters: csafedriver_filters
    /// The bytes of an element that was never written.
    let fill: [UInt8]

    /// More is never read: a file of a few kilobytes could say that it has any number of elements.
    private static let longestDataset = 1 << 43
    private static let longestPiece = 64 << 20
    private static let mostPieces = 1 << 25

    /// - Throws: when result files store nothing in this way.
    init(_ list: hid_t, path: String, shape: [Int], type: HDF5Type) throws {
        func refuse(_ what: String) -> ResultError {
            .hdf5("'\(path)' \(what), which result files do not have")
        }
        guard let count = HDF5Dataset.count(shape.map { max(1, $0) }), count <= Self.longestDataset / type.storedSize
        else {
            throw refuse("says that it has \(shape.map(String.init).joined(separator: " x ")) elements")
        }
        guard H5Pget_external_count(list) == 0 else { throw refuse("keeps its values in another file") }
        isChunked = H5Pget_layout(list) == H5D_CHUNKED
        var filters = csafedriver_filters()
        if isChunked {
            var chunk = [hsize_t](repeating: 0, count: shape.count)
            guard !shape.isEmpty, H5Pget_chunk(list, Int32(shape.count), &chunk) == Int32(shape.count) else {
                throw refuse("has chunks of another rank")
            }
            piece = chunk.map { Int(clamping: $0) }
            guard !piece.contains(where: { $0 < 1 }), let length = HDF5Dataset.count(piece),
                length <= Self.longestPiece / type.storedSize
            else { throw refuse("has chunks of \(piece.map(String.init).joined(separator: " x ")) elements") }
            let along = zip(shape, piece).map { ($0 + $1 - 1) / $1 }
            guard let pieces = HDF5Dataset.count(along), pieces <= Self.mostPieces else {
                throw refuse("has more chunks than a file can hold")
            }
            var last = -1
            for index in 0..<max(0, H5Pget_nfilters(list)) {
                var (flags, information): (UInt32, UInt32) = (0, 0)
                var count = 1
                var value: UInt32 = 0
                let filter = H5Pget_filter2(list, UInt32(index), &flags, &count, &value, 0, nil, &information)
                // Each at most once, in this order.
                guard
                    let place = [H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE, H5Z_FILTER_FLETCHER32].firstIndex(of: filter),
                    place > last
                else { throw refuse("has the filter \(filter) at place \(index + 1)") }
                last = place
                switch place {
                case 0: filters.shuffled = type.storedSize
                case 1: filters.inflates = 1
                default: filters.checks = 1
                }
            }
        } else {
            guard H5Pget_layout(list) == H5D_CONTIGUOUS else { throw refuse("is stored in a way") }
            piece = shape
        }
        self.filters = filters
        var fill = [UInt8](repeating: 0, count: type.storedSize)
        var defined = H5D_FILL_VALUE_UNDEFINED
        if type != .text, H5Pfill_value_defined(list, &defined) >= 0, defined == H5D_FILL_VALUE_USER_DEFINED {
            try type.withIdentifier(inFile: false) {
                try HDF5.check(H5Pget_fill_value(list, $0, &fill), "read the fill value of '\(path)'")
            }
        }
        self.fill = fill
    }
}

/// Reads parts of a dataset: HDF5 says where its pieces lie, and everything from there on is done here, within the
/// bounds of the file, of the piece, and of the memory that was asked for.
struct PieceReader {
    let dataset: HDF5Dataset
    let layout: StoredLayout
    let source: HDF5Source

    /// Reads this much whatever the file has; beyond it, what is stored must account for it.
    private static let freeBytes = 256 << 20
    /// Deflate packs a run of one byte into a thousandth.
    private static let mostPacked = 2000

    /// Throws when `box` is no part of the dataset, or more than its file can hold.
    func check(_ box: HDF5Dataset.Box) throws {
        let shape = dataset.shape
        guard box.start.count == shape.count, box.count.count == shape.count,
            zip(shape, zip(box.start, box.count)).allSatisfy({ extent, part in
                part.0 >= 0 && part.1 >= 0 && part.0 <= extent && part.1 <= extent - part.0
            })
        else {
            throw ResultError.hdf5(
                "'\(dataset.path)' has the shape \(shape), of which \(box.start) to \(box.count) is no part")
        }
        let bytes = (HDF5Dataset.count(box.count) ?? .max / 16) * dataset.type.storedSize
        guard bytes <= Self.freeBytes || bytes / Self.mostPacked <= dataset.storedBytes else {
            throw ResultError.hdf5(
                "'\(dataset.path)' stores \(dataset.storedBytes) bytes for \(bytes): its file cannot hold what it says")
        }
    }

    /// Whether any element of `box` was ever written.
    func holdsAnything(in box: HDF5Dataset.Box) throws -> Bool {
        try check(box)
        guard layout.isChunked else { return dataset.storedBytes > 0 }
        var found = false
        try forEachPiece(of: box) { at, _ in
            if !found { found = try place(at) != nil }
        }
        return found
    }

    /// Reads `box` into `target`, row-major.
    func read(_ box: HDF5Dataset.Box, into target: UnsafeMutableRawBufferPointer) throws {
        try check(box)
        let width = dataset.type.storedSize
        if !layout.isChunked, dataset.storedBytes == 0 {
            for index in target.indices { target[index] = layout.fill[index % width] }
            return
        }
        let count = HDF5Dataset.count(layout.piece) ?? 0
        if !layout.isChunked, try count * width > source.file.size() {
            throw ResultError.hdf5("'\(dataset.path)' is damaged: it is larger than its file")
        }
        var piece = [UInt8](repeating: 0, count: count * width)
        var (packed, spare): ([UInt8], [UInt8]) = ([], [])
        try forEachPiece(of: box) { at, part in
            if let (address, length) = try place(at) {
                if layout.isChunked {
                    if packed.count < length { packed = [UInt8](repeating: 0, count: length) }
                    if spare.isEmpty { spare = [UInt8](repeating: 0, count: piece.count) }
                    try read(address, length, into: &packed)
                    var filters = layout.filters
                    guard csafedriver_unpack(packed, length, &filters, &spare, &piece, piece.count) == 0 else {
                        throw ResultError.hdf5("'\(dataset.path)' is damaged: the chunk at \(at) cannot be unpacked")
                    }
                } else {
                    try read(address, length, into: &piece)
                }
            } else {
                for index in piece.indices { piece[index] = layout.fill[index % width] }
            }
            copy(piece, at, part, to: target, of: box)
        }
    }

    /// Where the piece that begins at these indices lies; nil when it was never written.
    private func place(_ at: [Int]) throws -> (address: Int, length: Int)? {
        let whole = (HDF5Dataset.count(layout.piece) ?? 0) * dataset.type.storedSize
        if !layout.isChunked {
            let address = H5Dget_offset(dataset.identifier.raw)
            guard address != chdf5_no_address(), dataset.storedBytes > 0 else { return nil }
            guard dataset.storedBytes == whole else {
                throw ResultError.hdf5(
                    "'\(dataset.path)' is damaged: it stores \(dataset.storedBytes) bytes of \(whole)")
            }
            return (Int(clamping: address), whole)
        }
        var (mask, address, length): (UInt32, haddr_t, hsize_t) = (0, chdf5_no_address(), 0)
        try HDF5.check(
            H5Dget_chunk_info_by_coord(
                dataset.identifier.raw, at.map { hsize_t($0) }, &mask, &address, &length),
            "find a chunk of '\(dataset.path)'")
        if address == chdf5_no_address() { return nil }
        // What cannot be packed grows a little.
        guard mask == 0, length <= hsize_t(whole + whole / 64 + 1024) else {
            throw ResultError.hdf5(
                "'\(dataset.path)' is damaged: the chunk at \(at) has \(length) bytes, filters \(mask)")
        }
        return (Int(clamping: address), Int(length))
    }

    private func read(_ address: Int, _ length: Int, into bytes: inout [UInt8]) throws {
        let got = try bytes.withUnsafeMutableBytes {
            try source.file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<length]), at: address)
        }
        guard got == length else { throw ResultError.hdf5("'\(dataset.path)' is damaged: it ends beyond its file") }
    }

    /// Calls `body` with the first indices of every piece that `box` touches, and the part of the box in it.
    private func forEachPiece(
        of box: HDF5Dataset.Box, _ body: ([Int], HDF5Dataset.Box) throws -> Void
    ) throws {
        guard !box.count.contains(0) else { return }
        // A dataset in one piece is read as one, wherever the box is.
        let first = zip(box.start, layout.piece).map { $0 / max(1, $1) * $1 }
        var at = layout.isChunked ? first : first.map { _ in 0 }
        while true {
            let start = at.indices.map { max(at[$0], box.start[$0]) }
            let ends = at.indices.map { min(at[$0] + layout.piece[$0], box.start[$0] + box.count[$0]) }
            try body(at, HDF5Dataset.Box(start: start, count: zip(ends, start).map { $0 - $1 }))
            var dimension = at.count - 1
            while dimension >= 0 {
                at[dimension] += layout.piece[dimension]
                if at[dimension] < box.start[dimension] + box.count[dimension] { break }
                at[dimension] = first[dimension]
                dimension -= 1
            }
            if dimension < 0 { return }
        }
    }

    /// Copies the part of a piece into its place in the box.
    private func copy(
        _ piece: [UInt8], _ at: [Int], _ part: HDF5Dataset.Box, to target: UnsafeMutableRawBufferPointer,
        of box: HDF5Dataset.Box
    ) {
        let width = dataset.type.storedSize
        // Dimensions from `inner` on are whole in the part, the piece and the box: one run.
        var inner = part.count.count
        var run = 1
        while inner > 0 {
            inner -= 1
            run *= part.count[inner]
            if part.count[inner] != layout.piece[inner] || part.count[inner] != box.count[inner] { break }
        }
        let rows = Array(part.count[..<inner])
        piece.withUnsafeBytes { bytes in
            guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
            for row in 0..<(HDF5Dataset.count(rows) ?? 0) {
                let lead = MethodLayout.indices(row, shape: rows) + Array(repeating: 0, count: part.count.count - inner)
                var (source, place) = (0, 0)
                for dimension in part.count.indices {
                    let index = part.start[dimension] + lead[dimension]
                    source = source * layout.piece[dimension] + index - at[dimension]
                    place = place * box.count[dimension] + index - box.start[dimension]
                }
                (to + place * width).copyMemory(from: from + source * width, byteCount: run * width)
            }
        }
    }
}
