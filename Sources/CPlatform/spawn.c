#define _GNU_SOURCE  // pipe2
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int cplatform_spawn(char *const arguments[], int detached) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    int parent = getpid();
    int child = fork();
    if (child < 0) {
        int code = errno;
        close(report[0]);
        close(report[1]);
        return -code;
    }
    if (child == 0) {
        // A process group of its own: Ctrl-C reaches the supervisor only, which passes on what the ranks can stand.
        if (detached) setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(75);
        int null = open("/dev/null", O_RDONLY);
        if (null >= 0) dup2(null, 0);
        signal(SIGUSR1, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        struct sigaction hangup;
        if (sigaction(SIGHUP, 0, &hangup) == 0 && hangup.sa_handler != SIG_IGN) signal(SIGHUP, SIG_DFL);
        execvp(arguments[0], arguments);
        int code = errno;
        ssize_t written = write(report[1], &code, sizeof code);
        (void)written;
        _exit(127);
    }
    close(report[1]);
    int code = 0;
    ssize_t got;
    do got = read(report[0], &code, sizeof code);
    while (got < 0 && errno == EINTR);
    close(report[0]);
    return got == sizeof code ? -code : child;
}
