#include "CPlatform.h"
#include "levels.h"

#include <stdio.h>
#include <unistd.h>

#ifndef DYNSWEEP_LEVEL
#define DYNSWEEP_LEVEL 0
#endif

#ifndef DYNSWEEP_VAES
#define DYNSWEEP_VAES 0
#endif

#ifndef DYNSWEEP_COMMIT
#define DYNSWEEP_COMMIT "unknown"
#endif
#ifndef DYNSWEEP_MARCH
#define DYNSWEEP_MARCH "unknown"
#endif

const char *cplatform_commit(void) { return DYNSWEEP_COMMIT; }
const char *cplatform_architecture_level(void) { return DYNSWEEP_MARCH; }

#if defined(__x86_64__) && DYNSWEEP_LEVEL >= 2
// Runs before any Swift code, and is itself compiled for the baseline, so that it can speak on any x86-64.
__attribute__((constructor(101))) static void check_cpu(void) {
    if (!has_level(DYNSWEEP_LEVEL, DYNSWEEP_VAES)) {
        fprintf(stderr,
                "dynsweep: error: this program was built for %s, which this CPU does not have.\n"
                "  Rebuild it for older machines: DYNSWEEP_MARCH=x86-64-v3 make build (AVX2; or x86-64-v2, x86-64),\n"
                "  or for several at once: make dist.\n",
                DYNSWEEP_MARCH);
        _exit(70);
    }
}
#endif
