#include <alloca.h>
#include <string.h>
#include <unistd.h>

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
extern char **environ;
// OpenBLAS's constructor, which does nothing when it is called again. Weak: what does no linear algebra has none.
__attribute__((weak)) void gotoblas_init(void);

// The environment is the library's only ear. It hears another one for a moment, and what the user set, or a process of
// ours started later, is not touched; nor is `environ` moved, from which Swift finds the program's arguments.
__attribute__((constructor(101))) static void fix_blas_kernels(void) {
    if (!gotoblas_init) return;
    char **own = environ;
    size_t count = 0;
    while (own && own[count]) count++;
    char **with_kernels = alloca((count + 2) * sizeof *with_kernels);
    with_kernels[0] = "OPENBLAS_CORETYPE=" KERNELS;
    if (count) memcpy(with_kernels + 1, own, count * sizeof *own);
    with_kernels[count + 1] = 0;
    environ = with_kernels;
    gotoblas_init();
    environ = own;
}
#endif
