// The instruction levels that the program is built for, and whether this processor has one. Compiled for the baseline.
#pragma once

#if defined(__x86_64__)
/// Whether the processor has the instructions of x86-64-v`level` (0: the baseline), and with `vaes` AES on several blocks.
__attribute__((unused)) static int has_level(int level, int vaes) {
    __builtin_cpu_init();
    int ok = 1;
    if (level >= 2) ok = ok && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    if (level >= 3) {
        ok = ok && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
             __builtin_cpu_supports("aes");
    }
    if (level >= 4) {
        ok = ok && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512cd");
    }
    if (vaes) ok = ok && __builtin_cpu_supports("vaes");
    return ok;
}
#endif
