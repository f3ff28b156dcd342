#include "CPlatform.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Read and written by signal handlers: the fate that the rank file shows to whoever comes after this process.
static volatile uint64_t *fate = NULL;
static volatile uint64_t *fate_signal = NULL;
static long main_thread = 0;

static void on_crash(int signal_number) {
    // Only the main thread runs tasks; a crash elsewhere is not the task's.
    if (fate && syscall(SYS_gettid) == main_thread) {
        *fate_signal = (uint64_t)signal_number;
        *fate = CPLATFORM_FATE_CRASHED;
    }
    // The handler was reset on entry: this time the signal ends the process, with its own exit status.
    raise(signal_number);
}

void cplatform_record_fate(uint64_t *fate_word, uint64_t *signal_word) {
    main_thread = syscall(SYS_gettid);
    fate_signal = signal_word;
    fate = fate_word;
}

void cplatform_note_stop(void) {
    if (fate && *fate == CPLATFORM_FATE_NONE) *fate = CPLATFORM_FATE_STOPPED;
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
