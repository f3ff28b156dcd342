#include "CPlatform.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal = 0;
static volatile sig_atomic_t interrupts_are_counted = 0;

static volatile sig_atomic_t interrupts = 0;

static void on_stop(int signal_number) {
    if (signal_number == SIGINT && ++interrupts > 1 && !interrupts_are_counted) _exit(75);
    if (stop_signal == 0) stop_signal = signal_number;
    cplatform_note_stop();
}

void cplatform_catch_stop_signals(int leaves_at_second_interrupt) {
    interrupts_are_counted = !leaves_at_second_interrupt;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_stop;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGTERM, &action, 0);
    sigaction(SIGINT, &action, 0);
    // A terminal that is closed; not where nohup asked for it to be ignored.
    struct sigaction old;
    if (sigaction(SIGHUP, 0, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, 0);
    // A file beyond the limit of `ulimit -f` is then an error of its write, as a full disk is.
    signal(SIGXFSZ, SIG_IGN);
}

int cplatform_stop_signal(void) { return stop_signal; }

int cplatform_interrupts(void) { return interrupts; }

double cplatform_cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           1e-6 * ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec);
}
