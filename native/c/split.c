/* A JSON body, split into its top-level fields: what llmgate_core.jsonfields.split_fields does, for usual bodies. It answers None
 * for every other, good or bad; the twin in Python then judges, and has the words for what is wrong. */
#include "native.h"

#include "scan.h"
#include <string.h>

/* Requests have some twenty fields. */
#define MOST_FIELDS 64

/* As jsonfields.py has them: up to four characters every number is one that all readers agree on. */
#define SHORTEST_ODD_NUMBER 5
/* So is every one of at most 18 characters without an exponent: it fits 64 bits, or a float. */
#define LONGEST_PLAIN_NUMBER 18

/* A view costs several times as much as a short copy. But what makes a body long shall not be in memory twice. */
#define LONGEST_COPY 1024

/* The names of fields are the same few in every request: a str that was made of such bytes before is taken again, with its hash. So
 * many are kept, of at most so many bytes, each where its size and its first and last bytes say. */
#define KEPT_NAMES 256
#define LONGEST_KEPT 32

typedef struct {
    const byte *name, *name_end, *value, *value_end;
} Field;

static int is_doubtful_number(const byte *at, const byte *end) {
    const ptrdiff_t size = end - at;
    if (size < SHORTEST_ODD_NUMBER || !(*at == '-' || (*at >= '0' && *at <= '9'))) return 0;
    return size > LONGEST_PLAIN_NUMBER || memchr(at, 'e', (size_t)size) != NULL || memchr(at, 'E', (size_t)size) != NULL;
}

/* `"name": value`, from its quote to behind it. */
static const byte *read_field(const byte *at, const byte *end, Field *field, unsigned *seen) {
    if (at == end || *at != '"') return NULL;
    field->name = at + 1;
    at = scan_string(at + 1, end, seen);
    if (at == NULL) return NULL;
    field->name_end = at - 1;
    /* one key may be written in many ways, and then bytes do not tell whether it stands twice */
    if (memchr(field->name, '\\', (size_t)(field->name_end - field->name)) != NULL) return NULL;
    at = scan_space(at, end);
    if (at == end || *at != ':') return NULL;
    field->value = scan_space(at + 1, end);
    field->value_end = scan_value(field->value, end, seen);
    if (field->value_end == NULL || is_doubtful_number(field->value, field->value_end)) return NULL;
    return field->value_end;
}

/* The whole document, judged: how many fields it has, or 0. */
static int read_fields(const byte *at, const byte *end, Field *fields) {
    const byte *const start = at;
    unsigned seen = 0;
    int count = 0;
    at = scan_space(at, end);
    if (at == end || *at != '{') return 0;
    do {
        if (count == MOST_FIELDS) return 0;
        at = read_field(scan_space(at + 1, end), end, &fields[count++], &seen);
        if (at == NULL) return 0;
        at = scan_space(at, end);
        if (at == end) return 0;
    } while (*at == ',');
    if (*at != '}' || scan_space(at + 1, end) != end) return 0;
    return seen & 0x80 && !scan_utf8(start, end) ? 0 : count;
}

/* A value's bytes: a view of the body, or, where that costs more, a copy. The first that needs it makes the view of all. */
static PyObject *bytes_of(const Field *field, PyObject **view, PyObject *body) {
    const Py_ssize_t size = field->value_end - field->value;
    const byte *start = (const byte *)PyBytes_AS_STRING(body);
    if (size <= LONGEST_COPY) return PyBytes_FromStringAndSize((const char *)field->value, size);
    if (*view == NULL && (*view = PyMemoryView_FromObject(body)) == NULL) return NULL;
    return PySequence_GetSlice(*view, field->value - start, field->value_end - start);
}

static PyObject *name_of(const Field *field) {
    static PyObject *kept[KEPT_NAMES];
    const char *text = (const char *)field->name;
    const Py_ssize_t size = field->name_end - field->name;
    if (size == 0 || size > LONGEST_KEPT) return PyUnicode_DecodeUTF8(text, size, NULL);
    const size_t place = ((size_t)size * 7 + (size_t)(byte)text[0] * 3 + (size_t)(byte)text[size - 1] * 11) % KEPT_NAMES;
    PyObject *name = kept[place];
    if (name != NULL && PyUnicode_GET_LENGTH(name) == size && memcmp(PyUnicode_1BYTE_DATA(name), text, (size_t)size) == 0)
        return Py_NewRef(name);
    name = PyUnicode_DecodeUTF8(text, size, NULL);
    if (name != NULL && PyUnicode_IS_COMPACT_ASCII(name)) set_to(&kept[place], name);
    return name;
}

/* `fields[name] = raw(value)`. Returns -1 with an exception, or 0. */
static int put(PyObject *fields, const Field *field, PyObject **view, PyObject *body, PyObject *raw) {
    PyObject *slice = NULL, *value = NULL;
    int status = -1;
    PyObject *name = name_of(field);
    if (name != NULL) slice = bytes_of(field, view, body);
    if (slice != NULL) value = PyObject_CallOneArg(raw, slice);
    if (value != NULL) status = PyDict_SetItem(fields, name, value);
    Py_XDECREF(value);
    Py_XDECREF(slice);
    Py_XDECREF(name);
    return status;
}

static PyObject *put_all(PyObject *body, PyObject *raw, const Field *fields, int count) {
    PyObject *view = NULL, *found = PyDict_New();
    for (int i = 0; found != NULL && i < count; i++) {
        if (put(found, &fields[i], &view, body, raw) < 0) Py_CLEAR(found);
    }
    Py_XDECREF(view);
    return found;
}

PyObject *split_fields(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Field fields[MOST_FIELDS];
    (void)module;
    if (count != 2) {
        PyErr_Format(PyExc_TypeError, "split_fields takes a body and a type, not %zd arguments", count);
        return NULL;
    }
    if (!PyBytes_CheckExact(args[0])) Py_RETURN_NONE;
    const byte *start = (const byte *)PyBytes_AS_STRING(args[0]);
    const int found = read_fields(start, start + PyBytes_GET_SIZE(args[0]), fields);
    if (!found) Py_RETURN_NONE;
    PyObject *split = put_all(args[0], args[1], fields, found);
    if (split != NULL && PyDict_GET_SIZE(split) != found) { /* a key stands twice */
        Py_DECREF(split);
        Py_RETURN_NONE;
    }
    return split;
}
