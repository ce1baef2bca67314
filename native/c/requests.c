/* The hot half of a client's connection. Twin of llmgate_core.wire.quick_requests.QuickRequests. */
#include "native.h"

#include <string.h>

#define LONGEST_LENGTH 8

typedef struct {
    PyObject_HEAD
    PyObject *lane, *create_task, *context, *time, *buffer, *known, *pending, *task, *closing;
    double since;
} Requests;

static int requests_init(Requests *self, PyObject *args, PyObject *kwargs) {
    PyObject *lane, *loop;
    if (!PyArg_ParseTuple(args, "O", &lane)) return -1;
    if ((loop = PyObject_GetAttr(lane, names.loop)) == NULL) return -1;
    replace(&self->create_task, PyObject_GetAttr(loop, names.create_task));
    replace(&self->time, PyObject_GetAttr(loop, names.time));
    replace(&self->context, PyObject_GetAttr(lane, names.context));
    replace(&self->buffer, PyBytes_FromStringAndSize(NULL, 0));
    Py_DECREF(loop);
    if (self->create_task == NULL || self->time == NULL || self->buffer == NULL || self->context == NULL) return -1;
    set_to(&self->lane, lane);
    set_to(&self->known, Py_None);
    set_to(&self->pending, Py_None);
    set_to(&self->task, Py_None);
    set_to(&self->closing, Py_False);
    return 0;
}

/* Whether ``object.name`` is true; -1 with an exception set. */
static int flag(PyObject *object, PyObject *name) {
    PyObject *value = PyObject_GetAttr(object, name);
    int is_true = value == NULL ? -1 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    return is_true;
}

/* A request is whole: serve it, ``now`` if nothing waits behind it that would be served from within. In a task where something
   may wait that wants one. */
static int start(Requests *self, PyObject *known, PyObject *body, int now) {
    int closes = flag(known, names.close);
    if (closes == 0) closes = flag(self->lane, names.draining);
    if (closes < 0) return -1;
    if (closes) set_to(&self->closing, Py_True);
    PyObject *serving = PyObject_CallMethodObjArgs((PyObject *)self, names._serve, known, body, NULL);
    if (serving == NULL) return -1;
    int may_wait = flag(known, names.may_wait);
    /* not the context of whoever calls: with pipelined requests that is the request before */
    PyObject *context = may_wait < 0 ? NULL : PyContext_Copy(self->context), *given[] = {serving, context};
    PyObject *task = context == NULL ? NULL
                     : may_wait      ? PyObject_Vectorcall(self->create_task, given, 1, names.with_context)
                                     : drive_new(serving, context);
    Py_XDECREF(context);
    Py_DECREF(serving);
    if (task == NULL) return -1;
    set_to(&self->task, task);
    int failed = may_wait ? 0 : drive_start(task, now);
    Py_DECREF(task);
    return failed;
}

/* Where the body begins, and in ``length`` how long it is said to be; 0 if the bytes do not begin with the known head. */
static Py_ssize_t match(PyObject *before, PyObject *after, PyObject *data, Py_ssize_t *length) {
    if (!PyBytes_Check(before) || !PyBytes_Check(after)) return 0;
    const char *text = PyBytes_AS_STRING(data);
    Py_ssize_t size = PyBytes_GET_SIZE(data), at = PyBytes_GET_SIZE(before), rest = PyBytes_GET_SIZE(after), told = 0;
    if (size < at + rest + 1 || memcmp(text, PyBytes_AS_STRING(before), (size_t)at) != 0) return 0;
    Py_ssize_t first = at;
    for (; at < size && text[at] >= '0' && text[at] <= '9'; at++) {
        if (at - first >= LONGEST_LENGTH) return 0;
        told = told * 10 + (text[at] - '0');
    }
    if (at == first || size - at < rest || memcmp(text + at, PyBytes_AS_STRING(after), (size_t)rest) != 0) return 0;
    *length = told;
    return at + rest;
}

/* 1 when ``data`` was a request with the known head, 0 when it has to be looked at, -1 with an exception set. */
static int is_known(Requests *self, PyObject *known, PyObject *data) {
    PyObject *serving = PyObject_GetAttr(known, names.serving), *now = PyObject_GetAttr(self->lane, names.serving);
    int same = serving != NULL && serving == now;
    Py_XDECREF(serving);
    Py_XDECREF(now);
    if (!same) return PyErr_Occurred() ? -1 : 0;
    PyObject *before = PyObject_GetAttr(known, names.before), *after = PyObject_GetAttr(known, names.after);
    PyObject *most = PyObject_GetAttr(known, names.longest), *body, *result;
    Py_ssize_t length = 0, begin = 0, longest = most == NULL ? -1 : PyLong_AsSsize_t(most);
    if (before != NULL && after != NULL) begin = match(before, after, data, &length);
    Py_XDECREF(before);
    Py_XDECREF(after);
    Py_XDECREF(most);
    if (PyErr_Occurred()) return -1;
    if (begin == 0 || length > longest) return 0;
    if (LIKELY(begin + length == PyBytes_GET_SIZE(data))) {
        if ((body = PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + begin, length)) == NULL) return -1;
        int failed = start(self, known, body, 1);
        Py_DECREF(body);
        return failed ? -1 : 1;
    }
    PyObject *size = PyLong_FromSsize_t(length), *at = PyLong_FromSsize_t(begin);
    result = size == NULL || at == NULL
                 ? NULL
                 : PyObject_CallMethodObjArgs((PyObject *)self, names._begin, known, size, data, at, NULL);
    Py_XDECREF(size);
    Py_XDECREF(at);
    return done(result) < 0 ? -1 : 1;
}

static PyObject *data_received(Requests *self, PyObject *data) {
    if (!PyBytes_CheckExact(data)) return PyErr_Format(PyExc_TypeError, "data_received(data: bytes)");
    if (self->pending != Py_None) return PyObject_CallMethodOneArg((PyObject *)self, names._take, data);
    if (PyBytes_Check(self->buffer) && PyBytes_GET_SIZE(self->buffer) == 0) {
        PyObject *now = PyObject_CallNoArgs(self->time);
        if (now == NULL) return NULL;
        self->since = PyFloat_AsDouble(now);
        Py_DECREF(now);
        if (self->task == Py_None && self->known != Py_None) {
            PyObject *known = Py_NewRef(self->known);
            int is = is_known(self, known, data);
            Py_DECREF(known);
            if (is < 0) return NULL;
            if (is) Py_RETURN_NONE;
        }
    }
    return PyObject_CallMethodOneArg((PyObject *)self, names._patiently, data);
}

static PyObject *start_method(Requests *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) return PyErr_Format(PyExc_TypeError, "_start(known, body)");
    if (start(self, args[0], args[1], 0) < 0) return NULL;
    Py_RETURN_NONE;
}

static int requests_traverse(Requests *self, visitproc visit, void *arg) {
    Py_VISIT(self->lane);
    Py_VISIT(self->create_task);
    Py_VISIT(self->context);
    Py_VISIT(self->time);
    Py_VISIT(self->known);
    Py_VISIT(self->pending);
    Py_VISIT(self->task);
    return 0;
}

static int requests_clear(Requests *self) {
    Py_CLEAR(self->lane);
    Py_CLEAR(self->create_task);
    Py_CLEAR(self->context);
    Py_CLEAR(self->time);
    Py_CLEAR(self->known);
    Py_CLEAR(self->pending);
    Py_CLEAR(self->task);
    return 0;
}

static void requests_dealloc(Requests *self) {
    PyObject_GC_UnTrack(self);
    requests_clear(self);
    Py_CLEAR(self->buffer);
    Py_CLEAR(self->closing);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"data_received", (PyCFunction)data_received, METH_O, NULL},
    {"_start", (PyCFunction)(void (*)(void))start_method, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    OBJECT_MEMBER(Requests, lane, "_lane"),
    OBJECT_MEMBER(Requests, buffer, "_buffer"),
    OBJECT_MEMBER(Requests, known, "_known"),
    OBJECT_MEMBER(Requests, pending, "_pending"),
    OBJECT_MEMBER(Requests, task, "_task"),
    OBJECT_MEMBER(Requests, closing, "closing"),
    {"since", T_DOUBLE, offsetof(Requests, since), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject QuickRequests_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.QuickRequests",
    .tp_basicsize = sizeof(Requests),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)requests_init,
    .tp_dealloc = (destructor)requests_dealloc,
    .tp_traverse = (traverseproc)requests_traverse,
    .tp_clear = (inquiry)requests_clear,
    .tp_methods = methods,
    .tp_members = members,
};
