/* Values as JSON has them, put one behind the other into a buffer that is never overrun. */
#ifndef LLMGATE_PUT_H
#define LLMGATE_PUT_H

#include "native.h"

#include <stdint.h>
#include <string.h>

/* A line that needs more is Python's. */
#define MOST_BYTES 4096

typedef struct {
    char *at, *end;
} Out;

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

/* Each answers whether it could: there was room, and the value was a usual one. What has been put then is not to be used. */
/* Whether a text of ASCII has no control characters. */
int put_is_printable(const char *text, Py_ssize_t size);
int put_text(Out *out, PyObject *text);
int put_whole(Out *out, uint64_t number);
int put_number(Out *out, PyObject *number);
int put_milliseconds(Out *out, double seconds);
int put_time(Out *out, PyObject *time);

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif

static inline int put_bytes(Out *out, const char *bytes, Py_ssize_t size) {
    if (UNLIKELY(out->end - out->at < size)) return 0;
    memcpy(out->at, bytes, (size_t)size);
    out->at += size;
    return 1;
}

#endif
