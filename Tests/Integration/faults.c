// Faults of disk and clock for tests, put between the program and libc by LD_PRELOAD. Built by faults.py.
//
// DYNSWEEP_FAULTS: rules separated by ';', each of key=value pairs separated by ','. The first rule that applies wins.
//   call=write|sync|rename|open|look|truncate|link|unlink|any   (several separated by '|'; look: open for reading only)
//   path=SUFFIX      of the file's name at the time of the call (rename and link: of either name); default: every path
//   when=FILE        only while FILE exists, so that a test can start a fault and take its cause away
//   after=N          the first N matching calls pass; default 0
//   bytes=N          writes: the first N bytes pass, the call that would go beyond is cut short there, the next fails
//   times=N          calls that fail after that; default: all
//   do=ERRNO|short|kill-before|kill-half|kill-after   (short: half of the bytes are written)
// DYNSWEEP_FAULTS_LOG: a file to which every such call appends "CALL BYTES PATH".
// DYNSWEEP_CLOCK: a file of two 64-bit numbers, nanoseconds added to the wall clock and to the monotonic one; both may
//   change at any moment.
// DYNSWEEP_SLEEP: usleep takes this part of its time.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum action { fail, cut_short, kill_before, kill_half, kill_after };

struct rule {
    char call[64];
    char path[PATH_MAX];
    char when[PATH_MAX];
    long after, bytes, times;
    enum action action;
    int error;
};

enum { most_rules = 16 };
static struct rule rules[most_rules];
static int rule_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int log_descriptor = -1;
static volatile int64_t *clock_offsets;
static double sleep_part = 1;

static int error_named(const char *name) {
    static const struct { const char *name; int code; } known[] = {
        {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EIO", EIO}, {"EROFS", EROFS}, {"EACCES", EACCES},
        {"EINTR", EINTR}, {"ENOENT", ENOENT}, {"ESTALE", ESTALE}, {"EMFILE", EMFILE}, {"EPERM", EPERM},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0) return known[i].code;
    fprintf(stderr, "faults: unknown error %s\n", name);
    abort();
}

static void read_rule(struct rule *rule, char *text) {
    *rule = (struct rule){.call = "any", .bytes = -1, .times = LONG_MAX, .action = fail, .error = EIO};
    char *rest = text;
    for (char *pair; (pair = strsep(&rest, ","));) {
        char *value = strchr(pair, '=');
        if (!value) continue;
        *value++ = 0;
        if (strcmp(pair, "call") == 0) snprintf(rule->call, sizeof rule->call, "%s", value);
        else if (strcmp(pair, "path") == 0) snprintf(rule->path, sizeof rule->path, "%s", value);
        else if (strcmp(pair, "when") == 0) snprintf(rule->when, sizeof rule->when, "%s", value);
        else if (strcmp(pair, "after") == 0) rule->after = atol(value);
        else if (strcmp(pair, "bytes") == 0) rule->bytes = atol(value);
        else if (strcmp(pair, "times") == 0) rule->times = atol(value);
        else if (strcmp(pair, "do") == 0) {
            if (strcmp(value, "short") == 0) rule->action = cut_short;
            else if (strcmp(value, "kill-before") == 0) rule->action = kill_before;
            else if (strcmp(value, "kill-half") == 0) rule->action = kill_half;
            else if (strcmp(value, "kill-after") == 0) rule->action = kill_after;
            else rule->error = error_named(value);
        } else {
            fprintf(stderr, "faults: unknown key %s\n", pair);
            abort();
        }
    }
}

static void start(void) {
    const char *text = getenv("DYNSWEEP_FAULTS");
    if (text) {
        char *rest = strdup(text);
        for (char *one; (one = strsep(&rest, ";")) && rule_count < most_rules;)
            if (*one) read_rule(&rules[rule_count++], one);
    }
    const char *log = getenv("DYNSWEEP_FAULTS_LOG");
    if (log) log_descriptor = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const char *sleep_text = getenv("DYNSWEEP_SLEEP");
    if (sleep_text) sleep_part = atof(sleep_text);
    const char *clock = getenv("DYNSWEEP_CLOCK");
    if (clock) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, clock, O_RDONLY | O_CLOEXEC);
        void *page = file < 0 ? MAP_FAILED : mmap(0, 16, PROT_READ, MAP_SHARED, file, 0);
        if (page != MAP_FAILED) clock_offsets = page;
        if (file >= 0) syscall(SYS_close, file);
    }
}

static int ends_with(const char *text, const char *suffix) {
    size_t a = strlen(text), b = strlen(suffix);
    return a >= b && strcmp(text + a - b, suffix) == 0;
}

// Opening a file only to read it changes nothing on the disk: it is not among "any", and not in the log.
static const char for_reading[] = "look";

static int names(const char *list, const char *call) {
    if (strcmp(list, "any") == 0) return call != for_reading;
    size_t length = strlen(call);
    for (const char *at = list; (at = strstr(at, call)); at += length)
        if ((at == list || at[-1] == '|') && (at[length] == 0 || at[length] == '|')) return 1;
    return 0;
}

struct verdict {
    int applies;
    enum action action;
    int error;
    size_t allowed; // of a write: bytes that pass
};

static struct verdict judge(const char *call, const char *path, const char *other, size_t bytes) {
    struct verdict verdict = {0, fail, 0, bytes};
    int kept = errno;
    pthread_once(&once, start);
    if (log_descriptor >= 0 && call != for_reading) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%s %zu %s\n", call, bytes, other ? other : path);
        syscall(SYS_write, log_descriptor, line, (size_t)length);
    }
    pthread_mutex_lock(&lock);
    for (int i = 0; i < rule_count && !verdict.applies; i++) {
        struct rule *rule = &rules[i];
        if (!names(rule->call, call)) continue;
        if (!ends_with(path, rule->path) && !(other && ends_with(other, rule->path))) continue;
        if (*rule->when && syscall(SYS_faccessat, AT_FDCWD, rule->when, F_OK) != 0) continue;
        if (rule->after > 0) { rule->after--; continue; }
        if (rule->bytes > 0) {
            if ((long)bytes <= rule->bytes) { rule->bytes -= (long)bytes; continue; }
            verdict.allowed = (size_t)rule->bytes;
            verdict.applies = 1;
            verdict.action = cut_short;
            rule->bytes = 0;
            continue;
        }
        if (rule->times <= 0) continue;
        rule->times--;
        verdict.applies = 1;
        verdict.action = rule->action;
        verdict.error = rule->error;
        verdict.allowed = rule->action == fail ? 0 : bytes / 2;
    }
    pthread_mutex_unlock(&lock);
    errno = kept;
    return verdict;
}

static const char *path_of(int descriptor, char *buffer) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_MAX - 1);
    buffer[length < 0 ? 0 : length] = 0;
    // A file whose name was removed still is what it was.
    char *deleted = strstr(buffer, " (deleted)");
    if (deleted) *deleted = 0;
    return buffer;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

// The call `real` with the verdict of `judge` around it.
#define CARRY_OUT(verdict, type, real)                                    \
    do {                                                                  \
        if (!(verdict).applies) return (real);                            \
        if ((verdict).action == kill_before || (verdict).action == kill_half) die(); \
        if ((verdict).action == kill_after) {                             \
            (void)!(real);                                                \
            die();                                                        \
        }                                                                 \
        if ((verdict).action == fail) {                                   \
            errno = (verdict).error;                                      \
            return (type)-1;                                              \
        }                                                                 \
        return (real);                                                    \
    } while (0)

#define REAL(type, name, ...)                                   \
    static type (*real)(__VA_ARGS__);                           \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

// A write that is to be cut (or killed) half way writes `allowed` bytes first; it fails when none are left.
#define CARRY_OUT_WRITE(verdict, call)                                    \
    do {                                                                  \
        size_t count = size;                                              \
        if ((verdict).applies) {                                          \
            if ((verdict).action == kill_half) {                          \
                count = (verdict).allowed;                                \
                if (count > 0) (void)!(call);                             \
                die();                                                    \
            }                                                             \
            if ((verdict).action == cut_short && (verdict).allowed > 0) { \
                count = (verdict).allowed;                                \
                return (call);                                            \
            }                                                             \
        }                                                                 \
        CARRY_OUT(verdict, ssize_t, call);                                \
    } while (0)

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    char buffer[PATH_MAX];
    struct verdict verdict = judge("write", path_of(file, buffer), 0, size);
    CARRY_OUT_WRITE(verdict, real(file, data, count, at));
}

ssize_t pwrite64(int file, const void *data, size_t size, off_t at) { return pwrite(file, data, size, at); }

ssize_t write(int file, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    char buffer[PATH_MAX];
    const char *path = path_of(file, buffer);
    // Messages to the user, pipes and sockets are none of ours.
    if (file <= 2 || path[0] != '/' || strncmp(path, "/dev/", 5) == 0) return real(file, data, size);
    struct verdict verdict = judge("write", path, 0, size);
    CARRY_OUT_WRITE(verdict, real(file, data, count));
}

int fsync(int file) {
    REAL(int, "fsync", int);
    char buffer[PATH_MAX];
    struct verdict verdict = judge("sync", path_of(file, buffer), 0, 0);
    CARRY_OUT(verdict, int, real(file));
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    char buffer[PATH_MAX];
    struct verdict verdict = judge("sync", path_of(file, buffer), 0, 0);
    CARRY_OUT(verdict, int, real(file));
}

int ftruncate(int file, off_t length) {
    REAL(int, "ftruncate", int, off_t);
    char buffer[PATH_MAX];
    struct verdict verdict = judge("truncate", path_of(file, buffer), 0, 0);
    CARRY_OUT(verdict, int, real(file, length));
}

int ftruncate64(int file, off_t length) { return ftruncate(file, length); }

int posix_fallocate(int file, off_t at, off_t length) {
    REAL(int, "posix_fallocate", int, off_t, off_t);
    char buffer[PATH_MAX];
    struct verdict verdict = judge("write", path_of(file, buffer), 0, (size_t)length);
    if (verdict.applies && verdict.action == fail) return verdict.error;
    if (verdict.applies && verdict.action == cut_short) return ENOSPC;
    CARRY_OUT(verdict, int, real(file, at, length));
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    struct verdict verdict = judge("rename", from, to, 0);
    CARRY_OUT(verdict, int, real(from, to));
}

int link(const char *from, const char *to) {
    REAL(int, "link", const char *, const char *);
    struct verdict verdict = judge("link", from, to, 0);
    CARRY_OUT(verdict, int, real(from, to));
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    struct verdict verdict = judge("unlink", path, 0, 0);
    CARRY_OUT(verdict, int, real(path));
}

int open(const char *path, int flags, ...) {
    REAL(int, "open", const char *, int, ...);
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    struct verdict verdict = judge((flags & O_ACCMODE) == O_RDONLY ? for_reading : "open", path, 0, 0);
    CARRY_OUT(verdict, int, real(path, flags, mode));
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open(path, flags, mode);
}

// The clocks.

static int64_t offset_of(clockid_t clock) {
    pthread_once(&once, start);
    if (!clock_offsets) return 0;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE: return clock_offsets[0];
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME: return clock_offsets[1];
    default: return 0;
    }
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int result = real(clock, time);
    int64_t offset = offset_of(clock);
    if (result == 0 && offset != 0) {
        int64_t total = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + offset;
        time->tv_sec = total / 1000000000;
        time->tv_nsec = total % 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    time->tv_sec = precise.tv_sec;
    time->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (result) *result = precise.tv_sec;
    return precise.tv_sec;
}

int usleep(useconds_t microseconds) {
    pthread_once(&once, start);
    double seconds = 1e-6 * microseconds * sleep_part;
    struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    return nanosleep(&pause, 0);
}
