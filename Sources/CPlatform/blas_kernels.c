#include <stdlib.h>

#ifndef DYNSWEEP_LEVEL
#define DYNSWEEP_LEVEL 0
#endif

// OpenBLAS chooses its kernels by the processor it finds, and kernels sum in different orders: the same program then gives
// other last bits on another node. They are fixed by what the program was built for instead, so that they come with its
// build and are the same on every processor that can run it. This runs before OpenBLAS's own start where that is linked as
// an archive; a shared one has started already, and what it chose is recorded (BLAS.linkedVersion).
#if defined(__x86_64__)
#if DYNSWEEP_LEVEL >= 4
#define KERNELS "SkylakeX"
#elif DYNSWEEP_LEVEL >= 3
#define KERNELS "Haswell"
#elif DYNSWEEP_LEVEL >= 2
#define KERNELS "Nehalem"
#else
#define KERNELS "Prescott"
#endif
#elif defined(__aarch64__)
#define KERNELS "ARMV8"
#endif

#ifdef KERNELS
__attribute__((constructor(101))) static void fix_blas_kernels(void) { setenv("OPENBLAS_CORETYPE", KERNELS, 1); }
#endif
