// What HDF5 does not do safely: writing to a disk that refuses, and reading from a file that lies.
//
// The HDF5 file driver with which result files are written and read. The HDF5 library cannot end in order once a write of its
// has failed (1.10 crashes when the disk is full). This driver never tells it: what the disk refuses is kept in memory
// until the file is closed, and the caller asks afterwards.
#pragma once
#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>

/// Prepares a file access property list for an open file, an empty one to be written or one to be read. The descriptor stays the caller's to close,
/// and `error` must live until the HDF5 file is closed; it is set to the `errno` of the first call that failed.
/// Returns a negative number when HDF5 refuses.
int csafedriver_use(hid_t access_list, int descriptor, int *error);

/// The filters of a chunk, in the order in which they were applied.
struct csafedriver_filters {
    /// The width of the elements whose bytes were shuffled; 0 for none.
    size_t shuffled;
    int inflates;
    int checks;
};

/// Undoes the filters of a chunk. HDF5 itself unpacks whatever there is, be it of another size than the chunk.
/// `target` and `spare` have `size` bytes. Returns a negative number unless the chunk makes exactly as many.
int csafedriver_unpack(
    const unsigned char *chunk, size_t length, const struct csafedriver_filters *filters, unsigned char *spare,
    unsigned char *target, size_t size);

/// The size of ``csafedriver_place``.
enum { csafedriver_place_size = 16 };

/// A type of memory in which H5Aread and H5Dread give of texts and lists of variable length what the file has in their
/// place: length (4 bytes), address of a collection (8), number in it (4). What lies there is left alone: the library
/// writes beyond its memory, or goes on for ever, when it is not what it should be. Negative when HDF5 refuses.
hid_t csafedriver_place(void);
