/* A head that a provider repeats, known by its bytes. Twin of the regular expression in llmgate_core.wire.known_answer. */
#include "native.h"

#include <string.h>

/* ── Spans: the values of one head's headers, as bytes, made when somebody looks ── */

typedef struct {
    Py_ssize_t begin, end;
} Span;

typedef struct {
    PyObject_VAR_HEAD
    PyObject *head; /* bytes */
    Span at[1];
} Spans;

static Py_ssize_t spans_length(Spans *self) { return Py_SIZE(self); }

static PyObject *spans_item(Spans *self, Py_ssize_t at) {
    if (at < 0 || at >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "no such header");
        return NULL;
    }
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(self->head) + self->at[at].begin,
                                     self->at[at].end - self->at[at].begin);
}

static void spans_dealloc(Spans *self) {
    Py_XDECREF(self->head);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PySequenceMethods spans_sequence = {
    .sq_length = (lenfunc)spans_length,
    .sq_item = (ssizeargfunc)spans_item,
};

PyTypeObject Spans_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.Spans",
    .tp_basicsize = offsetof(Spans, at),
    .tp_itemsize = sizeof(Span),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_SEQUENCE,
    .tp_dealloc = (destructor)spans_dealloc,
    .tp_as_sequence = &spans_sequence,
};

/* ── AnswerHead ── */

typedef struct {
    PyObject_HEAD
    PyObject *shape, *make; /* headers = make(shape, spans) */
    PyObject *lines;        /* tuple of (name: bytes, None for any value | bytes for just this one | True for the length) */
} AnswerHead;

static const char STATUS[] = "HTTP/1.1 200 ";

static int answer_head_init(AnswerHead *self, PyObject *args, PyObject *kwargs) {
    PyObject *shape, *lines, *make;
    if (!PyArg_ParseTuple(args, "OO!O", &shape, &PyTuple_Type, &lines, &make)) return -1;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(lines); at++) {
        PyObject *line = PyTuple_GET_ITEM(lines, at);
        if (!PyTuple_CheckExact(line) || PyTuple_GET_SIZE(line) != 2 || !PyBytes_CheckExact(PyTuple_GET_ITEM(line, 0)) ||
            !(PyTuple_GET_ITEM(line, 1) == Py_None || PyTuple_GET_ITEM(line, 1) == Py_True ||
              PyBytes_CheckExact(PyTuple_GET_ITEM(line, 1)))) {
            PyErr_SetString(PyExc_TypeError, "lines: ((name: bytes, None | True | bytes), …)");
            return -1;
        }
    }
    set_to(&self->shape, shape);
    set_to(&self->lines, lines);
    set_to(&self->make, make);
    return 0;
}

static inline int is_text(unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; }

/* The place of the line end (\r\n) at or after ``at`` with nothing but text before it, NULL if there is none. */
static const char *line_end(const char *at, const char *end, int only_ascii) {
    while (at < end && is_text((unsigned char)*at) && !(only_ascii && (unsigned char)*at >= 0x80)) at++;
    return end - at >= 2 && at[0] == '\r' && at[1] == '\n' ? at : NULL;
}

/* The length of 1 to 9 digits, or -1. */
static Py_ssize_t number(const char *at, const char *end) {
    Py_ssize_t value = 0;
    if (end - at < 1 || end - at > 9) return -1;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') return -1;
        value = value * 10 + (*at - '0');
    }
    return value;
}

Py_ssize_t answer_match(PyObject *quick, const char *data, Py_ssize_t size, PyObject **headers, Py_ssize_t *length) {
    AnswerHead *self = (AnswerHead *)quick;
    const char *at = data, *end = data + size, *stop;
    if (!Py_IS_TYPE(quick, &AnswerHead_Type) || self->lines == NULL || self->shape == NULL || self->make == NULL) return 0;
    if (size < (Py_ssize_t)sizeof STATUS || memcmp(at, STATUS, sizeof STATUS - 1) != 0) return 0;
    if ((stop = line_end(at + sizeof STATUS - 1, end, 1)) == NULL) return 0;
    at = stop + 2;
    Py_ssize_t count = PyTuple_GET_SIZE(self->lines), told = -1;
    Span places[64];
    if (count > 64) return 0;
    for (Py_ssize_t line = 0; line < count; line++) {
        PyObject *name = PyTuple_GET_ITEM(PyTuple_GET_ITEM(self->lines, line), 0);
        PyObject *wanted = PyTuple_GET_ITEM(PyTuple_GET_ITEM(self->lines, line), 1);
        Py_ssize_t long_ = PyBytes_GET_SIZE(name);
        if (end - at <= long_ || memcmp(at, PyBytes_AS_STRING(name), (size_t)long_) != 0 || at[long_] != ':') return 0;
        at += long_ + 1;
        while (at < end && (*at == ' ' || *at == '\t')) at++;
        if ((stop = line_end(at, end, 0)) == NULL) return 0;
        if (wanted == Py_True) {
            if ((told = number(at, stop)) < 0) return 0;
        } else if (wanted != Py_None) {
            if (stop - at != PyBytes_GET_SIZE(wanted) || memcmp(at, PyBytes_AS_STRING(wanted), (size_t)(stop - at)) != 0)
                return 0;
        }
        places[line].begin = at - data;
        places[line].end = stop - data;
        at = stop + 2;
    }
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n' || told < 0) return 0;
    at += 2;
    Spans *spans = PyObject_NewVar(Spans, &Spans_Type, count);
    if (spans == NULL) return -1;
    memcpy(spans->at, places, (size_t)count * sizeof(Span));
    spans->head = PyBytes_FromStringAndSize(data, at - data);
    PyObject *shape = Py_NewRef(self->shape), *make = Py_NewRef(self->make), *given[] = {NULL, shape, (PyObject *)spans};
    *headers = NULL;
    if (spans->head != NULL) *headers = PyObject_Vectorcall(make, given + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    int failed = spans->head == NULL || *headers == NULL;
    Py_DECREF(shape);
    Py_DECREF(make);
    Py_DECREF(spans);
    *length = told;
    return failed ? -1 : at - data;
}

static PyObject *answer_head_match(AnswerHead *self, PyObject *data) {
    PyObject *headers = NULL;
    Py_ssize_t length = 0;
    if (!PyBytes_Check(data)) return PyErr_Format(PyExc_TypeError, "match(data: bytes)");
    Py_ssize_t begin = answer_match((PyObject *)self, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), &headers, &length);
    if (begin < 0) return NULL;
    if (begin == 0) Py_RETURN_NONE;
    return Py_BuildValue("(Nnn)", headers, begin, length);
}

static int answer_head_traverse(AnswerHead *self, visitproc visit, void *arg) {
    Py_VISIT(self->shape);
    Py_VISIT(self->make);
    Py_VISIT(self->lines);
    return 0;
}

static int answer_head_clear(AnswerHead *self) {
    Py_CLEAR(self->shape);
    Py_CLEAR(self->make);
    Py_CLEAR(self->lines);
    return 0;
}

static void answer_head_dealloc(AnswerHead *self) {
    PyObject_GC_UnTrack(self);
    answer_head_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"match", (PyCFunction)answer_head_match, METH_O, "data -> (headers, where the body begins, its length) or None"},
    {NULL, NULL, 0, NULL},
};

PyTypeObject AnswerHead_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.AnswerHead",
    .tp_basicsize = sizeof(AnswerHead),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)answer_head_init,
    .tp_dealloc = (destructor)answer_head_dealloc,
    .tp_traverse = (traverseproc)answer_head_traverse,
    .tp_clear = (inquiry)answer_head_clear,
    .tp_methods = methods,
};
