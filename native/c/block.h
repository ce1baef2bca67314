/* Some bytes of text at once: which of them may not simply be passed over in a JSON string? */
#ifndef LLMGATE_BLOCK_H
#define LLMGATE_BLOCK_H

#include "scan.h"
#include <stdint.h>

/* BLOCK: as much as one look can take in; PROBE: as much as holds most keys and other short strings. */
#define PROBE 16
#if !defined(LLMGATE_PORTABLE) && (defined(__SSE2__) || defined(_M_X64))
#define BLOCK_SSE2
#define BLOCK 64
#include <emmintrin.h>
#elif !defined(LLMGATE_PORTABLE) && ((defined(__aarch64__) && !defined(__AARCH64EB__)) || defined(_M_ARM64))
#define BLOCK_NEON
#define BLOCK 64
#include <arm_neon.h>
#else
#define BLOCK 32
#endif

#if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
#include <intrin.h>
#endif

/* The index of the lowest bit that is set; there must be one. */
static inline int lowest_bit(uint64_t bits) {
#if defined(__GNUC__) || defined(__clang__)
    return __builtin_ctzll(bits);
#elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
    unsigned long index;
    _BitScanForward64(&index, bits);
    return (int)index;
#else
    int index = 0;
    for (; !(bits & 0xff); bits >>= 8) index += 8;
    for (; !(bits & 1); bits >>= 1) index++;
    return index;
#endif
}

/* `block_marks` and `probe_marks`: bit i is set where byte i ends a string (quote), begins an escape (backslash) or is a control
 * character. Exchanging 0x20 and 0x22 (^ 2) makes the quote the neighbour of the control characters, so that one comparison
 * finds both. */

#if defined(BLOCK_SSE2)

/* There is no unsigned comparison; with the highest bit turned over, the signed one does. */
static inline __m128i marked(__m128i text) {
    const __m128i turned = _mm_xor_si128(text, _mm_set1_epi8((char)(0x80 ^ 2)));
    const __m128i low = _mm_cmpgt_epi8(_mm_set1_epi8((char)(0x80 ^ 0x21)), turned);
    return _mm_or_si128(low, _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
}

static inline __m128i sixteen(const byte *at) { return _mm_loadu_si128((const __m128i *)(const void *)at); }

static inline uint64_t bits_of(__m128i marks) { return (uint64_t)(unsigned)_mm_movemask_epi8(marks); }

static inline uint64_t block_marks(const byte *at, unsigned *seen) {
    const __m128i a = sixteen(at), b = sixteen(at + 16), c = sixteen(at + 32), d = sixteen(at + 48);
    const __m128i in_a = marked(a), in_b = marked(b), in_c = marked(c), in_d = marked(d);
    *seen |= (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) ? 0x80 : 0;
    if (!_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(in_a, in_b), _mm_or_si128(in_c, in_d)))) return 0;
    return bits_of(in_a) | bits_of(in_b) << 16 | bits_of(in_c) << 32 | bits_of(in_d) << 48;
}

static inline uint64_t probe_marks(const byte *at, unsigned *seen) {
    const __m128i text = sixteen(at);
    *seen |= _mm_movemask_epi8(text) ? 0x80 : 0;
    return bits_of(marked(text));
}

#elif defined(BLOCK_NEON)

static inline uint8x16_t marked(uint8x16_t text) {
    const uint8x16_t low = vcltq_u8(veorq_u8(text, vdupq_n_u8(2)), vdupq_n_u8(0x21));
    return vorrq_u8(low, vceqq_u8(text, vdupq_n_u8('\\')));
}

/* Of every byte that is marked, the bit of its place among eight. Three times neighbours are added, and eight bytes are one. */
static inline uint8x16_t placed(uint8x16_t marks) {
    return vandq_u8(marks, vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u)));
}

static inline uint64_t block_marks(const byte *at, unsigned *seen) {
    const uint8x16_t a = vld1q_u8(at), b = vld1q_u8(at + 16), c = vld1q_u8(at + 32), d = vld1q_u8(at + 48);
    const uint8x16_t in_a = marked(a), in_b = marked(b), in_c = marked(c), in_d = marked(d);
    *seen |= vmaxvq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d)));
    if (!vmaxvq_u8(vorrq_u8(vorrq_u8(in_a, in_b), vorrq_u8(in_c, in_d)))) return 0;
    const uint8x16_t first = vpaddq_u8(placed(in_a), placed(in_b)), second = vpaddq_u8(placed(in_c), placed(in_d));
    const uint8x16_t both = vpaddq_u8(first, second);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(both, both)), 0);
}

static inline uint64_t probe_marks(const byte *at, unsigned *seen) {
    const uint8x16_t text = vld1q_u8(at);
    *seen |= vmaxvq_u8(text);
    uint8x16_t sum = placed(marked(text));
    for (int i = 0; i < 3; i++) sum = vpaddq_u8(sum, sum);
    return vgetq_lane_u16(vreinterpretq_u16_u8(sum), 0);
}

#else

#define EACH_BYTE(x) ((uint64_t)(x) * 0x0101010101010101u)

/* Compilers make one load of it. */
static inline uint64_t eight(const byte *at) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) word |= (uint64_t)at[i] << (8 * i);
    return word;
}

/* The same sums in each byte of a word. None carries into its neighbour, so the marks are exact. */
static inline uint64_t word_marks(uint64_t text) {
    const uint64_t highest = EACH_BYTE(0x80), rest = EACH_BYTE(0x7f);
    const uint64_t turned = text ^ EACH_BYTE(2), slash = text ^ EACH_BYTE('\\');
    const uint64_t low = ~(((turned & rest) + EACH_BYTE(0x80 - 0x21)) | turned);
    const uint64_t equal = ~(((slash & rest) + rest) | slash);
    return ((((low | equal) & highest) >> 7) * 0x0102040810204080u) >> 56;
}

static inline uint64_t block_marks(const byte *at, unsigned *seen) {
    byte any = 0, all = 0;
    for (int i = 0; i < BLOCK; i++) { /* for the compiler to make vectors of */
        any |= (byte)((at[i] == '\\') | ((at[i] ^ 2) < 0x21));
        all |= at[i];
    }
    *seen |= all;
    if (!any) return 0;
    uint64_t marks = 0;
    for (int i = 0; i < BLOCK; i += 8) marks |= word_marks(eight(at + i)) << i;
    return marks;
}

static inline uint64_t probe_marks(const byte *at, unsigned *seen) {
    const uint64_t first = eight(at), second = eight(at + 8);
    *seen |= (first | second) & EACH_BYTE(0x80) ? 0x80 : 0;
    return word_marks(first) | word_marks(second) << 8;
}

#endif
#endif
