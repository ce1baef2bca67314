/* Whether bytes are UTF-8 (RFC 3629). */
#include "scan.h"

/* Vectors, where the processor can look up sixteen bytes at once. Not every x86-64 can: it is asked at run time. */
#if !defined(LLMGATE_PORTABLE) && defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define UTF8_LOOKUP 1
#include <string.h>
#include <tmmintrin.h>
#endif

/* How many bytes the character that begins here has; 0 if it is none. ASCII is not asked for. */
static int character(const byte *at, const byte *end) {
    const byte first = at[0];
    const ptrdiff_t left = end - at;
    if (left < 2 || (at[1] & 0xc0) != 0x80) return 0;
    if (first >= 0xc2 && first <= 0xdf) return 2;
    if (left < 3 || (at[2] & 0xc0) != 0x80) return 0;
    if (first == 0xe0) return at[1] >= 0xa0 ? 3 : 0; /* below: overlong */
    if (first == 0xed) return at[1] <= 0x9f ? 3 : 0; /* above: surrogates */
    if ((first & 0xf0) == 0xe0) return 3;
    if (left < 4 || (at[3] & 0xc0) != 0x80) return 0;
    if (first == 0xf0) return at[1] >= 0x90 ? 4 : 0; /* below: overlong */
    if (first == 0xf4) return at[1] <= 0x8f ? 4 : 0; /* above: beyond U+10FFFF */
    return first >= 0xf1 && first <= 0xf3 ? 4 : 0;
}

static int plainly(const byte *at, const byte *end) {
    while (at < end) {
        if (*at < 0x80) {
            at++;
            continue;
        }
        const int size = character(at, end);
        if (!size) return 0;
        at += size;
    }
    return 1;
}

#ifdef UTF8_LOOKUP

/* Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2021). Every pair of neighbouring bytes is looked
 * up by three of its half-bytes. Each table says what may be wrong as far as its half-byte can tell; what all three say, is. */
enum {
    SHORT = 1,         /* a leading byte, and then none that continues it */
    LONG = 2,          /* ASCII, and then one that continues */
    OVERLONG_3 = 4,    /* e0, and less than a0 */
    ABOVE = 8,         /* f4 and more than 8f, or f5 and more */
    SURROGATE = 16,    /* ed, and more than 9f */
    OVERLONG_2 = 32,   /* c0 or c1 */
    OVERLONG_4 = 64,   /* f0, and less than 90 */
    ABOVE_1000 = 64,   /* f5 and more, and less than 90: told from the one above by the first byte's low half */
    TWO = 128,         /* two that continue: right in third and fourth places, and only there */
    ANY_LOW = SHORT | LONG | TWO
};

#define LOOKUP __attribute__((target("ssse3")))

LOOKUP static inline __m128i half(__m128i text, int high) {
    return _mm_and_si128(high ? _mm_srli_epi16(text, 4) : text, _mm_set1_epi8(0x0f));
}

/* What is wrong with sixteen bytes, after the sixteen `before` them: zero is nothing. */
LOOKUP static inline __m128i wrong(__m128i text, __m128i before) {
    const __m128i first_high = _mm_setr_epi8(
        LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, (char)TWO, (char)TWO, (char)TWO, (char)TWO,
        SHORT | OVERLONG_2, SHORT, SHORT | OVERLONG_3 | SURROGATE, SHORT | ABOVE | ABOVE_1000 | OVERLONG_4);
    const char beyond = (char)(ANY_LOW | ABOVE | ABOVE_1000);
    const __m128i first_low = _mm_setr_epi8(
        (char)(ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), (char)(ANY_LOW | OVERLONG_2), (char)ANY_LOW, (char)ANY_LOW,
        (char)(ANY_LOW | ABOVE), beyond, beyond, beyond, beyond, beyond, beyond, beyond, beyond,
        (char)(ANY_LOW | ABOVE | ABOVE_1000 | SURROGATE), beyond, beyond);
    const char continues = (char)(LONG | TWO | OVERLONG_2);
    const __m128i second_high = _mm_setr_epi8(
        SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT,
        (char)(continues | OVERLONG_3 | ABOVE_1000 | OVERLONG_4), (char)(continues | OVERLONG_3 | ABOVE),
        (char)(continues | SURROGATE | ABOVE), (char)(continues | SURROGATE | ABOVE), SHORT, SHORT, SHORT, SHORT);
    const __m128i back_1 = _mm_alignr_epi8(text, before, 15);
    const __m128i told = _mm_and_si128(
        _mm_and_si128(_mm_shuffle_epi8(first_high, half(back_1, 1)), _mm_shuffle_epi8(first_low, half(back_1, 0))),
        _mm_shuffle_epi8(second_high, half(text, 1)));
    /* in the third place of e0 and more, and the fourth of f0 and more, TWO has to be told; anywhere else it must not */
    const __m128i third = _mm_subs_epu8(_mm_alignr_epi8(text, before, 14), _mm_set1_epi8(0xe0 - 0x80));
    const __m128i fourth = _mm_subs_epu8(_mm_alignr_epi8(text, before, 13), _mm_set1_epi8(0xf0 - 0x80));
    const __m128i due = _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)0x80));
    return _mm_xor_si128(told, due);
}

LOOKUP static inline __m128i sixteen(const byte *at) { return _mm_loadu_si128((const __m128i *)(const void *)at); }

LOOKUP static int by_lookup(const byte *at, const byte *end) {
    __m128i before = _mm_setzero_si128(), error = _mm_setzero_si128();
    while (end - at >= 64) {
        const __m128i a = sixteen(at), b = sixteen(at + 16), c = sixteen(at + 32), d = sixteen(at + 48);
        if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)))) {
            error = _mm_or_si128(error, _mm_or_si128(wrong(a, before), wrong(b, a)));
            error = _mm_or_si128(error, _mm_or_si128(wrong(c, b), wrong(d, c)));
        } else { /* ASCII, but the block before it may have ended within a character */
            error = _mm_or_si128(error, wrong(a, before));
        }
        before = d;
        at += 64;
    }
    /* The rest, and zeros: they are ASCII, which no character may break off for. One zero there is at least. */
    byte rest[80] = {0};
    memcpy(rest, at, (size_t)(end - at));
    for (int i = 0; i < 80; i += 16) {
        const __m128i text = sixteen(rest + i);
        error = _mm_or_si128(error, wrong(text, before));
        before = text;
    }
    return _mm_movemask_epi8(_mm_cmpeq_epi8(error, _mm_setzero_si128())) == 0xffff;
}

int scan_utf8(const byte *at, const byte *end) {
    return __builtin_cpu_supports("ssse3") ? by_lookup(at, end) : plainly(at, end);
}

#else

int scan_utf8(const byte *at, const byte *end) { return plainly(at, end); }

#endif
