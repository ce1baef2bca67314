/* What is written in one turn of the event loop goes out together. Twin of llmgate_core.wire.outbox.Outbox. */
#include "native.h"

#define SMALL (16 * 1024)
#define SILENCE 0.0003 /* seconds */

typedef struct {
    PyObject *transport, *data;
} Letter;

typedef struct {
    PyObject_HEAD
    PyObject *loop, *give_up;
    Letter *waiting;
    Py_ssize_t count, room;
    double turn_ended;
    char in_turn;
} Outbox;

static int outbox_init(Outbox *self, PyObject *args, PyObject *kwargs) {
    PyObject *loop, *give_up;
    if (!PyArg_ParseTuple(args, "OO", &loop, &give_up)) return -1;
    set_to(&self->loop, loop);
    set_to(&self->give_up, give_up);
    return 0;
}

/* Give a transport its bytes. What goes wrong with one is told to ``give_up(transport, error)``; -1 with an exception set for what
   is no Exception, but ends the loop. */
static int deliver(Outbox *self, PyObject *transport, PyObject *data) {
    PyObject *closing = call_no_args(transport, names.is_closing), *result = NULL;
    if (closing != NULL) {
        int closed = PyObject_IsTrue(closing);
        Py_DECREF(closing);
        if (closed > 0) return 0;
        if (closed == 0) result = PyObject_CallMethodOneArg(transport, names.write, data);
    }
    if (LIKELY(result != NULL)) {
        Py_DECREF(result);
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_Exception)) return -1;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace != NULL && value != NULL) PyException_SetTraceback(value, trace);
    PyObject *give_up = Py_XNewRef(self->give_up);
    result = give_up == NULL ? missing() : PyObject_CallFunctionObjArgs(give_up, transport, value ? value : Py_None, NULL);
    Py_XDECREF(give_up);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return done(result);
}

static int flush_all(Outbox *self) {
    /* whoever is written to may write again: what comes then belongs to the next turn */
    Letter *letters = self->waiting;
    Py_ssize_t count = self->count;
    int failed = 0;
    self->waiting = NULL;
    self->count = self->room = 0;
    for (Py_ssize_t at = 0; at < count; at++) { /* after what ends the loop, nothing more is sent */
        if (LIKELY(!failed)) failed = deliver(self, letters[at].transport, letters[at].data);
        Py_DECREF(letters[at].transport);
        Py_DECREF(letters[at].data);
    }
    if (self->waiting == NULL) { /* keep the room for the next turn */
        self->waiting = letters;
        self->room = letters == NULL ? 0 : count > 32 ? count : 32;
    } else {
        PyMem_Free(letters);
    }
    return failed;
}

static PyObject *outbox_flush(Outbox *self, PyObject *unused) {
    if (flush_all(self) < 0) return NULL;
    Py_RETURN_NONE;
}

double monotonic(void) {
    PyObject *now = PyObject_CallNoArgs(names.monotonic);
    if (now == NULL) return -1;
    double seconds = PyFloat_AsDouble(now);
    Py_DECREF(now);
    return seconds;
}

static int end_turn_soon(Outbox *self) {
    PyObject *end_turn = PyObject_GetAttr((PyObject *)self, names._end_turn);
    if (end_turn == NULL) return -1;
    PyObject *handle = call_one_arg(self->loop, names.call_soon, end_turn);
    Py_DECREF(end_turn);
    return done(handle);
}

static PyObject *end_turn(Outbox *self, PyObject *unused) {
    PyObject *type = NULL, *value = NULL, *trace = NULL;
    int failed = flush_all(self);
    if (UNLIKELY(failed)) PyErr_Fetch(&type, &value, &trace);
    self->in_turn = self->count != 0; /* something was written by who was written to */
    if (UNLIKELY(self->in_turn)) {
        if (end_turn_soon(self) < 0) { /* as in Python, what is raised last is what is raised */
            failed = -1;
            Py_CLEAR(type);
            Py_CLEAR(value);
            Py_CLEAR(trace);
        }
    } else {
        double now = monotonic();
        if (now < 0) failed = -1;
        else self->turn_ended = now;
    }
    if (UNLIKELY(type != NULL)) PyErr_Restore(type, value, trace);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static int add(Outbox *self, PyObject *transport, PyObject *data) {
    Py_ssize_t size = LIKELY(PyBytes_CheckExact(data)) ? PyBytes_GET_SIZE(data) : PyObject_Size(data);
    if (size < 0) return -1;
    if (size > SMALL) {
        if (flush_all(self) < 0) return -1;
        return done(PyObject_CallMethodOneArg(transport, names.write, data));
    }
    if (!self->in_turn) {
        if (end_turn_soon(self) < 0) return -1;
        self->in_turn = 1;
        double now = monotonic();
        if (now < 0) return -1;
        if (now - self->turn_ended > SILENCE) return deliver(self, transport, data);
    }
    if (self->count >= self->room || self->waiting == NULL) {
        Py_ssize_t room = self->count < 32 ? 32 : self->count * 2;
        Letter *letters = PyMem_Realloc(self->waiting, (size_t)room * sizeof(Letter));
        if (letters == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->waiting = letters;
        self->room = room;
    }
    Py_INCREF(transport);
    Py_INCREF(data);
    self->waiting[self->count].transport = transport;
    self->waiting[self->count++].data = data;
    return 0;
}

int outbox_write(PyObject *outbox, PyObject *transport, PyObject *data) {
    if (UNLIKELY(outbox == NULL || transport == NULL)) return done(missing());
    Py_INCREF(outbox);
    Py_INCREF(transport);
    int failed = LIKELY(Py_IS_TYPE(outbox, &Outbox_Type))
                     ? add((Outbox *)outbox, transport, data)
                     : done(PyObject_CallMethodObjArgs(outbox, names.write, transport, data, NULL));
    Py_DECREF(outbox);
    Py_DECREF(transport);
    return failed;
}

static PyObject *outbox_write_method(Outbox *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) return PyErr_Format(PyExc_TypeError, "write(transport, data: bytes)");
    if (add(self, args[0], args[1]) < 0) return NULL;
    Py_RETURN_NONE;
}

static int outbox_traverse(Outbox *self, visitproc visit, void *arg) {
    Py_VISIT(self->loop);
    Py_VISIT(self->give_up);
    for (Py_ssize_t at = 0; at < self->count; at++) {
        Py_VISIT(self->waiting[at].transport);
        Py_VISIT(self->waiting[at].data);
    }
    return 0;
}

static int outbox_clear(Outbox *self) {
    Letter *letters = self->waiting;
    Py_ssize_t count = self->count;
    self->waiting = NULL;
    self->count = self->room = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        Py_DECREF(letters[at].transport);
        Py_DECREF(letters[at].data);
    }
    PyMem_Free(letters);
    Py_CLEAR(self->loop);
    Py_CLEAR(self->give_up);
    return 0;
}

static void outbox_dealloc(Outbox *self) {
    PyObject_GC_UnTrack(self);
    outbox_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"write", (PyCFunction)(void (*)(void))outbox_write_method, METH_FASTCALL, NULL},
    {"flush", (PyCFunction)outbox_flush, METH_NOARGS, NULL},
    {"_end_turn", (PyCFunction)end_turn, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Outbox_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.Outbox",
    .tp_basicsize = sizeof(Outbox),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)outbox_init,
    .tp_dealloc = (destructor)outbox_dealloc,
    .tp_traverse = (traverseproc)outbox_traverse,
    .tp_clear = (inquiry)outbox_clear,
    .tp_methods = methods,
};
