#include "CSafeDriver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

// What the property list carries.
struct target {
    int descriptor;
    int *error;
};

// Bytes that the disk refused.
struct piece {
    struct piece *next;
    haddr_t at;
    size_t size;
    unsigned char bytes[];
};

struct file {
    H5FD_t base; // HDF5's own fields; must come first
    struct target target;
    haddr_t allocated, end;
    struct piece *oldest, **newest;
};

static void *failing(struct file *file, int code) {
    if (*file->target.error == 0) *file->target.error = code;
    return 0;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access_list, haddr_t most) {
    (void)name, (void)flags, (void)most;
    const struct target *target = H5Pget_driver_info(access_list);
    struct file *file = target ? calloc(1, sizeof *file) : 0;
    if (!file) return 0;
    file->target = *target;
    file->newest = &file->oldest;
    struct stat info;
    if (fstat(target->descriptor, &info) == 0) file->end = (haddr_t)info.st_size;
    return &file->base;
}

static herr_t driver_close(H5FD_t *base) {
    struct file *file = (struct file *)base;
    for (struct piece *piece = file->oldest, *next; piece; piece = next) {
        next = piece->next;
        free(piece);
    }
    free(file);
    return 0;
}

static herr_t driver_query(const H5FD_t *base, unsigned long *flags) {
    (void)base;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t driver_allocated(const H5FD_t *base, H5FD_mem_t type) {
    (void)type;
    return ((const struct file *)base)->allocated;
}

static herr_t driver_allocate(H5FD_t *base, H5FD_mem_t type, haddr_t end) {
    (void)type;
    ((struct file *)base)->allocated = end;
    return 0;
}

static haddr_t driver_end(const H5FD_t *base, H5FD_mem_t type) {
    (void)type;
    return ((const struct file *)base)->end;
}

// Keeps what the disk refused, so that HDF5 reads back what it wrote.
static herr_t keep(struct file *file, haddr_t at, size_t size, const void *bytes) {
    struct piece *piece = malloc(sizeof *piece + size);
    if (!piece) return -1;
    *piece = (struct piece){.at = at, .size = size};
    memcpy(piece->bytes, bytes, size);
    *file->newest = piece;
    file->newest = &piece->next;
    return 0;
}

static herr_t driver_write(
    H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, const void *buffer) {
    (void)type, (void)transfer;
    struct file *file = (struct file *)base;
    if (at + size > file->end) file->end = at + size;
    for (const unsigned char *bytes = buffer; size > 0;) {
        ssize_t written = *file->target.error ? -1 : pwrite(file->target.descriptor, bytes, size, (off_t)at);
        if (written < 0 && *file->target.error == 0 && errno == EINTR) continue;
        if (written <= 0) {
            failing(file, written < 0 ? errno : ENOSPC);
            return keep(file, at, size, bytes);
        }
        bytes += written;
        at += (haddr_t)written;
        size -= (size_t)written;
    }
    return 0;
}

static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, void *buffer) {
    (void)type, (void)transfer;
    struct file *file = (struct file *)base;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file->target.descriptor, (char *)buffer + done, size - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) failing(file, errno);
        if (got <= 0) break;
        done += (size_t)got;
    }
    memset((char *)buffer + done, 0, size - done);
    for (const struct piece *piece = file->oldest; piece; piece = piece->next) {
        haddr_t from = piece->at > at ? piece->at : at;
        haddr_t to = piece->at + piece->size < at + size ? piece->at + piece->size : at + size;
        if (from < to) memcpy((char *)buffer + (from - at), piece->bytes + (from - piece->at), (size_t)(to - from));
    }
    return 0;
}

static herr_t driver_truncate(H5FD_t *base, hid_t transfer, hbool_t closing) {
    (void)transfer, (void)closing;
    struct file *file = (struct file *)base;
    if (file->allocated == file->end) return 0;
    while (*file->target.error == 0 && ftruncate(file->target.descriptor, (off_t)file->allocated) != 0)
        if (errno != EINTR) failing(file, errno);
    file->end = file->allocated;
    return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600,
#endif
    .name = "dynsweep",
    .maxaddr = ((haddr_t)1 << 62) - 1,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(struct target),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_allocated,
    .set_eoa = driver_allocate,
    .get_eof = driver_end,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

int csafedriver_use(hid_t access_list, int descriptor, int *error) {
    static hid_t registered;
    if (registered <= 0) registered = H5FDregister(&driver);
    if (registered < 0) return -1;
    struct target target = {descriptor, error};
    *error = 0;
    return H5Pset_driver(access_list, registered, &target);
}
