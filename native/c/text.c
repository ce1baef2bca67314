/* Strings of JSON: nearly all bytes of a large body lie in them. */
#include "block.h"

/* What a byte may be in an escape: the second one of a simple escape, and a hexadecimal digit with what it is worth. A table, as
 * branches on the bytes of a text are badly foreseen: text of another script may be nothing but such escapes. */
enum { WORTH = 0x0f, DIGIT = 0x10, SIMPLE = 0x20 };

static const byte kinds[256] = {
    ['"'] = SIMPLE, ['\\'] = SIMPLE, ['/'] = SIMPLE, ['n'] = SIMPLE, ['r'] = SIMPLE, ['t'] = SIMPLE,
    ['0'] = DIGIT, ['1'] = DIGIT | 1, ['2'] = DIGIT | 2, ['3'] = DIGIT | 3, ['4'] = DIGIT | 4, ['5'] = DIGIT | 5,
    ['6'] = DIGIT | 6, ['7'] = DIGIT | 7, ['8'] = DIGIT | 8, ['9'] = DIGIT | 9,
    ['a'] = DIGIT | 10, ['b'] = SIMPLE | DIGIT | 11, ['c'] = DIGIT | 12, ['d'] = DIGIT | 13, ['e'] = DIGIT | 14,
    ['f'] = SIMPLE | DIGIT | 15,
    ['A'] = DIGIT | 10, ['B'] = DIGIT | 11, ['C'] = DIGIT | 12, ['D'] = DIGIT | 13, ['E'] = DIGIT | 14, ['F'] = DIGIT | 15,
};

/* The code unit that four digits stand for; 0x10000 if they are none. */
static inline unsigned code_unit(const byte *at) {
    const unsigned a = kinds[at[0]], b = kinds[at[1]], c = kinds[at[2]], d = kinds[at[3]];
    if (!(a & b & c & d & DIGIT)) return 0x10000;
    return (a & WORTH) << 12 | (b & WORTH) << 8 | (c & WORTH) << 4 | (d & WORTH);
}

/* From a backslash to behind its escape. Surrogates come in pairs, or they stand for nothing. */
static const byte *scan_escape(const byte *at, const byte *end) {
    if (end - at < 2) return NULL;
    if (kinds[at[1]] & SIMPLE) return at + 2;
    if (at[1] != 'u' || end - at < 6) return NULL;
    const unsigned unit = code_unit(at + 2);
    if (unit < 0xd800 || (unit >= 0xe000 && unit <= 0xffff)) return at + 6;
    if (unit >= 0xdc00 || end - at < 12 || at[6] != '\\' || at[7] != 'u') return NULL;
    const unsigned second = code_unit(at + 8);
    return second >= 0xdc00 && second < 0xe000 ? at + 12 : NULL;
}

/* The rest of a string that ends near the end of the body, where no block fits. */
static const byte *scan_tail(const byte *at, const byte *end, unsigned *seen) {
    while (at < end) {
        const byte one = *at;
        if (one == '"') return at + 1;
        if (one < 0x20) return NULL;
        *seen |= one;
        at = one == '\\' ? scan_escape(at, end) : at + 1;
        if (at == NULL) return NULL;
    }
    return NULL;
}

const byte *scan_string(const byte *at, const byte *end, unsigned *seen) {
    /* A key, a role, a name: most strings are short, and for them a block is much. */
    if (end - at >= PROBE) {
        const uint64_t marks = probe_marks(at, seen);
        const byte *first = marks ? at + lowest_bit(marks) : at + PROBE;
        if (marks && *first == '"') return first + 1;
        at = first;
    }
    while (end - at >= BLOCK) {
        const byte *next = at + BLOCK;
        uint64_t marks = block_marks(at, seen);
        while (marks) {
            const byte *one = at + lowest_bit(marks);
            if (*one == '"') return one + 1;
            if (*one != '\\') return NULL;
            do { /* escapes like company */
                one = scan_escape(one, end);
                if (one == NULL) return NULL;
            } while (one < end && *one == '\\');
            if (one >= next) {
                next = one;
                break;
            }
            marks &= ~(uint64_t)0 << (one - at); /* what an escape has used up marks nothing */
        }
        at = next;
    }
    return scan_tail(at, end, seen);
}
