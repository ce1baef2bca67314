/* Values of JSON. The way into arrays and objects and out of them is kept on a stack of our own: no body can exhaust C's. */
#include "scan.h"

#include <string.h>

static inline const byte *scan_word(const byte *at, const byte *end, const char *word, ptrdiff_t size) {
    return end - at >= size && memcmp(at, word, (size_t)size) == 0 ? at + size : NULL;
}

static inline int is_digit(const byte *at, const byte *end) { return at < end && *at >= '0' && *at <= '9'; }

/* One digit or more. */
static const byte *scan_digits(const byte *at, const byte *end) {
    if (!is_digit(at, end)) return NULL;
    do at++;
    while (is_digit(at, end));
    return at;
}

static const byte *scan_number(const byte *at, const byte *end) {
    if (*at == '-') at++;
    if (at < end && *at == '0') {
        at++; /* alone: a digit behind it is no longer part of the number, and nothing that may follow one */
    } else {
        at = scan_digits(at, end);
    }
    if (at != NULL && at < end && *at == '.') at = scan_digits(at + 1, end);
    if (at != NULL && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        at = scan_digits(at, end);
    }
    return at;
}

/* A key of an object, its colon, and white space before either. */
static const byte *scan_key(const byte *at, const byte *end, unsigned *seen) {
    at = scan_space(at, end);
    if (at == end || *at != '"') return NULL;
    at = scan_string(at + 1, end, seen);
    if (at == NULL) return NULL;
    at = scan_space(at, end);
    return at < end && *at == ':' ? at + 1 : NULL;
}

const byte *scan_value(const byte *at, const byte *end, unsigned *seen) {
    byte closes[SCAN_DEPTH]; /* what closes each container that is open */
    int depth = 0;
    for (;;) {
        if (depth && closes[depth - 1] == '}' && (at = scan_key(at, end, seen)) == NULL) return NULL;
        at = scan_space(at, end);
        if (at == end) return NULL;
        switch (*at) {
        case '[': case '{':
            if (depth == SCAN_DEPTH) return NULL;
            closes[depth] = *at == '[' ? ']' : '}';
            at = scan_space(at + 1, end);
            if (at == end) return NULL;
            if (*at != closes[depth]) {
                depth++;
                continue;
            }
            at++;
            break;
        case '"': at = scan_string(at + 1, end, seen); break;
        case 't': at = scan_word(at, end, "true", 4); break;
        case 'f': at = scan_word(at, end, "false", 5); break;
        case 'n': at = scan_word(at, end, "null", 4); break;
        default: at = scan_number(at, end);
        }
        if (at == NULL) return NULL;
        for (;; at++) { /* out of all containers that end here */
            if (!depth) return at;
            at = scan_space(at, end);
            if (at == end) return NULL;
            if (*at != closes[depth - 1]) break;
            depth--;
        }
        if (*at++ != ',') return NULL;
    }
}
