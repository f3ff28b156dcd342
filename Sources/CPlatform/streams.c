#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

// Before anything else opens a file: where a standard stream is closed, the next file that is opened takes its number, and
// what is written to the stream goes into that file. A reader of a stream that goes away is an error of the write, as a full
// disk is, and no signal; programs that are started from here inherit that.
__attribute__((constructor(101))) static void keep_streams_apart(void) {
    for (int stream = 0; stream <= 2; stream++) {
        if (fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
        // The lowest number that is free is this one.
        if (open("/dev/null", O_RDWR) != stream) _exit(70);
    }
    signal(SIGPIPE, SIG_IGN);
}

void cplatform_log(const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        bytes += written;
        count -= (size_t)written;
    }
}

// Why the first write of ours failed; 0: none has.
static int output_error = 0;

int cplatform_print(const char *bytes, size_t count) {
    errno = 0;
    if (fwrite(bytes, 1, count, stdout) == count) return 1;
    if (!output_error) output_error = errno ? errno : EIO;
    return 0;
}

int cplatform_flush_output(void) {
    errno = 0;
    int failed = fflush(stdout) != 0;
    int code = output_error ? output_error : errno;
    if (!failed && !ferror(stdout)) return 0;
    // A write of somebody else may have failed, whose reason is gone: a pipe tells when nobody reads it any more.
    struct pollfd pipe = {.fd = STDOUT_FILENO, .events = 0};
    if (code == EPIPE || (poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR))) return EPIPE;
    return code ? code : EIO;
}

void cplatform_end_by_broken_pipe(void) {
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}
