/* The hot half of a client's connection. Twin of llmgate_core.wire.quick_requests.QuickRequests. */
#include "slots.h"

#include <string.h>

#define LONGEST_LENGTH 8

typedef struct {
    PyObject_HEAD
    PyObject *lane, *loop, *context, *create_task, *time, *buffer, *known, *pending, *task, *closing, *since;
} Requests;

static int requests_init(Requests *self, PyObject *args, PyObject *kwargs) {
    PyObject *lane, *loop;
    if (!PyArg_ParseTuple(args, "O", &lane)) return -1;
    if ((loop = PyObject_GetAttr(lane, names.loop)) == NULL) return -1;
    replace(&self->loop, loop);
    PyObject *create_task = get_attr(loop, names.create_task);
    if (create_task == NULL) return -1;
    replace(&self->create_task, create_task);
    PyObject *time = get_attr(loop, names.time);
    if (time == NULL) return -1;
    replace(&self->time, time);
    PyObject *context = get_attr(lane, names.context);
    if (context == NULL) return -1;
    replace(&self->context, context);
    PyObject *buffer = PyBytes_FromStringAndSize(NULL, 0);
    if (buffer == NULL) return -1;
    replace(&self->buffer, buffer);
    set_to(&self->lane, lane);
    set_to(&self->known, Py_None);
    set_to(&self->pending, Py_None);
    set_to(&self->task, Py_None);
    set_to(&self->closing, Py_False);
    PyObject *since = PyFloat_FromDouble(0);
    if (since == NULL) return -1;
    replace(&self->since, since);
    return 0;
}

/* Where a Known and a Lane have what is read of each. */
static Slot at_serving, at_before, at_after, at_longest, at_close, at_may_wait, at_serving_now, at_draining;

/* Whether ``object.name`` is true; -1 with an exception set. */
static int flag(Slot *slot, PyObject *object, PyObject *name) {
    PyObject *value = slot_get(slot, object, name);
    int is_true = value == NULL ? -1 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    return is_true;
}

/* Serve a request, ``now`` or in the next turn. In a task where something may wait that wants one. */
static int serve(Requests *self, PyObject *serving, int may_wait, int now) {
    if (UNLIKELY(self->context == NULL || self->create_task == NULL || self->loop == NULL)) return done(missing());
    /* not the context of whoever calls: with pipelined requests that is the request before */
    PyObject *context = PyContext_Copy(self->context), *task;
    if (context == NULL) return -1;
    if (may_wait) {
        PyObject *create_task = Py_NewRef(self->create_task), *given[] = {NULL, serving, context};
        task = PyObject_Vectorcall(create_task, given + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, names.with_context);
        Py_DECREF(create_task);
    } else {
        task = drive_new(serving, self->loop, context);
    }
    Py_DECREF(context);
    if (task == NULL) return -1;
    int failed = may_wait || now ? 0 : drive_start(task, 0);
    if (!failed) set_to(&self->task, task); /* before it begins: at its end it is taken away */
    if (!may_wait && now) failed = drive_start(task, 1);
    Py_DECREF(task);
    return failed;
}

/* A request is whole: serve it, ``now`` if nothing waits behind it that would be served from within. */
static int start(Requests *self, PyObject *known, PyObject *body, int now) {
    int closes = flag(&at_close, known, names.close);
    if (closes == 0) closes = flag(&at_draining, self->lane, names.draining);
    if (closes < 0) return -1;
    if (closes) set_to(&self->closing, Py_True);
    int may_wait = flag(&at_may_wait, known, names.may_wait);
    if (may_wait < 0) return -1;
    PyObject *serving = PyObject_CallMethodObjArgs((PyObject *)self, names._serve, known, body, NULL);
    if (serving == NULL) return -1;
    int failed = serve(self, serving, may_wait, now);
    Py_DECREF(serving);
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
    PyObject *serving = slot_get(&at_serving, known, names.serving), *now = serving == NULL ? NULL : slot_get(&at_serving_now, self->lane, names.serving);
    int same = serving == now;
    Py_XDECREF(serving);
    Py_XDECREF(now);
    if (now == NULL) return -1;
    if (!same) return 0;
    PyObject *before = slot_get(&at_before, known, names.before), *after = before == NULL ? NULL : slot_get(&at_after, known, names.after);
    PyObject *most = after == NULL ? NULL : slot_get(&at_longest, known, names.longest), *body, *result;
    Py_ssize_t length = 0, begin = 0, longest = most == NULL ? -1 : PyLong_AsSsize_t(most);
    if (most != NULL) begin = match(before, after, data, &length);
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

/* The first bytes of a request: 1 when it was known and is served, 0 when it has to be looked at, -1 with an exception set. */
static int begins(Requests *self, PyObject *data) {
    PyObject *time = Py_NewRef(self->time), *now = PyObject_CallNoArgs(time);
    Py_DECREF(time);
    if (now == NULL) return -1;
    replace(&self->since, now);
    if (self->task != Py_None || self->known == Py_None || self->known == NULL) return 0;
    PyObject *known = Py_NewRef(self->known);
    int is = is_known(self, known, data);
    Py_DECREF(known);
    return is;
}

static PyObject *data_received(Requests *self, PyObject *data) {
    if (UNLIKELY(self->time == NULL || self->pending == NULL || self->buffer == NULL)) return missing();
    PyObject *bytes = as_bytes(data), *result = NULL;
    if (bytes == NULL) return NULL;
    if (self->pending != Py_None) {
        result = PyObject_CallMethodOneArg((PyObject *)self, names._take, bytes);
    } else {
        int is = PyBytes_Check(self->buffer) && PyBytes_GET_SIZE(self->buffer) == 0 ? begins(self, bytes) : 0;
        if (is > 0) result = Py_NewRef(Py_None);
        else if (is == 0) result = PyObject_CallMethodOneArg((PyObject *)self, names._patiently, bytes);
    }
    Py_DECREF(bytes);
    return result;
}

static PyObject *start_method(Requests *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) return PyErr_Format(PyExc_TypeError, "_start(known, body)");
    if (start(self, args[0], args[1], 0) < 0) return NULL;
    Py_RETURN_NONE;
}

static int requests_traverse(Requests *self, visitproc visit, void *arg) {
    Py_VISIT(self->lane);
    Py_VISIT(self->loop);
    Py_VISIT(self->context);
    Py_VISIT(self->create_task);
    Py_VISIT(self->time);
    Py_VISIT(self->buffer);
    Py_VISIT(self->closing);
    Py_VISIT(self->since);
    Py_VISIT(self->known);
    Py_VISIT(self->pending);
    Py_VISIT(self->task);
    return 0;
}

static int requests_clear(Requests *self) {
    Py_CLEAR(self->lane);
    Py_CLEAR(self->loop);
    Py_CLEAR(self->context);
    Py_CLEAR(self->create_task);
    Py_CLEAR(self->time);
    Py_CLEAR(self->buffer);
    Py_CLEAR(self->closing);
    Py_CLEAR(self->since);
    Py_CLEAR(self->known);
    Py_CLEAR(self->pending);
    Py_CLEAR(self->task);
    return 0;
}

static void requests_dealloc(Requests *self) {
    PyObject_GC_UnTrack(self);
    requests_clear(self);
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
    OBJECT_MEMBER(Requests, since, "since"),
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
