import CMPI

/// All ranks of this run. The one place that speaks MPI; statuses become errors, handles stay inside.
///
/// Not `Sendable`: MPI is initialised for one thread, and the communicator belongs to it.
package final class Communicator {
    let rank: Int
    let size: Int
    private let world: MPI_Comm?
    private var outbox: [Outgoing] = []

    private struct Outgoing {
        let buffer: UnsafeMutableRawBufferPointer
        var request: MPI_Request?
    }

    /// Starts MPI. Throws when it cannot (no launcher that it understands, or a broken installation).
    package init() throws {
        var provided: Int32 = 0
        // Funneled: the results writer is a second thread, which never calls MPI.
        try check(MPI_Init_thread(nil, nil, Int32(MPI_THREAD_FUNNELED), &provided), "MPI_Init_thread")
        world = cmpi_comm_world()
        try check(MPI_Comm_set_errhandler(world, cmpi_errors_return()), "MPI_Comm_set_errhandler")
        var value: Int32 = 0
        try check(MPI_Comm_rank(world, &value), "MPI_Comm_rank")
        rank = Int(value)
        try check(MPI_Comm_size(world, &value), "MPI_Comm_size")
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
        var flag: Int32 = 0
        var status = MPI_Status()
        try check(MPI_Iprobe(cmpi_any_source(), cmpi_any_tag(), world, &flag, &status), "MPI_Iprobe")
        guard flag != 0 else { return nil }
        var count: Int32 = 0
        try check(MPI_Get_count(&status, cmpi_byte(), &count), "MPI_Get_count")
        let source = status.MPI_SOURCE
        let tag = status.MPI_TAG
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
            code = MPI_Recv(buffer.baseAddress, count, cmpi_byte(), source, tag, world, &status)
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
        var outgoing = Outgoing(buffer: buffer, request: nil)
        let code = MPI_Isend(
            buffer.baseAddress, Int32(bytes.count), cmpi_byte(), Int32(destination), Int32(tag), world,
            &outgoing.request)
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
        try check(MPI_Bcast(&count, 1, cmpi_int(), 0, world), "MPI_Bcast")
        var data = rank == 0 ? bytes : [UInt8](repeating: 0, count: Int(count))
        if count > 0 {
            try check(
                data.withUnsafeMutableBytes { MPI_Bcast($0.baseAddress, count, cmpi_byte(), 0, world) }, "MPI_Bcast")
        }
        return data
    }

    /// Ends MPI; all ranks call it.
    package func finalize() throws { try check(MPI_Finalize(), "MPI_Finalize") }

    /// Ends all ranks at once with `code`, for errors after which no agreement can be had.
    func abort(_ code: Int32) { MPI_Abort(world, code) }

    /// The library's own description, for provenance; callable without a started MPI.
    static func linkedVersion() -> String {
        var length: Int32 = 0
        let capacity = Int(MPI_MAX_LIBRARY_VERSION_STRING)
        let text = String(unsafeUninitializedCapacity: capacity) { buffer in
            buffer.withMemoryRebound(to: CChar.self) { chars in
                _ = MPI_Get_library_version(chars.baseAddress, &length)
            }
            return Int(length)
        }
        return String(text.prefix { $0 != "," })
    }

    /// What srun is told with `--mpi` to connect the ranks of a program with this library.
    static var slurmPluginName: String { String(cString: cmpi_slurm_plugin()) }

    private func releaseSent() throws {
        var kept = 0
        for index in outbox.indices {
            var done: Int32 = 0
            try check(MPI_Test(&outbox[index].request, &done, nil), "MPI_Test")
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
    var length: Int32 = 0
    let text = String(unsafeUninitializedCapacity: Int(MPI_MAX_ERROR_STRING)) { buffer in
        buffer.withMemoryRebound(to: CChar.self) { _ = MPI_Error_string(code, $0.baseAddress, &length) }
        return Int(length)
    }
    throw MPIError(operation: operation, text: text)
}
