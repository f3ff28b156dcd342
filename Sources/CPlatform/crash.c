#include "CPlatform.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Read and written by signal handlers: what the rank file shows to whoever comes after this process.
static volatile struct cplatform_flight *flight = NULL;
static long main_thread = 0;
static pthread_t main_pthread;
static volatile struct cplatform_flight sentence;

static void on_crash(int signal_number) {
    // Only the main thread runs tasks; a crash elsewhere is not the task's.
    if (flight && syscall(SYS_gettid) == main_thread) {
        flight->signal = (uint64_t)signal_number;
        flight->fate = CPLATFORM_FATE_CRASHED;
    }
    // The handler was reset on entry: this time the signal ends the process, with its own exit status.
    raise(signal_number);
}

// On the main thread, so that the task cannot change between the look at it and its end.
static void on_sentence(int signal_number) {
    (void)signal_number;
    if (!flight || !flight->is_running || flight->number != sentence.number) return;
    flight->detail = sentence.detail;
    flight->fate = sentence.fate;
    kill(getpid(), SIGKILL);
}

void cplatform_record_fate(struct cplatform_flight *words) {
    main_thread = syscall(SYS_gettid);
    main_pthread = pthread_self();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_sentence;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    flight = words;
}

void cplatform_note_stop(void) {
    if (flight && flight->fate == CPLATFORM_FATE_NONE) flight->fate = CPLATFORM_FATE_STOPPED;
}

void cplatform_end_task(uint64_t number, uint64_t fate, uint64_t detail) {
    sentence.number = number;
    sentence.fate = fate;
    sentence.detail = detail;
    pthread_kill(main_pthread, SIGALRM);
}

void cplatform_catch_crashes(void) {
    static char stack[64 << 10];  // a stack of its own: the usual reason for a crash is that the other one is full
    stack_t alternate;
    memset(&alternate, 0, sizeof alternate);
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof stack;
    sigaltstack(&alternate, NULL);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_crash;
    action.sa_flags = SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaction(signals[i], &action, NULL);
}
