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

CVECTOR_INLINE cvector_f32x16 cvector_from_i32x16(cvector_i32x16 x) {
    return __builtin_convertvector(x, cvector_f32x16);
}

CVECTOR_INLINE cvector_f32x16 cvector_from_u32x16(cvector_u32x16 x) {
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
