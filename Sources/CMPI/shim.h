// MPI as Swift sees it: plain functions on the one communicator that is used. Constants are macros with casts, which Swift
// does not import, and handles are pointers in Open MPI and integers in MPICH; both stay inside.
#pragma once
#include <mpi.h>

// A message that is being sent.
typedef struct {
    MPI_Request handle;
} cmpi_request;

// Starts MPI for one thread that calls it; errors are returned rather than fatal.
static inline int cmpi_init(void) {
    int provided;
    int code = MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
    return code != MPI_SUCCESS ? code : MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}

static inline int cmpi_rank(int *rank) { return MPI_Comm_rank(MPI_COMM_WORLD, rank); }
static inline int cmpi_size(int *size) { return MPI_Comm_size(MPI_COMM_WORLD, size); }

// Looks for any message that has arrived: whether there is one, and its source, tag and bytes.
static inline int cmpi_probe(int *found, int *source, int *tag, int *count) {
    MPI_Status status;
    int code = MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, found, &status);
    if (code != MPI_SUCCESS || !*found) return code;
    *source = status.MPI_SOURCE;
    *tag = status.MPI_TAG;
    return MPI_Get_count(&status, MPI_BYTE, count);
}

static inline int cmpi_receive(void *bytes, int count, int source, int tag) {
    return MPI_Recv(bytes, count, MPI_BYTE, source, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

// Starts to send; the bytes must stay until cmpi_test says that they have left.
static inline int cmpi_send(const void *bytes, int count, int destination, int tag, cmpi_request *request) {
    return MPI_Isend(bytes, count, MPI_BYTE, destination, tag, MPI_COMM_WORLD, &request->handle);
}

static inline int cmpi_test(cmpi_request *request, int *done) {
    return MPI_Test(&request->handle, done, MPI_STATUS_IGNORE);
}

// Gives all ranks rank 0's bytes, or its number.
static inline int cmpi_broadcast(void *bytes, int count) { return MPI_Bcast(bytes, count, MPI_BYTE, 0, MPI_COMM_WORLD); }
static inline int cmpi_broadcast_number(int *number) { return MPI_Bcast(number, 1, MPI_INT, 0, MPI_COMM_WORLD); }

static inline int cmpi_finalize(void) { return MPI_Finalize(); }
static inline int cmpi_abort(int code) { return MPI_Abort(MPI_COMM_WORLD, code); }

// Texts: an error's, and the library's own description. They hold at most this many characters.
enum { cmpi_text_capacity = MPI_MAX_LIBRARY_VERSION_STRING > MPI_MAX_ERROR_STRING ? MPI_MAX_LIBRARY_VERSION_STRING : MPI_MAX_ERROR_STRING };
static inline int cmpi_error_text(int code, char *text, int *length) { return MPI_Error_string(code, text, length); }
static inline int cmpi_library_text(char *text, int *length) { return MPI_Get_library_version(text, length); }

// Whether the library is Open MPI; else it is MPICH or one of its children, which speak PMI with their launchers.
static inline int cmpi_is_open_mpi(void) {
#ifdef OPEN_MPI
    return 1;
#else
    return 0;
#endif
}
