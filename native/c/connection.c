/* The hot half of a connection to a provider. Twin of llmgate_core.wire.quick_connection.QuickConnection. */
#include "put.h"
#include "slots.h"

#define HIGH_WATER (64 * 1024)

typedef struct {
    PyObject_HEAD
    PyObject *create_future, *outbox, *shapes, *transport, *waiter, *body, *failed, *headers, *status;
    PyObject *complete, *keep, *got_bytes, *lost; /* True or False: Python reads these more often than C does */
    PyObject *nothing;                            /* headers before any have come */
    Py_ssize_t left, waiting_size, head_size;
    PyObject *reused;
    double due, born, idle_since;
    char paused;
} Connection;

static Slot at_quick; /* where a Shapes has it */

static int connection_init(Connection *self, PyObject *args, PyObject *kwargs) {
    PyObject *loop, *shapes, *outbox, *nothing;
    if (!PyArg_ParseTuple(args, "OOOO", &loop, &shapes, &outbox, &nothing)) return -1;
    PyObject *create_future = PyObject_GetAttr(loop, names.create_future);
    PyObject *body = PyList_New(0), *status = PyLong_FromLong(0);
    if (create_future == NULL || body == NULL || status == NULL) {
        Py_XDECREF(create_future);
        Py_XDECREF(body);
        Py_XDECREF(status);
        return -1;
    }
    replace(&self->create_future, create_future);
    replace(&self->body, body);
    replace(&self->status, status);
    set_to(&self->shapes, shapes);
    set_to(&self->outbox, outbox);
    set_to(&self->nothing, nothing);
    set_to(&self->headers, nothing);
    set_to(&self->transport, Py_None);
    set_to(&self->waiter, Py_None);
    set_to(&self->failed, Py_None);
    PyObject **flags[] = {&self->complete, &self->keep, &self->got_bytes, &self->lost, &self->reused};
    for (int at = 0; at < 5; at++) set_to(flags[at], Py_False);
    return 0;
}

int connection_is_good(PyObject *connection, double now, double most_idle, double most_age) {
    Connection *self = (Connection *)connection;
    return !truth(self->lost) && now - self->idle_since <= most_idle && now - self->born <= most_age;
}

int connection_keeps(PyObject *connection, double now) {
    Connection *self = (Connection *)connection;
    if (!truth(self->complete) || !truth(self->keep) || truth(self->lost)) return 0;
    if (self->body == NULL || PyList_GET_SIZE(self->body)) return 0;
    set_to(&self->reused, Py_True);
    self->idle_since = now;
    return 1;
}

static int method(Connection *self, PyObject *name) { return done(call_no_args((PyObject *)self, name)); }

/* Whether a waiter still waits; -1 with an exception set. */
static int still_waits(PyObject *waiter) {
    if (LIKELY(Py_IS_TYPE(waiter, &Wait_Type))) return !wait_is_done(waiter);
    PyObject *is_done = call_no_args(waiter, names.done);
    int over = is_done == NULL ? -1 : PyObject_IsTrue(is_done);
    Py_XDECREF(is_done);
    return over < 0 ? -1 : !over;
}

/* Something has come, for whoever waits. */
static int tell(Connection *self) {
    PyObject *waiter = self->waiter;
    if (waiter == NULL || waiter == Py_None) return 0;
    self->waiter = Py_NewRef(Py_None);
    int failed = still_waits(waiter);
    if (failed > 0) {
        failed = LIKELY(Py_IS_TYPE(waiter, &Wait_Type)) ? wait_tell(waiter, NULL)
                                                        : done(call_one_arg(waiter, names.set_result, Py_None));
    }
    Py_DECREF(waiter);
    return failed;
}

/* Bytes of the body, for whoever waits. */
static int append(Connection *self, const char *data, Py_ssize_t size) {
    PyObject *piece = PyBytes_FromStringAndSize(data, size);
    int failed = piece == NULL || PyList_Append(self->body, piece) < 0;
    Py_XDECREF(piece);
    return failed ? -1 : 0;
}

/* 1 when an answer begins that is known by its head, 0 when llhttp must look, -1 with an exception set. */
static int is_known(Connection *self, const char *data, Py_ssize_t size) {
    if (truth(self->got_bytes)) return 0;
    PyObject *quick = slot_get(&at_quick, self->shapes, names.quick), *headers = NULL;
    if (quick == NULL) return -1;
    Py_ssize_t length = 0, begin = answer_match(quick, data, size, &headers, &length);
    Py_DECREF(quick);
    if (begin <= 0) return (int)begin;
    Py_ssize_t left = length + begin - size;
    PyObject *status = left < 0 ? NULL : PyLong_FromLong(200);
    if (status == NULL) {
        Py_DECREF(headers);
        return left < 0 ? 0 : -1;
    }
    set_to(&self->got_bytes, Py_True);
    replace(&self->status, status);
    replace(&self->headers, headers);
    if (begin < size && append(self, data + begin, size - begin) < 0) return -1;
    self->left = left;
    set_to(&self->complete, left ? Py_False : Py_True);
    set_to(&self->keep, left ? Py_False : Py_True);
    return 1;
}

/* More of a body whose length is known. What comes beyond it ends the connection. */
static int take_more(Connection *self, PyObject *data) {
    Py_ssize_t size = PyBytes_GET_SIZE(data), left = self->left - size;
    self->left = left < 0 ? 0 : left;
    if (left < 0 ? append(self, PyBytes_AS_STRING(data), size + left) < 0 : PyList_Append(self->body, data) < 0) return -1;
    set_to(&self->complete, left <= 0 ? Py_True : Py_False);
    set_to(&self->keep, left == 0 ? Py_True : Py_False);
    return 1;
}

static int receive(Connection *self, PyObject *data) {
    Py_ssize_t size = PyBytes_GET_SIZE(data);
    int known = self->left ? take_more(self, data) : is_known(self, PyBytes_AS_STRING(data), size);
    if (known < 0) return -1;
    if (!known && done(PyObject_CallMethodOneArg((PyObject *)self, names._parse, data)) < 0) return -1;
    self->waiting_size += size;
    if (UNLIKELY(self->waiting_size > HIGH_WATER) && !self->paused && !truth(self->complete)) {
        self->paused = 1;
        if (done(call_no_args(self->transport, names.pause_reading)) < 0) return -1;
    }
    return tell(self);
}

static PyObject *data_received(Connection *self, PyObject *data) {
    if (UNLIKELY(self->body == NULL)) return missing();
    if (truth(self->complete)) { /* bytes nobody asked for: this connection serves no one any more */
        if (method(self, names.abort) < 0) return NULL;
        Py_RETURN_NONE;
    }
    PyObject *bytes = as_bytes(data);
    if (bytes == NULL) return NULL;
    int failed = receive(self, bytes);
    Py_DECREF(bytes);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *new_waiter(Connection *self, double due) {
    PyObject *waiter, *create_future = self->create_future;
    if (create_future == NULL) return missing();
    Py_INCREF(create_future);
    waiter = drive_is_stepping() ? wait_new() : PyObject_CallNoArgs(create_future);
    Py_DECREF(create_future);
    if (waiter == NULL) return NULL;
    self->due = due;
    set_to(&self->waiter, waiter);
    return waiter;
}

/* A request's head up to its length, the length, and for a small one the body, in one piece. */
static PyObject *laid_out(PyObject *text, PyObject *body, int with_body) {
    char digits[24];
    Out out = {digits, digits + sizeof digits};
    Py_ssize_t size = PyBytes_GET_SIZE(body), before = PyBytes_GET_SIZE(text);
    if (!put_whole(&out, (uint64_t)size) || !put_bytes(&out, "\r\n\r\n", 4)) return PyErr_NoMemory();
    const Py_ssize_t count = out.at - digits;
    PyObject *whole = PyBytes_FromStringAndSize(NULL, before + count + (with_body ? size : 0));
    if (whole == NULL) return NULL;
    char *at = PyBytes_AS_STRING(whole);
    memcpy(at, PyBytes_AS_STRING(text), (size_t)before);
    memcpy(at + before, digits, (size_t)count);
    if (with_body) memcpy(at + before + count, PyBytes_AS_STRING(body), (size_t)size);
    return whole;
}

PyObject *connection_ask(PyObject *connection, PyObject *text, PyObject *given, double due) {
    Connection *self = (Connection *)connection;
    if (UNLIKELY(self->body == NULL)) return missing();
    PyObject *status = PyLong_FromLong(0);
    if (status == NULL) return NULL;
    replace(&self->status, status);
    set_to(&self->complete, Py_False);
    set_to(&self->keep, Py_False);
    set_to(&self->got_bytes, Py_False);
    self->head_size = self->left = 0;
    PyObject *body = as_bytes(given);
    if (body == NULL) return NULL;
    int small = PyBytes_GET_SIZE(body) < HIGH_WATER, failed = 1;
    PyObject *first = laid_out(text, body, small);
    if (first == NULL) {
        /* no memory */
    } else if (small) {
        failed = outbox_write(self->outbox, self->transport, first) < 0;
    } else {
        PyObject *pieces = PyTuple_Pack(2, first, body);
        if (pieces != NULL) failed = done(call_one_arg(self->transport, names.writelines, pieces)) < 0;
        Py_XDECREF(pieces);
    }
    Py_XDECREF(first);
    Py_DECREF(body);
    return failed ? NULL : new_waiter(self, due);
}

static PyObject *ask(Connection *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 3 || !PyBytes_Check(args[0])) return PyErr_Format(PyExc_TypeError, "ask(text: bytes, body: bytes, due: float)");
    double due = PyFloat_AsDouble(args[2]);
    if (due == -1.0 && PyErr_Occurred()) return NULL;
    return connection_ask((PyObject *)self, args[0], args[1], due);
}

int connection_head(PyObject *connection, PyObject **status, PyObject **headers) {
    Connection *self = (Connection *)connection;
    if (self->failed != Py_None || self->status == NULL || self->headers == NULL) return 0;
    *status = self->status;
    *headers = self->headers;
    return PyObject_IsTrue(self->status) > 0;
}

static PyObject *wait_(Connection *self, PyObject *due) {
    double until = PyFloat_AsDouble(due);
    if (until == -1.0 && PyErr_Occurred()) return NULL;
    return new_waiter(self, until);
}

static PyObject *overdue(Connection *self, PyObject *now) {
    if (self->waiter == Py_None || self->waiter == NULL) Py_RETURN_NONE;
    double when = PyFloat_AsDouble(now);
    if (when == -1.0 && PyErr_Occurred()) return NULL;
    if (when < self->due) Py_RETURN_NONE;
    PyObject *waiter = Py_NewRef(self->waiter);
    int failed = still_waits(waiter);
    if (failed > 0) {
        PyObject *error = PyObject_CallNoArgs(PyExc_TimeoutError);
        set_to(&self->waiter, Py_None);
        failed = error == NULL ? -1 : done(call_one_arg(waiter, names.set_exception, error));
        Py_XDECREF(error);
    }
    Py_DECREF(waiter);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *take(Connection *self, PyObject *unused) {
    PyObject *data;
    if (self->body == NULL) return missing();
    if (PyList_GET_SIZE(self->body) == 1) {
        data = Py_NewRef(PyList_GET_ITEM(self->body, 0));
    } else {
        PyObject *empty = PyBytes_FromStringAndSize(NULL, 0);
        data = empty == NULL ? NULL : PyObject_CallMethodOneArg(empty, names.join, self->body);
        Py_XDECREF(empty);
    }
    if (data == NULL) return NULL;
    if (PyList_SetSlice(self->body, 0, PyList_GET_SIZE(self->body), NULL) < 0) goto failed;
    self->waiting_size = 0;
    if (UNLIKELY(self->paused)) {
        self->paused = 0;
        if (!truth(self->lost) && done(call_no_args(self->transport, names.resume_reading)) < 0) goto failed;
    }
    return data;
failed:
    Py_DECREF(data);
    return NULL;
}

static PyObject *take_whole(Connection *self, PyObject *limit) {
    Py_ssize_t most = PyNumber_AsSsize_t(limit, NULL), size = 0;
    if (most == -1 && PyErr_Occurred()) return NULL;
    if (self->body == NULL) return missing();
    if (!truth(self->complete) || self->failed != Py_None || PyList_GET_SIZE(self->body) == 0) Py_RETURN_NONE;
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(self->body); at++) {
        PyObject *piece = Py_NewRef(PyList_GET_ITEM(self->body, at));
        Py_ssize_t count = PyObject_Size(piece);
        Py_DECREF(piece);
        if (count < 0) return NULL;
        size += count;
    }
    if (size > most) Py_RETURN_NONE;
    return take(self, NULL);
}

static int connection_traverse(Connection *self, visitproc visit, void *arg) {
    Py_VISIT(self->create_future);
    Py_VISIT(self->outbox);
    Py_VISIT(self->shapes);
    Py_VISIT(self->transport);
    Py_VISIT(self->waiter);
    Py_VISIT(self->body);
    Py_VISIT(self->failed);
    Py_VISIT(self->headers);
    Py_VISIT(self->nothing);
    Py_VISIT(self->status);
    Py_VISIT(self->complete);
    Py_VISIT(self->keep);
    Py_VISIT(self->got_bytes);
    Py_VISIT(self->lost);
    Py_VISIT(self->reused);
    return 0;
}

static int connection_clear(Connection *self) {
    Py_CLEAR(self->create_future);
    Py_CLEAR(self->outbox);
    Py_CLEAR(self->shapes);
    Py_CLEAR(self->transport);
    Py_CLEAR(self->waiter);
    Py_CLEAR(self->failed);
    Py_CLEAR(self->headers);
    Py_CLEAR(self->nothing);
    Py_CLEAR(self->body);
    Py_CLEAR(self->status);
    Py_CLEAR(self->complete);
    Py_CLEAR(self->keep);
    Py_CLEAR(self->got_bytes);
    Py_CLEAR(self->lost);
    Py_CLEAR(self->reused);
    return 0;
}

static void connection_dealloc(Connection *self) {
    PyObject_GC_UnTrack(self);
    connection_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"data_received", (PyCFunction)data_received, METH_O, NULL},
    {"ask", (PyCFunction)(void (*)(void))ask, METH_FASTCALL, NULL},
    {"wait", (PyCFunction)wait_, METH_O, NULL},
    {"overdue", (PyCFunction)overdue, METH_O, NULL},
    {"take", (PyCFunction)take, METH_NOARGS, NULL},
    {"take_whole", (PyCFunction)take_whole, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    OBJECT_MEMBER(Connection, shapes, "_shapes"),
    OBJECT_MEMBER(Connection, transport, "transport"),
    OBJECT_MEMBER(Connection, waiter, "_waiter"),
    {"body", T_OBJECT_EX, offsetof(Connection, body), READONLY, NULL},
    OBJECT_MEMBER(Connection, failed, "failed"),
    OBJECT_MEMBER(Connection, headers, "headers"),
    OBJECT_MEMBER(Connection, status, "status"),
    OBJECT_MEMBER(Connection, complete, "complete"),
    OBJECT_MEMBER(Connection, keep, "keep"),
    OBJECT_MEMBER(Connection, got_bytes, "got_bytes"),
    OBJECT_MEMBER(Connection, lost, "lost"),
    OBJECT_MEMBER(Connection, reused, "reused"),
    {"born", T_DOUBLE, offsetof(Connection, born), 0, NULL},
    {"idle_since", T_DOUBLE, offsetof(Connection, idle_since), 0, NULL},
    {"_head_size", T_PYSSIZET, offsetof(Connection, head_size), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject QuickConnection_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.QuickConnection",
    .tp_basicsize = sizeof(Connection),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)connection_init,
    .tp_dealloc = (destructor)connection_dealloc,
    .tp_traverse = (traverseproc)connection_traverse,
    .tp_clear = (inquiry)connection_clear,
    .tp_methods = methods,
    .tp_members = members,
};
