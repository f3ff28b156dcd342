#pragma once
// Vector operations that Swift 6.3's SIMD types compile to a loop over lanes (fused multiply-add, square root, conversion).
// Each is one LLVM vector operation, correctly rounded by IEEE 754 on every processor, and always inlined.

typedef float cvector_f32x16 __attribute__((ext_vector_type(16)));
typedef int cvector_i32x16 __attribute__((ext_vector_type(16)));
typedef unsigned int cvector_u32x16 __attribute__((ext_vector_type(16)));
typedef float cvector_f32x8 __attribute__((ext_vector_type(8)));
typedef double cvector_f64x8 __attribute__((ext_vector_type(8)));

#define CVECTOR_INLINE static inline __attribute__((always_inline))

/// a * b + c with one rounding.
CVECTOR_INLINE cvector_f32x16 cvector_fma_f32x16(cvector_f32x16 a, cvector_f32x16 b, cvector_f32x16 c) {
    return __builtin_elementwise_fma(a, b, c);
}

CVECTOR_INLINE cvector_f64x8 cvector_fma_f64x8(cvector_f64x8 a, cvector_f64x8 b, cvector_f64x8 c) {
    return __builtin_elementwise_fma(a, b, c);
}

CVECTOR_INLINE cvector_f32x16 cvector_sqrt_f32x16(cvector_f32x16 x) { return __builtin_elementwise_sqrt(x); }

CVECTOR_INLINE cvector_f64x8 cvector_sqrt_f64x8(cvector_f64x8 x) { return __builtin_elementwise_sqrt(x); }

/// The largest lane; of what is not a number nothing is said. (The standard library's goes from lane to lane in branches.)
CVECTOR_INLINE double cvector_max_f64x8(cvector_f64x8 x) {
    cvector_f64x8 half = __builtin_elementwise_max(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3));
    half = __builtin_elementwise_max(half, __builtin_shufflevector(half, half, 2, 3, 0, 1, 6, 7, 4, 5));
    half = __builtin_elementwise_max(half, __builtin_shufflevector(half, half, 1, 0, 3, 2, 5, 4, 7, 6));
    return half[0];
}

CVECTOR_INLINE cvector_f32x16 cvector_from_i32x16(cvector_i32x16 x) {
    return __builtin_convertvector(x, cvector_f32x16);
}

/// Asks for the cache line at `address`; any address is allowed.
CVECTOR_INLINE void cvector_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

CVECTOR_INLINE cvector_f64x8 cvector_f64_from_f32x8(cvector_f32x8 x) { return __builtin_convertvector(x, cvector_f64x8); }

/// Rounded to nearest.
CVECTOR_INLINE cvector_f32x8 cvector_f32_from_f64x8(cvector_f64x8 x) { return __builtin_convertvector(x, cvector_f32x8); }

typedef unsigned short cvector_u16x16 __attribute__((ext_vector_type(16)));

/// Numbers whose upper halves are given.
CVECTOR_INLINE cvector_f32x16 cvector_f32_from_upper_u16x16(cvector_u16x16 x) {
    return (cvector_f32x16)(__builtin_convertvector(x, cvector_u32x16) << 16);
}

/// The upper halves, cut off.
CVECTOR_INLINE cvector_u16x16 cvector_upper_u16_from_u32x16(cvector_u32x16 x) {
    return __builtin_convertvector(x >> 16, cvector_u16x16);
}

typedef _Float16 cvector_f16x16 __attribute__((ext_vector_type(16)));

/// Numbers of which the bits in half precision are given; exact.
CVECTOR_INLINE cvector_f32x16 cvector_f32_from_f16x16(cvector_u16x16 x) {
#ifdef __F16C__
    return __builtin_convertvector((cvector_f16x16)x, cvector_f32x16);
#else
    // Exponent and mantissa moved in place, and 2^112 for the other bias; what is not finite does not occur.
    cvector_u32x16 bits = __builtin_convertvector(x, cvector_u32x16);
    cvector_f32x16 size = (cvector_f32x16)((bits & 0x7fff) << 13) * 0x1p112f;
    return (cvector_f32x16)((cvector_u32x16)size | ((bits & 0x8000) << 16));
#endif
}

/// The bits in half precision, rounded to nearest.
CVECTOR_INLINE cvector_u16x16 cvector_f16_from_f32x16(cvector_f32x16 x) {
    return (cvector_u16x16)__builtin_convertvector(x, cvector_f16x16);
}

// Rounds of AES (FIPS 197, section 5.1) on four blocks of 16 bytes, by the processor's instructions where it has them: the
// columns' bytes substituted, rows shifted, columns mixed (not in the last round), the round's key added.

typedef unsigned long long cvector_u64x2 __attribute__((ext_vector_type(2)));
typedef unsigned long long cvector_u64x4 __attribute__((ext_vector_type(4)));
typedef unsigned long long cvector_u64x8 __attribute__((ext_vector_type(8)));

static const unsigned char cvector_aes_substitution[256] = {
    99, 124, 119, 123, 242, 107, 111, 197, 48, 1, 103, 43, 254, 215, 171, 118, 202, 130, 201, 125,
    250, 89, 71, 240, 173, 212, 162, 175, 156, 164, 114, 192, 183, 253, 147, 38, 54, 63, 247, 204,
    52, 165, 229, 241, 113, 216, 49, 21, 4, 199, 35, 195, 24, 150, 5, 154, 7, 18, 128, 226,
    235, 39, 178, 117, 9, 131, 44, 26, 27, 110, 90, 160, 82, 59, 214, 179, 41, 227, 47, 132,
    83, 209, 0, 237, 32, 252, 177, 91, 106, 203, 190, 57, 74, 76, 88, 207, 208, 239, 170, 251,
    67, 77, 51, 133, 69, 249, 2, 127, 80, 60, 159, 168, 81, 163, 64, 143, 146, 157, 56, 245,
    188, 182, 218, 33, 16, 255, 243, 210, 205, 12, 19, 236, 95, 151, 68, 23, 196, 167, 126, 61,
    100, 93, 25, 115, 96, 129, 79, 220, 34, 42, 144, 136, 70, 238, 184, 20, 222, 94, 11, 219,
    224, 50, 58, 10, 73, 6, 36, 92, 194, 211, 172, 98, 145, 149, 228, 121, 231, 200, 55, 109,
    141, 213, 78, 169, 108, 86, 244, 234, 101, 122, 174, 8, 186, 120, 37, 46, 28, 166, 180, 198,
    232, 221, 116, 31, 75, 189, 139, 138, 112, 62, 181, 102, 72, 3, 246, 14, 97, 53, 87, 185,
    134, 193, 29, 158, 225, 248, 152, 17, 105, 217, 142, 148, 155, 30, 135, 233, 206, 85, 40, 223,
    140, 161, 137, 13, 191, 230, 66, 104, 65, 153, 45, 15, 176, 84, 187, 22};

/// The four bytes of column `column` after substitution and shift of rows, the first lowest.
CVECTOR_INLINE unsigned int cvector_aes_column(cvector_u64x2 x, int column) {
    unsigned int word = 0;
    for (int row = 0; row < 4; row++) {
        int place = 4 * ((column + row) & 3) + row;
        unsigned char byte = (unsigned char)(x[place >> 3] >> (8 * (place & 7)));
        word |= (unsigned int)cvector_aes_substitution[byte] << (8 * row);
    }
    return word;
}
CVECTOR_INLINE unsigned int cvector_aes_mixed(unsigned int column) {
    unsigned int next = column >> 8 | column << 24, opposite = column >> 16 | column << 16;
    // Twice each byte in the field of 256 elements.
    unsigned int sum = column ^ next;
    unsigned int twice = (sum & 0x7f7f7f7f) << 1 ^ ((sum >> 7 & 0x01010101) * 0x1b);
    return twice ^ next ^ opposite ^ (next >> 16 | next << 16);
}
/// The last round without instructions for it.
CVECTOR_INLINE cvector_u64x2 cvector_aes_portable_last(cvector_u64x2 x, cvector_u64x2 key) {
    cvector_u64x2 y;
    for (int i = 0; i < 2; i++)
        y[i] = cvector_aes_column(x, 2 * i) | (unsigned long long)cvector_aes_column(x, 2 * i + 1) << 32;
    return y ^ key;
}
/// A round without instructions for it.
CVECTOR_INLINE cvector_u64x2 cvector_aes_portable_round(cvector_u64x2 x, cvector_u64x2 key) {
    cvector_u64x2 y;
    for (int i = 0; i < 2; i++)
        y[i] = cvector_aes_mixed(cvector_aes_column(x, 2 * i)) |
               (unsigned long long)cvector_aes_mixed(cvector_aes_column(x, 2 * i + 1)) << 32;
    return y ^ key;
}

#if defined(__AES__)
#include <immintrin.h>

#define CVECTOR_AES_INSTRUCTIONS 1
CVECTOR_INLINE cvector_u64x2 cvector_aes_round(cvector_u64x2 x, cvector_u64x2 key) {
    return (cvector_u64x2)_mm_aesenc_si128((__m128i)x, (__m128i)key);
}
CVECTOR_INLINE cvector_u64x2 cvector_aes_last(cvector_u64x2 x, cvector_u64x2 key) {
    return (cvector_u64x2)_mm_aesenclast_si128((__m128i)x, (__m128i)key);
}
#elif defined(__ARM_FEATURE_AES) || defined(__ARM_FEATURE_CRYPTO)
#include <arm_neon.h>

#define CVECTOR_AES_INSTRUCTIONS 1
CVECTOR_INLINE cvector_u64x2 cvector_aes_last(cvector_u64x2 x, cvector_u64x2 key) {
    return (cvector_u64x2)vaeseq_u8((uint8x16_t)x, vdupq_n_u8(0)) ^ key;
}
CVECTOR_INLINE cvector_u64x2 cvector_aes_round(cvector_u64x2 x, cvector_u64x2 key) {
    return (cvector_u64x2)vaesmcq_u8(vaeseq_u8((uint8x16_t)x, vdupq_n_u8(0))) ^ key;
}
#else
#define CVECTOR_AES_INSTRUCTIONS 0
CVECTOR_INLINE cvector_u64x2 cvector_aes_round(cvector_u64x2 x, cvector_u64x2 key) {
    return cvector_aes_portable_round(x, key);
}
CVECTOR_INLINE cvector_u64x2 cvector_aes_last(cvector_u64x2 x, cvector_u64x2 key) {
    return cvector_aes_portable_last(x, key);
}
#endif

/// One round of each of four blocks.
CVECTOR_INLINE cvector_u64x8 cvector_aes_round_u64x8(cvector_u64x8 x, cvector_u64x8 key) {
#if defined(__VAES__) && defined(__AVX512F__)
    return (cvector_u64x8)_mm512_aesenc_epi128((__m512i)x, (__m512i)key);
#else
    cvector_u64x8 y;
#if defined(__VAES__)
    y.lo = (cvector_u64x4)_mm256_aesenc_epi128((__m256i)x.lo, (__m256i)key.lo);
    y.hi = (cvector_u64x4)_mm256_aesenc_epi128((__m256i)x.hi, (__m256i)key.hi);
#else
    y.s01 = cvector_aes_round(x.s01, key.s01);
    y.s23 = cvector_aes_round(x.s23, key.s23);
    y.s45 = cvector_aes_round(x.s45, key.s45);
    y.s67 = cvector_aes_round(x.s67, key.s67);
#endif
    return y;
#endif
}

/// The last round of each of four blocks.
CVECTOR_INLINE cvector_u64x8 cvector_aes_last_u64x8(cvector_u64x8 x, cvector_u64x8 key) {
#if defined(__VAES__) && defined(__AVX512F__)
    return (cvector_u64x8)_mm512_aesenclast_epi128((__m512i)x, (__m512i)key);
#else
    cvector_u64x8 y;
#if defined(__VAES__)
    y.lo = (cvector_u64x4)_mm256_aesenclast_epi128((__m256i)x.lo, (__m256i)key.lo);
    y.hi = (cvector_u64x4)_mm256_aesenclast_epi128((__m256i)x.hi, (__m256i)key.hi);
#else
    y.s01 = cvector_aes_last(x.s01, key.s01);
    y.s23 = cvector_aes_last(x.s23, key.s23);
    y.s45 = cvector_aes_last(x.s45, key.s45);
    y.s67 = cvector_aes_last(x.s67, key.s67);
#endif
    return y;
#endif
}

/// The same numbers, of which the compiler does not know that they are constant: with known zeros it takes a vector apart.
CVECTOR_INLINE cvector_u64x8 cvector_opaque_u64x8(cvector_u64x8 x) {
    __asm__("" : "+m"(x));
    return x;
}
