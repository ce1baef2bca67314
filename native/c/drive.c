/* A request's coroutine, stepped without an asyncio task. Stands where llmgate_core.wire.quick_requests makes a task.

   A task costs more than most requests need of it: it is entered in a set of all tasks, with a weak reference, and begins a turn
   of the loop later. This does what a request needs that waits for nothing but futures: steps, each in the request's own context,
   and cancel(). Where a plugin may wait, whatever it waits with may want a real task, and gets one. The steps are those of
   Lib/asyncio/tasks.py, Task.__step. */
#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *coroutine, *loop, *context;
    PyObject *awaited;       /* the future, or Wait, that the coroutine waits for */
    PyObject *error;         /* what the loop's step is to throw, NULL for nothing */
    vectorcallfunc wake;     /* called by the loop, and as a future's callback */
    char cancelled, ended, soon; /* soon: the loop is to step */
} Drive;

static PER_THREAD int stepping; /* how many coroutines are being stepped, one within the other */

int drive_is_stepping(void) { return stepping; }

/* Another step in the next turn of the loop, in the request's context. */
static int step_soon(Drive *self) {
    PyObject *given[] = {self->loop, (PyObject *)self, self->context};
    if (done(PyObject_VectorcallMethod(names.call_soon, given, 2, names.with_context)) < 0) return -1;
    self->soon = 1;
    return 0;
}

static PyObject *cancel(Drive *self, PyObject *unused);

/* 0 for a future of this loop that was yielded by its own ``await``; -1 with an exception set, as Task.__step has it. */
static int check_future(Drive *self, PyObject *future) {
    PyObject *blocking = PyObject_GetAttr(future, names._asyncio_future_blocking);
    if (blocking == NULL && !PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
    if (blocking == NULL || blocking == Py_None) {
        Py_XDECREF(blocking);
        PyErr_Format(PyExc_RuntimeError, "a request got bad yield: %R", future);
        return -1;
    }
    int is_blocking = PyObject_IsTrue(blocking);
    Py_DECREF(blocking);
    if (is_blocking == 0) PyErr_Format(PyExc_RuntimeError, "yield was used instead of yield from in a request, with %R", future);
    if (is_blocking <= 0) return -1;
    PyObject *loop = PyObject_CallMethodNoArgs(future, names.get_loop);
    if (loop == NULL) return -1;
    int same = loop == self->loop;
    Py_DECREF(loop);
    if (!same) PyErr_Format(PyExc_RuntimeError, "a request got a future attached to a different loop: %R", future);
    return same ? 0 : -1;
}

/* Wait for what the coroutine awaits: a future, or, as asyncio.sleep(0) does, nothing but a turn. */
static int await_future(Drive *self, PyObject *future) {
    if (LIKELY(Py_IS_TYPE(future, &Wait_Type))) {
        if (UNLIKELY(wait_is_done(future))) return step_soon(self);
        if (wait_attach(future, (PyObject *)self) < 0) return -1;
        set_to(&self->awaited, future);
        return UNLIKELY(self->cancelled) ? done(cancel(self, NULL)) : 0;
    }
    if (future == Py_None) return step_soon(self);
    if (check_future(self, future) < 0) return -1;
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

/* The exception that is set, and no longer is. */
static PyObject *taken_error(void) {
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return error;
}

/* It cannot wait for what it awaits, for the reason that is set: it is told so where it waits, in the next turn. */
static void throw_soon(Drive *self) {
    PyObject *error = taken_error();
    replace(&self->awaited, NULL);
    replace(&self->error, error);
    if (step_soon(self) < 0) PyErr_WriteUnraisable(self->coroutine); /* the loop is closed: nobody steps any more */
}

/* The coroutine is over, by the exception that is set. A cancellation is no failure, and what ends the loop is handed on (-1). All
   else goes to the hook for what nobody can catch: a request catches its own errors. */
static int ended_by_error(Drive *self) {
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) || PyErr_ExceptionMatches(PyExc_SystemExit)) return -1;
    if (PyErr_ExceptionMatches(names.CancelledError)) PyErr_Clear();
    else PyErr_WriteUnraisable(self->coroutine);
    return 0;
}

/* Run the coroutine until it waits or ends; ``error`` is thrown into it; ``enter`` the request's context first. 0, or -1 with an
   exception set that ends the loop. The caller holds the Drive: the request may let go of it when it ends. */
static int step(Drive *self, PyObject *error, int enter) {
    PyObject *result = NULL, *type, *value, *trace;
    PySendResult how = PYGEN_ERROR;
    replace(&self->awaited, NULL);
    if (UNLIKELY(self->ended)) return 0;
    if (enter && PyContext_Enter(self->context) < 0) {
        self->ended = 1;
        return ended_by_error(self);
    }
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
    if (enter) {
        PyErr_Fetch(&type, &value, &trace);
        if (PyContext_Exit(self->context) < 0) PyErr_WriteUnraisable(self->coroutine);
        PyErr_Restore(type, value, trace);
    }
    if (how == PYGEN_NEXT) {
        if (UNLIKELY(await_future(self, result) < 0)) throw_soon(self);
        Py_DECREF(result);
        return 0;
    }
    Py_XDECREF(result);
    self->ended = 1;
    return how == PYGEN_RETURN ? 0 : ended_by_error(self);
}

/* A step that was to be made soon, or after what was awaited is there, or has failed, or was cancelled. In the request's context:
   that is where a loop calls back. Whoever else calls is not heard. */
static PyObject *wake(Drive *self, PyObject *const *args, size_t count, PyObject *keywords) {
    PyObject *error = NULL;
    if (PyVectorcall_NARGS(count) == 0) {
        if (self->ended || !self->soon) Py_RETURN_NONE;
        self->soon = 0;
        error = self->error;
        self->error = NULL;
    } else {
        if (self->ended || self->awaited == NULL || args[0] != self->awaited) Py_RETURN_NONE;
        PyObject *value = PyObject_CallMethodNoArgs(args[0], names.result);
        if (value == NULL) error = taken_error();
        Py_XDECREF(value);
    }
    if (UNLIKELY(self->cancelled)) {
        self->cancelled = 0;
        if (error == NULL || !PyErr_GivenExceptionMatches(error, names.CancelledError)) {
            replace(&error, PyObject_CallNoArgs(names.CancelledError));
            if (error == NULL) return NULL;
        }
    }
    Py_INCREF(self);
    int failed = step(self, error, 0);
    Py_DECREF(self);
    Py_XDECREF(error);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *cancel(Drive *self, PyObject *unused) {
    if (self->ended) Py_RETURN_FALSE;
    if (self->awaited != NULL && Py_IS_TYPE(self->awaited, &Wait_Type)) {
        if (!wait_is_done(self->awaited)) { /* otherwise the step that throws is on its way */
            if (step_soon(self) < 0) return NULL;
            wait_cancel(self->awaited);
        }
        self->cancelled = 1;
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

PyObject *drive_new(PyObject *coroutine, PyObject *loop, PyObject *context) {
    Drive *self = PyObject_GC_New(Drive, &Drive_Type);
    if (self == NULL) return NULL;
    self->coroutine = Py_NewRef(coroutine);
    self->loop = Py_NewRef(loop);
    self->context = Py_NewRef(context);
    self->awaited = self->error = NULL;
    self->wake = (vectorcallfunc)wake;
    self->cancelled = self->ended = self->soon = 0;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

int drive_start(PyObject *drive, int now) {
    if (!now) return step_soon((Drive *)drive);
    Py_INCREF(drive);
    int failed = step((Drive *)drive, NULL, 1);
    Py_DECREF(drive);
    return failed;
}

int drive_go_on(PyObject *drive, PyObject *wait) {
    if (((Drive *)drive)->awaited != wait) return 0;
    Py_INCREF(drive);
    int failed = step((Drive *)drive, NULL, 1);
    Py_DECREF(drive);
    return failed;
}

static int drive_traverse(Drive *self, visitproc visit, void *arg) {
    Py_VISIT(self->coroutine);
    Py_VISIT(self->context);
    Py_VISIT(self->loop);
    Py_VISIT(self->awaited);
    Py_VISIT(self->error);
    return 0;
}

static int drive_clear(Drive *self) {
    self->ended = 1;
    Py_CLEAR(self->coroutine);
    Py_CLEAR(self->context);
    Py_CLEAR(self->loop);
    Py_CLEAR(self->awaited);
    Py_CLEAR(self->error);
    return 0;
}

static void drive_dealloc(Drive *self) {
    PyObject_GC_UnTrack(self);
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
