// What the C library offers and Swift cannot say: the CPU check before main, and async-signal-safe stop flags.
#pragma once

/// The commit this program was built from, with "+changes" when the tree was not clean.
const char *cplatform_commit(void);

/// The instruction set this program was built for, as the compiler's -march names it.
const char *cplatform_architecture_level(void);

/// Routes SIGUSR1, SIGTERM and SIGINT into a flag. A second SIGINT ends the process at once (the journal is durable).
void cplatform_catch_stop_signals(void);

/// The first stop signal that arrived, or 0.
int cplatform_stop_signal(void);

/// CPU seconds (user and system) that this process has used.
double cplatform_cpu_seconds(void);
