/* What a request waits on when it is stepped by a Drive: it goes on from within the call that tells it, not a turn later.
   To whoever tells it, it looks like a future. */
#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *drive, *error; /* drive: who waits, NULL when nobody does (yet, or any more) */
    char done;
} Wait;

PyObject *wait_new(void) {
    Wait *self = PyObject_GC_New(Wait, &Wait_Type);
    if (self == NULL) return NULL;
    self->drive = self->error = NULL;
    self->done = 0;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

int wait_is_done(PyObject *wait) { return ((Wait *)wait)->done; }

int wait_attach(PyObject *wait, PyObject *drive) {
    Wait *self = (Wait *)wait;
    if (UNLIKELY(self->drive != NULL && self->drive != drive)) { /* one of them would wait for ever */
        PyErr_SetString(PyExc_RuntimeError, "another request waits for this already");
        return -1;
    }
    set_to(&self->drive, drive);
    return 0;
}

void wait_cancel(PyObject *wait) {
    ((Wait *)wait)->done = 1;
    replace(&((Wait *)wait)->drive, NULL);
}

int wait_tell(PyObject *wait, PyObject *error) {
    Wait *self = (Wait *)wait;
    if (self->done) return 0;
    self->done = 1;
    Py_XINCREF(error);
    replace(&self->error, error);
    PyObject *drive = self->drive;
    self->drive = NULL;
    if (drive == NULL) return 0;
    int failed = drive_go_on(drive, wait);
    Py_DECREF(drive);
    return failed;
}

/* The coroutine's side: first it yields itself, unless it is done, then it is over or raises. */
static PyObject *next(Wait *self) {
    if (!self->done) return Py_NewRef((PyObject *)self);
    if (self->error != NULL) PyErr_SetObject((PyObject *)Py_TYPE(self->error), self->error);
    return NULL;
}

static PyObject *is_done(Wait *self, PyObject *unused) { return PyBool_FromLong(self->done); }

static PyObject *set_result(Wait *self, PyObject *unused) {
    Py_INCREF(self);
    int failed = wait_tell((PyObject *)self, NULL);
    Py_DECREF(self);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *set_exception(Wait *self, PyObject *error) {
    if (!PyExceptionInstance_Check(error)) return PyErr_Format(PyExc_TypeError, "set_exception(error: BaseException)");
    Py_INCREF(self);
    int failed = wait_tell((PyObject *)self, error);
    Py_DECREF(self);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static int wait_traverse(Wait *self, visitproc visit, void *arg) {
    Py_VISIT(self->drive);
    Py_VISIT(self->error);
    return 0;
}

static int wait_clear(Wait *self) {
    Py_CLEAR(self->drive);
    Py_CLEAR(self->error);
    return 0;
}

static void wait_dealloc(Wait *self) {
    PyObject_GC_UnTrack(self);
    wait_clear(self);
    PyObject_GC_Del(self);
}

static PyMethodDef methods[] = {
    {"done", (PyCFunction)is_done, METH_NOARGS, NULL},
    {"set_result", (PyCFunction)set_result, METH_O, NULL},
    {"set_exception", (PyCFunction)set_exception, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyAsyncMethods awaitable = {.am_await = PyObject_SelfIter};

PyTypeObject Wait_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.Wait",
    .tp_basicsize = sizeof(Wait),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)wait_dealloc,
    .tp_traverse = (traverseproc)wait_traverse,
    .tp_clear = (inquiry)wait_clear,
    .tp_as_async = &awaitable,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)next,
    .tp_methods = methods,
};
