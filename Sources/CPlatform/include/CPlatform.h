// What the C library offers and Swift cannot say: the CPU check before main, and async-signal-safe stop flags.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// The commit this program was built from, with "+changes" when the tree was not clean.
const char *cplatform_commit(void);

/// The instruction set this program was built for, as the compiler's -march names it.
const char *cplatform_architecture_level(void);

/// The digest of the program that its linker wrote into it: points `bytes` at it and returns its length, 0 when there is
/// none.
int32_t cplatform_build_id(const uint8_t **bytes);

/// The version of the C library, whose exponentials and logarithms the numbers are made with.
const char *cplatform_libc_version(void);

/// Writes to standard error, as far as it goes.
void cplatform_log(const char *bytes, size_t count);

/// Writes to standard output, through its buffer; returns 0 when that fails.
int cplatform_print(const char *bytes, size_t count);

/// Writes out what is buffered for standard output. Returns 0, or the errno of what could not be written since the start;
/// EPIPE when its reader has gone away.
int cplatform_flush_output(void);

/// Ends the process as one that nobody reads any more usually ends.
void cplatform_end_by_broken_pipe(void);

/// Routes SIGUSR1, SIGTERM, SIGHUP and SIGINT into a flag. A second SIGINT ends the process at once (the journal is durable),
/// unless the caller wants to see to that itself; see cplatform_interrupts.
void cplatform_catch_stop_signals(int leaves_at_second_interrupt);

/// The first stop signal that arrived, or 0.
int cplatform_stop_signal(void);

/// How many SIGINT have arrived.
int cplatform_interrupts(void);

/// How the process that wrote a rank file ended, as that file says it.
enum {
    CPLATFORM_FATE_NONE = 0,
    /// It was told to stop and may have been killed then.
    CPLATFORM_FATE_STOPPED = 1,
    /// A signal of its own making (SIGSEGV, SIGILL, ...).
    CPLATFORM_FATE_CRASHED = 2,
};

/// The part of a rank file's page that signal handlers use (Sources/Results/RankFile.swift).
struct cplatform_flight {
    uint64_t is_running;
    uint64_t fate;
    uint64_t signal;
    uint64_t detail;
    /// Counts the tasks of this process.
    uint64_t number;
};

/// From now on crashes of the calling thread, which runs the tasks, and stop signals are noted in these words (a shared
/// mapping, which outlives the process); a null pointer ends it.
void cplatform_record_fate(struct cplatform_flight *words);

/// Ends the process, with this fate and detail noted, if the task in flight still is number `number`. For a second thread.
void cplatform_end_task(uint64_t number, uint64_t fate, uint64_t detail);

/// Notes that the process was told to stop. Async-signal-safe.
void cplatform_note_stop(void);

/// Catches the signals of crashes, on a stack of their own, to note them before they end the process.
void cplatform_catch_crashes(void);

/// Starts a program (looked up on PATH) with standard input from /dev/null. It gets SIGTERM when this process dies;
/// detached, it is in a process group of its own. Returns the process id, or minus errno when it cannot be started.
int cplatform_spawn(char *const arguments[], int detached);

/// CPU seconds (user and system) that this process has used.
double cplatform_cpu_seconds(void);
