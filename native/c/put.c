/* JSON values put into a buffer, as msgspec writes them. Whatever is unusual is refused. */
#include "put.h"

/* Up to so many seconds microseconds are exact in a double, and a text of milliseconds is the shortest that tells its double from
   others: it has at most 15 digits. */
#define MOST_SECONDS 1e9
/* The year 10000 */
#define END_OF_TIME 253402300800.0

#define LONGEST_NUMBER 20

static const char PAIRS[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
                            "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
                            "9899";

#define EACH(byte) (0x0101010101010101u * (byte))

/* The highest bit of each of eight characters of ASCII that is printable. No sum of two bytes carries into the next. */
static inline uint64_t printable(uint64_t eight) { return (eight + EACH(0x60)) & ~(eight + EACH(1)); }

/* Whether all are, and none is one that JSON escapes. */
static inline int is_plain(uint64_t eight) {
    const uint64_t not_quote = (eight ^ EACH('"')) + EACH(0x7f), not_backslash = (eight ^ EACH('\\')) + EACH(0x7f);
    return (printable(eight) & not_quote & not_backslash & EACH(0x80)) == EACH(0x80);
}

int put_is_printable(const char *text, Py_ssize_t size) {
    uint64_t eight = EACH('a'), all = EACH(0x80);
    Py_ssize_t at = 0;
    for (; at + 8 <= size; at += 8) {
        memcpy(&eight, text + at, 8);
        all &= printable(eight);
    }
    eight = EACH('a');
    memcpy(&eight, text + at, (size_t)(size - at));
    return (all & printable(eight) & EACH(0x80)) == EACH(0x80);
}

/* Copied and judged in one go. The last eight may overlap those before. */
static int copy_plain(char *to, const char *from, Py_ssize_t size) {
    uint64_t eight = EACH('a');
    Py_ssize_t at = 0;
    if (size < 8) {
        memcpy(&eight, from, (size_t)size);
        memcpy(to, from, (size_t)size);
        return is_plain(eight);
    }
    for (int last = 0; !last; at += 8) {
        last = at >= size - 8;
        if (last) at = size - 8;
        memcpy(&eight, from + at, 8);
        memcpy(to + at, &eight, 8);
        if (UNLIKELY(!is_plain(eight))) return 0;
    }
    return 1;
}

int put_text(Out *out, PyObject *text) {
    if (UNLIKELY(!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text))) return 0;
    const Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (UNLIKELY(out->end - out->at < 2 || out->end - out->at - 2 < size)) return 0;
    *out->at++ = '"';
    if (UNLIKELY(!copy_plain(out->at, (const char *)PyUnicode_1BYTE_DATA(text), size))) return 0;
    out->at += size;
    *out->at++ = '"';
    return 1;
}

int put_whole(Out *out, uint64_t number) {
    char digits[LONGEST_NUMBER], *at = digits + LONGEST_NUMBER;
    while (number >= 100) {
        at -= 2;
        memcpy(at, PAIRS + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(at, PAIRS + 2 * number, 2);
    } else {
        *--at = (char)('0' + number);
    }
    return put_bytes(out, at, digits + LONGEST_NUMBER - at);
}

int put_number(Out *out, PyObject *number) {
    int overflow;
    if (UNLIKELY(!PyLong_CheckExact(number))) return 0;
    const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    return !overflow && value >= 0 && put_whole(out, (uint64_t)value);
}

/* floor(seconds * 1e6 + 0.5) / 1000 */
int put_milliseconds(Out *out, double seconds) {
    if (UNLIKELY(!(seconds >= 0 && seconds < MOST_SECONDS))) return 0; /* nor what is not a number */
    volatile double scaled = seconds * 1e6; /* rounded here: no compiler may make one step of this and the next */
    const uint64_t microseconds = (uint64_t)(scaled + 0.5);
    const unsigned part = (unsigned)(microseconds % 1000);
    char decimals[4] = {'.', (char)('0' + part / 100), PAIRS[part % 100 * 2], PAIRS[part % 100 * 2 + 1]};
    return put_whole(out, microseconds / 1000) && put_bytes(out, decimals, part % 10 ? 4 : part % 100 ? 3 : 2);
}

static void two(char *at, unsigned number) { memcpy(at, PAIRS + 2 * number, 2); }

/* The date of a day since 1970-01-01, years counted from March: a leap day is a year's last. */
static void put_date(char *at, unsigned day) {
    const unsigned since = day + 719468; /* 0000-03-01 */
    const unsigned era = since / 146097, of_era = since % 146097;
    const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned from_march = (5 * of_year + 2) / 153;
    const unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;
    const unsigned year = era * 400 + year_of_era + (month <= 2);
    two(at, year / 100);
    two(at + 2, year % 100);
    two(at + 5, month);
    two(at + 8, of_year - (153 * from_march + 2) / 5 + 1);
}

/* Unix time as "YYYY-MM-DDThh:mm:ss.mmmZ" */
int put_time(Out *out, PyObject *time) {
    char text[] = "\"0000-00-00T00:00:00.000Z\"";
    if (UNLIKELY(!PyFloat_CheckExact(time))) return 0;
    const double value = PyFloat_AS_DOUBLE(time);
    if (UNLIKELY(!(value >= 0 && value < END_OF_TIME))) return 0;
    const uint64_t whole = (uint64_t)value;
    const unsigned second = (unsigned)(whole % 86400), part = (unsigned)((value - (double)whole) * 1000);
    put_date(text + 1, (unsigned)(whole / 86400));
    two(text + 12, second / 3600);
    two(text + 15, second / 60 % 60);
    two(text + 18, second % 60);
    text[21] = (char)('0' + part / 100);
    two(text + 22, part % 100);
    return put_bytes(out, text, sizeof text - 1);
}
