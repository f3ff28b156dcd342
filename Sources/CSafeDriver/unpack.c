#include "CSafeDriver.h"

#include <string.h>
#include <zlib.h>

// The checksum of HDF5's filter of that name (16-bit words, the first byte the higher).
static uint32_t fletcher32(const unsigned char *bytes, size_t size) {
    uint32_t first = 0, second = 0;
    for (size_t at = 0; at < size;) {
        // As many words as fit the sums without overflow.
        for (size_t end = size - at > 720 ? at + 720 : size; at < end; at += 2) {
            first += (uint32_t)bytes[at] << 8 | (at + 1 < size ? bytes[at + 1] : 0);
            second += first;
        }
        first = (first & 0xffff) + (first >> 16);
        second = (second & 0xffff) + (second >> 16);
    }
    first = (first & 0xffff) + (first >> 16);
    second = (second & 0xffff) + (second >> 16);
    return second << 16 | first;
}

int csafedriver_unpack(
    const unsigned char *chunk, size_t length, const struct csafedriver_filters *filters, unsigned char *spare,
    unsigned char *target, size_t size) {
    if (filters->checks) {
        if (length < 4) return -1;
        length -= 4;
        uint32_t stored = 0;
        for (int byte = 3; byte >= 0; byte--) stored = stored << 8 | chunk[length + (size_t)byte];
        if (fletcher32(chunk, length) != stored) return -1;
    }
    size_t width = filters->shuffled;
    unsigned char *plain = width > 1 ? spare : target;
    if (filters->inflates) {
        uLongf room = size;
        if (uncompress(plain, &room, chunk, length) != Z_OK || room != size) return -1;
    } else {
        if (length != size) return -1;
        memcpy(plain, chunk, size);
    }
    if (width > 1) {
        size_t count = size / width;
        for (size_t byte = 0; byte < width; byte++)
            for (size_t i = 0; i < count; i++) target[i * width + byte] = spare[byte * count + i];
        memcpy(target + count * width, spare + count * width, size - count * width);
    }
    return 0;
}
