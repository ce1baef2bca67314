/* The scanners of JSON text. They know nothing of Python, read nothing at or after `end`, and judge by RFC 8259. */
#ifndef LLMGATE_SCAN_H
#define LLMGATE_SCAN_H

#include <stddef.h>

typedef unsigned char byte;

/* Containers within containers that are followed; whoever nests deeper has not written a usual request. */
#define SCAN_DEPTH 128

/* Between the files of the extension, and for nobody else: calls need not ask where another library has a function of that name. */
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

/* Each takes where something begins and gives where it ends, or NULL if it is not right. `seen` gathers (by OR) the bytes of
 * strings, so that its highest bit tells in the end whether there is UTF-8 to be judged; that is nobody's task but
 * `scan_utf8`'s. It may gather some bytes more than it should, never fewer. */

/* From behind the opening quote to behind the closing one. */
const byte *scan_string(const byte *at, const byte *end, unsigned *seen);

/* Any value, and the white space before it. */
const byte *scan_value(const byte *at, const byte *end, unsigned *seen);

/* Whether the text is UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
int scan_utf8(const byte *at, const byte *end);

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif

static inline const byte *scan_space(const byte *at, const byte *end) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    return at;
}

#endif
