#pragma once
#include <stdint.h>

// The reference implementation of Philox (Debian: librandom123-dev), for the tests only.
#if __has_include(<Random123/philox.h>)
#include <Random123/philox.h>
static const int crandom123_available = 1;

static inline void crandom123_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
    philox4x32_key_t k = {{key[0], key[1]}};
    philox4x32_ctr_t r = philox4x32_R(10, c, k);
    for (int i = 0; i < 4; i++) out[i] = r.v[i];
}
#else
static const int crandom123_available = 0;
static inline void crandom123_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {}
#endif
