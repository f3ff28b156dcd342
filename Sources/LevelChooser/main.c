// The program in an installation of several levels (`make dist`): becomes the one that was built for the best level that
// this processor has. It is a program of its own, compiled for the baseline, so it starts on any processor; and whole
// programs rather than kernels are chosen, since the compiler's own vectors, the BLAS kernels and ours are then of one
// level, of which the results say that they were made with it.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../CPlatform/levels.h"

static const struct {
    const char *name;
    int level;
    int vaes;
} levels[] = {
    {"x86-64-v4+vaes", 4, 1}, {"x86-64-v4", 4, 0}, {"x86-64-v3+vaes", 3, 1},
    {"x86-64-v3", 3, 0},      {"x86-64-v2", 2, 0}, {"x86-64", 0, 0},
};
enum { count = sizeof levels / sizeof *levels };

/// Where the programs are: ../libexec/dynsweep/LEVEL/dynsweep beside the folder of this one.
static int program_path(char *path, const char *own, const char *level) {
    const char *slash = strrchr(own, '/');
    int length = slash ? (int)(slash - own) : 0;
    return snprintf(path, PATH_MAX, "%.*s/../libexec/dynsweep/%s/dynsweep", length, own, level) < PATH_MAX;
}

int main(int argc, char **argv) {
    (void)argc;
    char own[PATH_MAX], path[PATH_MAX], announced[PATH_MAX + 32];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0) {
        perror("dynsweep: error: cannot find its own file (/proc/self/exe)");
        return 70;
    }
    own[length] = 0;
    const char *wanted = getenv("DYNSWEEP_LEVEL");
    if (wanted && !*wanted) wanted = 0;
    int is_known = 0;
    for (int index = 0; index < count; index++) {
        if (wanted && strcmp(wanted, levels[index].name) != 0) continue;
        if (!program_path(path, own, levels[index].name) || access(path, X_OK) != 0) continue;
        is_known = 1;
        if (!has_level(levels[index].level, levels[index].vaes)) continue;
        // The program starts others of its kind through this one, so that every node has its own choice. The process id
        // tells it that the variable is meant for it, and not left from another's start.
        snprintf(announced, sizeof announced, "%ld:%s", (long)getpid(), own);
        if (setenv("DYNSWEEP_PROGRAM", announced, 1) != 0 || execv(path, argv) != 0) {
            fprintf(stderr, "dynsweep: error: cannot start '%s': ", path);
            perror("");
            return 70;
        }
    }
    fprintf(stderr, "dynsweep: error: ");
    if (wanted && is_known) {
        fprintf(stderr, "DYNSWEEP_LEVEL is %s, which this processor does not have. Unset it, or choose a lower one.\n", wanted);
    } else if (wanted) {
        fprintf(stderr, "DYNSWEEP_LEVEL is '%s', which is not among the levels that are installed here.\n", wanted);
    } else {
        fprintf(stderr, "none of the levels that are installed here is for this processor.\n");
    }
    fprintf(stderr, "  Installed beside '%s':", own);
    int installed = 0;
    for (int index = 0; index < count; index++) {
        if (program_path(path, own, levels[index].name) && access(path, X_OK) == 0) {
            installed++;
            fprintf(stderr, " %s%s", levels[index].name,
                    has_level(levels[index].level, levels[index].vaes) ? "" : " (not for this processor)");
        }
    }
    fprintf(stderr, "%s\n  Others are added by 'make dist LEVELS=...' (docs/cluster.md).\n", installed ? "" : " none");
    return 2;
}
