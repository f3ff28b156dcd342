#pragma once
#include <stdint.h>

// The reference implementation of ARS (Debian: librandom123-dev), for the tests only; it needs AES instructions.
#if defined(__AES__) && __has_include(<Random123/ars.h>)
#include <Random123/ars.h>
static const int crandom123_available = 1;

static inline void crandom123_ars4x32_7(const uint32_t counter[4], const uint32_t key[4], uint32_t out[4]) {
    ars4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
    ars4x32_key_t k = {{key[0], key[1], key[2], key[3]}};
    ars4x32_ctr_t r = ars4x32_R(7, c, k);
    for (int i = 0; i < 4; i++) out[i] = r.v[i];
}
#else
static const int crandom123_available = 0;
static inline void crandom123_ars4x32_7(const uint32_t counter[4], const uint32_t key[4], uint32_t out[4]) {}
#endif
