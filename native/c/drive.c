/* A request's coroutine, stepped without an asyncio task. Stands where llmgate_core.wire.quick_requests makes a task.

   A task costs more than most requests need of it: it is entered in a set of all tasks, with a weak reference, and begins a turn
   of the loop later. This does what a request needs that waits for nothing but futures: steps, each in the request's own context,
   and cancel(). Where a plugin may wait, whatever it waits with may want a real task, and gets one. The steps are those of
   Lib/asyncio/tasks.py, Task.__step. */
#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *coroutine, *context, *awaited; /* awaited: the future that the coroutine waits for, NULL while it runs */
    vectorcallfunc wake;                     /* called as a future's callback */
    char cancelled, ended;
} Drive;

static PER_THREAD int stepping; /* how many coroutines are being stepped, one within the other */

int drive_is_stepping(void) { return stepping; }

/* Another step in the next turn of the loop. */
static int step_soon(Drive *self) {
    PyObject *loop = PyObject_CallNoArgs(names.get_running_loop);
    PyObject *handle = loop == NULL ? NULL : PyObject_CallMethodOneArg(loop, names.call_soon, (PyObject *)self);
    Py_XDECREF(loop);
    return done(handle);
}

static PyObject *cancel(Drive *self, PyObject *unused);

/* Wait for what the coroutine awaits: a future, or, as asyncio.sleep(0) does, nothing but a turn. */
static int await_future(Drive *self, PyObject *future) {
    if (LIKELY(Py_IS_TYPE(future, &Wait_Type))) {
        wait_attach(future, (PyObject *)self);
        set_to(&self->awaited, future);
        return UNLIKELY(self->cancelled) ? done(cancel(self, NULL)) : 0;
    }
    if (future == Py_None) return step_soon(self);
    if (PyObject_SetAttr(future, names._asyncio_future_blocking, Py_False) < 0) return -1;
    PyObject *given[] = {future, (PyObject *)self, self->context}; /* future.add_done_callback(self, context=…) */
    if (done(PyObject_VectorcallMethod(names.add_done_callback, given, 2, names.with_context)) < 0) return -1;
    set_to(&self->awaited, future);
    if (UNLIKELY(self->cancelled)) {
        PyObject *taken = call_no_args(future, names.cancel);
        if (taken == Py_True) self->cancelled = 0;
        return done(taken);
    }
    return 0;
}

/* Run the coroutine until it waits or ends; ``error`` is thrown into it; ``enter`` the request's context first. What it raises but a cancellation goes to the hook for
   what nobody can catch: a request catches its own errors. */
static void step(Drive *self, PyObject *error, int enter) {
    PyObject *result = NULL;
    PySendResult how = PYGEN_ERROR;
    replace(&self->awaited, NULL);
    if (enter && PyContext_Enter(self->context) < 0) goto failed;
    stepping++;
    if (LIKELY(error == NULL)) {
        how = PyIter_Send(self->coroutine, Py_None, &result);
    } else if ((result = PyObject_CallMethodOneArg(self->coroutine, names.throw, error)) != NULL) {
        how = PYGEN_NEXT;
    } else if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_Clear();
        how = PYGEN_RETURN;
    }
    stepping--;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (enter && PyContext_Exit(self->context) < 0) PyErr_Clear();
    PyErr_Restore(type, value, trace);
    if (how == PYGEN_NEXT) {
        if (LIKELY(await_future(self, result) == 0)) {
            Py_DECREF(result);
            return;
        }
        /* what it awaits is no future: it is told so where it waits */
        PyErr_Fetch(&type, &value, &trace);
        PyErr_NormalizeException(&type, &value, &trace);
        Py_DECREF(result);
        step(self, value, enter);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(trace);
        return;
    }
    Py_XDECREF(result);
    self->ended = 1;
    if (how == PYGEN_RETURN) return;
failed:
    self->ended = 1;
    if (PyErr_ExceptionMatches(names.CancelledError)) PyErr_Clear();
    else PyErr_WriteUnraisable(self->coroutine);
}

/* A step after what was awaited is there, or has failed, or was cancelled. */
static PyObject *wake(Drive *self, PyObject *const *args, size_t count, PyObject *keywords) {
    PyObject *value = NULL, *type, *error = NULL, *trace = NULL;
    if (self->ended) Py_RETURN_NONE;
    int future = self->awaited != NULL && !Py_IS_TYPE(self->awaited, &Wait_Type);
    int enter = !future; /* a future calls from within the context that it was given */
    if (future && (value = call_no_args(self->awaited, names.result)) == NULL) {
        PyErr_Fetch(&type, &error, &trace);
        PyErr_NormalizeException(&type, &error, &trace);
        Py_XDECREF(type);
    }
    Py_XDECREF(value);
    if (UNLIKELY(self->cancelled)) {
        self->cancelled = 0;
        if (error == NULL || !PyErr_GivenExceptionMatches(error, names.CancelledError)) {
            replace(&error, PyObject_CallNoArgs(names.CancelledError));
            if (error == NULL) return NULL;
        }
    }
    Py_INCREF(self); /* the request may let go of it when it ends */
    step(self, error, enter);
    Py_DECREF(self);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    Py_RETURN_NONE;
}

static PyObject *cancel(Drive *self, PyObject *unused) {
    if (self->ended) Py_RETURN_FALSE;
    if (self->awaited != NULL && Py_IS_TYPE(self->awaited, &Wait_Type)) {
        self->cancelled = 1;
        if (!wait_is_done(self->awaited)) { /* otherwise the step that throws is on its way */
            wait_cancel(self->awaited);
            if (step_soon(self) < 0) return NULL;
        }
        Py_RETURN_TRUE;
    }
    if (self->awaited != NULL) {
        PyObject *taken = call_no_args(self->awaited, names.cancel);
        if (taken == NULL || taken == Py_True) return taken;
        Py_DECREF(taken);
    }
    self->cancelled = 1;
    Py_RETURN_TRUE;
}

PyObject *drive_new(PyObject *coroutine, PyObject *context) {
    Drive *self = PyObject_GC_New(Drive, &Drive_Type);
    if (self == NULL) return NULL;
    self->coroutine = Py_NewRef(coroutine);
    self->awaited = NULL;
    self->wake = (vectorcallfunc)wake;
    self->cancelled = self->ended = 0;
    self->context = Py_NewRef(context);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

int drive_start(PyObject *drive, int now) {
    if (!now) return step_soon((Drive *)drive);
    Py_INCREF(drive);
    step((Drive *)drive, NULL, 1);
    Py_DECREF(drive);
    return 0;
}

void drive_go_on(PyObject *drive) {
    Drive *self = (Drive *)drive;
    if (self->ended) return;
    Py_INCREF(drive);
    step(self, NULL, 1);
    Py_DECREF(drive);
}

static int drive_traverse(Drive *self, visitproc visit, void *arg) {
    Py_VISIT(self->coroutine);
    Py_VISIT(self->context);
    Py_VISIT(self->awaited);
    return 0;
}

static int drive_clear(Drive *self) {
    Py_CLEAR(self->coroutine);
    Py_CLEAR(self->context);
    Py_CLEAR(self->awaited);
    return 0;
}

static void drive_dealloc(Drive *self) {
    PyObject_GC_UnTrack(self);
    self->ended = 1;
    drive_clear(self);
    PyObject_GC_Del(self);
}

static PyMethodDef methods[] = {
    {"cancel", (PyCFunction)cancel, METH_NOARGS, "Throw CancelledError into the coroutine where it waits."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Drive_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.Drive",
    .tp_basicsize = sizeof(Drive),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Drive, wake),
    .tp_call = PyVectorcall_Call,
    .tp_dealloc = (destructor)drive_dealloc,
    .tp_traverse = (traverseproc)drive_traverse,
    .tp_clear = (inquiry)drive_clear,
    .tp_methods = methods,
};
