import CMPI

/// All ranks of this run. The one place that speaks MPI; statuses become errors, handles stay inside.
///
/// Not `Sendable`: MPI is initialised for one thread, and the communicator belongs to it.
package final class Communicator {
    let rank: Int
    let size: Int
    private var outbox: [Outgoing] = []

    private struct Outgoing {
        let buffer: UnsafeMutableRawBufferPointer
        var request = cmpi_request()
    }

    /// Starts MPI. Throws when it cannot (no launcher that it understands, or a broken installation).
    package init() throws {
        // For one thread: the results writer is a second one, which never calls MPI.
        try check(cmpi_init(), "MPI_Init_thread")
        var value: Int32 = 0
        try check(cmpi_rank(&value), "MPI_Comm_rank")
        rank = Int(value)
        try check(cmpi_size(&value), "MPI_Comm_size")
        size = Int(value)
    }

    /// A message that has arrived.
    package struct Message {
        let source: Int
        let tag: Int
        package let bytes: [UInt8]
    }

    /// The next message, if one has arrived; never waits for one.
    package func poll() throws -> Message? {
        try releaseSent()
        var (found, source, tag, count): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
        try check(cmpi_probe(&found, &source, &tag, &count), "MPI_Iprobe")
        guard found != 0 else { return nil }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
            code = cmpi_receive(buffer.baseAddress, count, source, tag)
            filled = Int(count)
        }
        try check(code, "MPI_Recv")
        return Message(source: Int(source), tag: Int(tag), bytes: bytes)
    }

    /// Sends without waiting for the receiver: a rank in the middle of a task is not made to answer.
    package func send(_ bytes: [UInt8], to destination: Int, tag: Int) throws {
        try releaseSent()
        guard bytes.count <= Int(Int32.max) else {
            throw MPIError(
                operation: "MPI_Isend", text: "a message of \(bytes.count) bytes is over MPI's limit of 2 GiB")
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        buffer.copyBytes(from: bytes)
        var outgoing = Outgoing(buffer: buffer)
        let code = cmpi_send(
            buffer.baseAddress, Int32(bytes.count), Int32(destination), Int32(tag), &outgoing.request)
        outbox.append(outgoing)
        try check(code, "MPI_Isend")
    }

    /// Whether every message sent so far has left.
    func isFlushed() throws -> Bool {
        try releaseSent()
        return outbox.isEmpty
    }

    /// Gives every rank rank 0's bytes.
    func broadcast(_ bytes: [UInt8]) throws -> [UInt8] {
        var count = Int32(bytes.count)
        try check(cmpi_broadcast_number(&count), "MPI_Bcast")
        var data = rank == 0 ? bytes : [UInt8](repeating: 0, count: Int(count))
        if count > 0 {
            try check(data.withUnsafeMutableBytes { cmpi_broadcast($0.baseAddress, count) }, "MPI_Bcast")
        }
        return data
    }

    /// Ends MPI; all ranks call it.
    package func finalize() throws { try check(cmpi_finalize(), "MPI_Finalize") }

    /// Ends all ranks at once with `code`, for errors after which no agreement can be had.
    func abort(_ code: Int32) { _ = cmpi_abort(code) }

    /// The library's own description, for provenance; callable without a started MPI.
    static func linkedVersion() -> String {
        // One line, up to the first comma: `Open MPI v4.1.4`, `MPICH Version: 4.0.2`.
        text { cmpi_library_text($0, &$1) }.split(whereSeparator: { $0 == "," || $0.isNewline }).first
            .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") } ?? ""
    }

    /// What srun is told with `--mpi` to connect the ranks of a program with this library.
    static var slurmPlugin: String { isOpenMPI ? "pmix" : "pmi2" }

    /// Whether Open MPI is linked; otherwise it is MPICH or one of its children.
    static var isOpenMPI: Bool { cmpi_is_open_mpi() != 0 }

    private func releaseSent() throws {
        var kept = 0
        for index in outbox.indices {
            var done: Int32 = 0
            try check(cmpi_test(&outbox[index].request, &done), "MPI_Test")
            if done != 0 {
                outbox[index].buffer.deallocate()
            } else {
                outbox[kept] = outbox[index]
                kept += 1
            }
        }
        outbox.removeLast(outbox.count - kept)
    }
}

/// A call of MPI that failed.
struct MPIError: Error, CustomStringConvertible {
    let operation: String
    let text: String

    var description: String { "\(operation): \(text)" }
}

private func check(_ code: Int32, _ operation: String) throws {
    guard code != 0 else { return }
    throw MPIError(operation: operation, text: text { cmpi_error_text(code, $0, &$1) })
}

/// A text that the library writes into a buffer.
private func text(_ write: (UnsafeMutablePointer<CChar>?, inout Int32) -> Int32) -> String {
    var length: Int32 = 0
    return String(unsafeUninitializedCapacity: Int(cmpi_text_capacity)) { buffer in
        buffer.withMemoryRebound(to: CChar.self) { _ = write($0.baseAddress, &length) }
        return Int(length)
    }
}
