#include "CPlatform.h"

#include <stdio.h>
#include <unistd.h>

#ifndef DYNSWEEP_LEVEL
#define DYNSWEEP_LEVEL 0
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
    __builtin_cpu_init();
    int ok = 1;
#if DYNSWEEP_LEVEL >= 2
    ok = ok && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#endif
#if DYNSWEEP_LEVEL >= 3
    ok = ok && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("aes");
#endif
#if DYNSWEEP_LEVEL >= 4
    ok = ok && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
#endif
#if DYNSWEEP_VAES
    ok = ok && __builtin_cpu_supports("vaes");
#endif
    if (!ok) {
        fprintf(stderr,
                "dynsweep: error: this program was built for %s, which this CPU does not have.\n"
                "  Rebuild it for older machines: DYNSWEEP_MARCH=x86-64-v3 make build (AVX2; or x86-64-v2, x86-64).\n",
                DYNSWEEP_MARCH);
        _exit(70);
    }
}
#endif
