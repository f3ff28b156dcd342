// The HDF5 file driver with which result files are written. The HDF5 library cannot end in order once a write of its
// has failed (1.10 crashes when the disk is full). This driver never tells it: what the disk refuses is kept in memory
// until the file is closed, and the caller asks afterwards.
#pragma once
#include <hdf5.h>

/// Prepares a file access property list for writing to an open, empty file. The descriptor stays the caller's to close,
/// and `error` must live until the HDF5 file is closed; it is set to the `errno` of the first call that failed.
/// Returns a negative number when HDF5 refuses.
int csafedriver_use(hid_t access_list, int descriptor, int *error);
