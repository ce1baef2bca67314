/* Lines of JSON made of rows (tuples), by a shape: what is read from a row, and how it is put. None for every row with something
 * unusual in it; the caller then makes the line in Python.
 *
 * A shape is two tuples. Each of ``reads`` is (source, step): of a value read before (the first, 0, is the row itself) that attribute
 * or, where the step is a number, that item of a tuple. What is read from None is None. Each of ``puts`` is (kind, text, sources): the
 * text with the quoted name, and the numbers of the values. See Kind. */
#include "put.h"
#include "slots.h"

#define MOST_READS 64
#define MOST_SOURCES 3
/* Of so many bytes a copy of all is cheaper than one of as many as there are. */
#define LONGEST_KEY 32

typedef enum {
    OPEN, /* no value: the text alone, behind a comma where one is needed */
    CLOSE, /* no value: the text alone */
    GIVEN, /* how many puts to leave out, instead of a text, where the value is None */
    TEXT,
    TEXT_OR_NONE, /* left out where it is None, as in the following */
    TEXT_OR_EMPTY, /* ... or empty */
    NAME, /* looked up in ``names``, where it must be */
    NAME_OR_EMPTY, /* the same, left out where what was found is empty */
    NUMBER, /* an int, not negative */
    NUMBER_OR_NONE,
    TRUE_OR_NOT, /* left out where it is false */
    TIME, /* Unix time, as RFC 3339 has it */
    SPAN, /* seconds, told as milliseconds: a, a - b, or a - b - c and then 0 where that is less; left out where a is None */
    KINDS,
} Kind;

static const char *const KIND_NAMES[KINDS] = {
    "open", "close", "given", "text", "text or none", "text or empty", "name", "name or empty",
    "number", "number or none", "true or not", "time", "span",
};
typedef struct {
    Py_ssize_t source;
    PyObject *name; /* NULL: an item */
    Py_ssize_t item;
    Slot slot; /* where the attribute was found last */
} Read;

typedef struct {
    Kind kind;
    int count;
    Py_ssize_t sources[MOST_SOURCES], leave_out;
    Py_ssize_t size;
    char text[LONGEST_KEY];
} Put;

typedef struct {
    PyObject_HEAD
    PyObject *names;
    Py_ssize_t read_count, put_count;
    Read *reads;
    Put *puts;
} Lines;

/* ---- reading */

/* A new reference, or NULL, maybe with an exception set. */
static PyObject *read_one(Read *read, PyObject *from) {
    if (from == Py_None) return Py_NewRef(from);
    if (read->name == NULL) {
        if (UNLIKELY(!PyTuple_CheckExact(from) || read->item >= PyTuple_GET_SIZE(from))) return NULL;
        return Py_NewRef(PyTuple_GET_ITEM(from, read->item));
    }
    return slot_get(&read->slot, from, read->name);
}

/* ---- putting */

static inline int put_key(Out *out, const Put *put) {
    if (UNLIKELY(out->end - out->at <= LONGEST_KEY)) return 0;
    *out->at = ',';
    out->at += out->at[-1] != '{';
    memcpy(out->at, put->text, LONGEST_KEY);
    out->at += put->size;
    return 1;
}

static int put_span(Out *out, const Put *put, PyObject **values) {
    double seconds[MOST_SOURCES] = {0};
    if (values[put->sources[0]] == Py_None) return 1;
    for (int i = 0; i < put->count; i++) {
        PyObject *value = values[put->sources[i]];
        if (UNLIKELY(!PyFloat_CheckExact(value))) return 0;
        seconds[i] = PyFloat_AS_DOUBLE(value);
    }
    double told = seconds[0];
    if (put->count > 1) told -= seconds[1];
    if (put->count > 2) told = told > seconds[2] ? told - seconds[2] : 0.0;
    return put_key(out, put) && put_milliseconds(out, told);
}

static int put_name(Lines *self, Out *out, const Put *put, PyObject *value) {
    if (UNLIKELY(!PyUnicode_CheckExact(value))) return 0;
    PyObject *found = PyDict_GetItemWithError(self->names, value);
    if (UNLIKELY(found == NULL || !PyUnicode_CheckExact(found))) return 0;
    if (put->kind == NAME_OR_EMPTY && PyUnicode_GET_LENGTH(found) == 0) return 1;
    return put_key(out, put) && put_text(out, found);
}

/* Whether it could; ``at`` is moved on where puts are left out. */
static int put_one(Lines *self, Out *out, Py_ssize_t *at, PyObject **values) {
    const Put *put = &self->puts[*at];
    PyObject *value = values[put->sources[0]];
    switch (put->kind) {
    case OPEN: return put_key(out, put);
    case CLOSE: return put_bytes(out, put->text, put->size);
    case GIVEN:
        if (value == Py_None) *at += put->leave_out;
        return 1;
    case TEXT_OR_EMPTY:
        if (PyUnicode_CheckExact(value) && PyUnicode_GET_LENGTH(value) == 0) return 1; /* fall through */
    case TEXT_OR_NONE:
        if (value == Py_None) return 1; /* fall through */
    case TEXT: return put_key(out, put) && put_text(out, value);
    case NAME:
    case NAME_OR_EMPTY: return put_name(self, out, put, value);
    case NUMBER_OR_NONE:
        if (value == Py_None) return 1; /* fall through */
    case NUMBER: return put_key(out, put) && put_number(out, value);
    case TRUE_OR_NOT: return value == Py_False || (value == Py_True && put_key(out, put) && put_bytes(out, "true", 4));
    case TIME: return put_key(out, put) && put_time(out, value);
    case SPAN: return put_span(out, put, values);
    default: return 0;
    }
}

static PyObject *lines_line(Lines *self, PyObject *row) {
    PyObject *values[MOST_READS + 1];
    char line[MOST_BYTES];
    Out out = {line, line + MOST_BYTES - 2}; /* room for what ends it */
    Py_ssize_t count = 0;
    int usual = 1;
    values[count++] = Py_NewRef(row);
    while (usual && count <= self->read_count) {
        Read *read = &self->reads[count - 1];
        values[count] = read_one(read, values[read->source]);
        if (UNLIKELY(values[count] == NULL)) usual = 0;
        else count++;
    }
    *out.at++ = '{';
    for (Py_ssize_t at = 0; usual && at < self->put_count; at++) usual = put_one(self, &out, &at, values);
    while (count > 0) Py_DECREF(values[--count]);
    if (LIKELY(usual)) {
        *out.at++ = '}';
        *out.at++ = '\n';
        return PyBytes_FromStringAndSize(line, out.at - line);
    }
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) return NULL;
        PyErr_Clear(); /* Python will meet it again, and has the words for it */
    }
    Py_RETURN_NONE;
}

/* ---- a shape */

static int parse_read(Read *read, PyObject *item, Py_ssize_t known) {
    PyObject *name;
    if (!PyTuple_Check(item)) return PyErr_Format(PyExc_TypeError, "a read is a tuple, not %.100R", item), -1;
    if (!PyArg_ParseTuple(item, "nO;a read is (source, step)", &read->source, &name)) return -1;
    if (read->source < 0 || read->source >= known) return PyErr_Format(PyExc_ValueError, "no source %zd yet", read->source), -1;
    if (PyLong_CheckExact(name)) {
        read->item = PyLong_AsSsize_t(name);
        if (read->item < 0 && !PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "no item %zd", read->item);
        return PyErr_Occurred() ? -1 : 0;
    }
    if (!PyUnicode_CheckExact(name)) return PyErr_Format(PyExc_TypeError, "a step is a str or an int, not %.100R", name), -1;
    Py_INCREF(name);
    PyUnicode_InternInPlace(&name);
    read->name = name;
    return 0;
}

static int parse_kind(Put *put, const char *kind) {
    for (int at = 0; at < KINDS; at++) {
        if (strcmp(kind, KIND_NAMES[at])) continue;
        put->kind = (Kind)at;
        return 0;
    }
    return PyErr_Format(PyExc_ValueError, "no kind %.100s", kind), -1;
}

/* ``left`` puts follow. */
static int parse_put(Put *put, PyObject *item, Py_ssize_t known, Py_ssize_t left) {
    const char *kind;
    PyObject *text, *sources;
    if (!PyTuple_Check(item)) return PyErr_Format(PyExc_TypeError, "a put is a tuple, not %.100R", item), -1;
    if (!PyArg_ParseTuple(item, "sOO!;a put is (kind, text, sources)", &kind, &text, &PyTuple_Type, &sources)) return -1;
    if (parse_kind(put, kind) < 0) return -1;
    if (put->kind == GIVEN) {
        put->leave_out = PyLong_AsSsize_t(text);
        if (put->leave_out == -1 && PyErr_Occurred()) return -1;
        if (put->leave_out < 0 || put->leave_out > left) return PyErr_Format(PyExc_ValueError, "%zd puts follow", left), -1;
    } else {
        if (!PyBytes_CheckExact(text)) return PyErr_Format(PyExc_TypeError, "a text is bytes, not %.100R", text), -1;
        put->size = PyBytes_GET_SIZE(text);
        if (put->size > LONGEST_KEY) return PyErr_Format(PyExc_ValueError, "a text has at most %d bytes", LONGEST_KEY), -1;
        memcpy(put->text, PyBytes_AS_STRING(text), (size_t)put->size);
    }
    const Py_ssize_t count = PyTuple_GET_SIZE(sources), most = put->kind == SPAN ? MOST_SOURCES : put->kind > CLOSE;
    if (count > most || count < (most > 0)) return PyErr_Format(PyExc_ValueError, "%s has not %zd sources", kind, count), -1;
    put->count = (int)count;
    for (Py_ssize_t at = 0; at < count; at++) {
        const Py_ssize_t source = PyLong_AsSsize_t(PyTuple_GET_ITEM(sources, at));
        if (source == -1 && PyErr_Occurred()) return -1;
        if (source < 0 || source >= known) return PyErr_Format(PyExc_ValueError, "no source %zd", source), -1;
        put->sources[at] = source;
    }
    return 0;
}

/* Those that have been parsed count: they are what is let go of. */
static int parse(Lines *self, PyObject *reads, PyObject *puts) {
    const Py_ssize_t read_count = PyTuple_GET_SIZE(reads), put_count = PyTuple_GET_SIZE(puts);
    if (read_count > MOST_READS) return PyErr_Format(PyExc_ValueError, "more than %d reads", MOST_READS), -1;
    self->reads = PyMem_Calloc((size_t)read_count, sizeof(Read));
    self->puts = PyMem_Calloc((size_t)put_count, sizeof(Put));
    if (self->reads == NULL || self->puts == NULL) return PyErr_NoMemory(), -1;
    for (Py_ssize_t at = 0; at < read_count; at++) {
        self->read_count++;
        if (parse_read(&self->reads[at], PyTuple_GET_ITEM(reads, at), at + 1) < 0) return -1;
    }
    for (Py_ssize_t at = 0; at < put_count; at++) {
        self->put_count++;
        if (parse_put(&self->puts[at], PyTuple_GET_ITEM(puts, at), read_count + 1, put_count - at - 1) < 0) return -1;
    }
    return 0;
}

static PyObject *lines_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *reads, *puts, *names;
    if (!PyArg_ParseTuple(args, "O!O!O!:JsonLines", &PyTuple_Type, &reads, &PyTuple_Type, &puts, &PyDict_Type, &names)) return NULL;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs)) return PyErr_Format(PyExc_TypeError, "JsonLines takes no keywords");
    Lines *self = (Lines *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->names = Py_NewRef(names);
    if (parse(self, reads, puts) < 0) Py_CLEAR(self);
    return (PyObject *)self;
}

/* The way round a circle leads through the names, and the collector clears those. */
static int lines_traverse(Lines *self, visitproc visit, void *arg) {
    Py_VISIT(self->names);
    return 0;
}

static void lines_dealloc(Lines *self) {
    PyObject_GC_UnTrack(self);
    for (Py_ssize_t at = 0; at < self->read_count; at++) Py_XDECREF(self->reads[at].name);
    PyMem_Free(self->reads);
    PyMem_Free(self->puts);
    Py_XDECREF(self->names);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"line", (PyCFunction)lines_line, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject JsonLines_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.JsonLines",
    .tp_basicsize = sizeof(Lines),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = lines_new,
    .tp_dealloc = (destructor)lines_dealloc,
    .tp_traverse = (traverseproc)lines_traverse,
    .tp_methods = methods,
};
