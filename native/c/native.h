/* What the files of the extension share. Each type's Python twin, in llmgate-core, says what its methods are for. */
#ifndef LLMGATE_NATIVE_H
#define LLMGATE_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#if defined(__GNUC__) || defined(__clang__)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#endif

#if defined(_MSC_VER)
#define PER_THREAD __declspec(thread)
#else
#define PER_THREAD _Thread_local
#endif

/* A member that holds an object. Before __init__, after ``del`` and once the collector has cleared it, it is NULL. */
#define OBJECT_MEMBER(type, name, shown)  {shown, T_OBJECT_EX, offsetof(type, name), 0, NULL}

/* Put ``value`` (a new reference) where ``slot`` is, and let go of what was there. */
static inline void replace(PyObject **slot, PyObject *value) {
    PyObject *old = *slot;
    *slot = value;
    Py_XDECREF(old);
}

/* The same, for a value that is only borrowed. */
static inline void set_to(PyObject **slot, PyObject *value) {
    Py_INCREF(value);
    replace(slot, value);
}

/* NULL, with the exception for a member that is NULL. */
static inline PyObject *missing(void) {
    PyErr_SetString(PyExc_AttributeError, "not initialised, or deleted");
    return NULL;
}

/* object.name, object.name() and object.name(argument): a new reference, NULL with an exception set. The object may be a member:
   what is called may put something else there, so it is held meanwhile. */
static inline PyObject *get_attr(PyObject *object, PyObject *name) {
    if (UNLIKELY(object == NULL)) return missing();
    Py_INCREF(object);
    PyObject *value = PyObject_GetAttr(object, name);
    Py_DECREF(object);
    return value;
}

static inline PyObject *call_no_args(PyObject *object, PyObject *name) {
    if (UNLIKELY(object == NULL)) return missing();
    Py_INCREF(object);
    PyObject *result = PyObject_CallMethodNoArgs(object, name);
    Py_DECREF(object);
    return result;
}

static inline PyObject *call_one_arg(PyObject *object, PyObject *name, PyObject *argument) {
    if (UNLIKELY(object == NULL)) return missing();
    Py_INCREF(object);
    PyObject *result = PyObject_CallMethodOneArg(object, name, argument);
    Py_DECREF(object);
    return result;
}

/* Whether a member is true that Python may have set to anything. */
static inline int truth(PyObject *flag) {
    if (LIKELY(flag == Py_True || flag == Py_False || flag == NULL)) return flag == Py_True;
    int is_true = PyObject_IsTrue(flag);
    if (is_true < 0) PyErr_WriteUnraisable(flag);
    return is_true > 0;
}

/* Bytes of what a transport has read: a new reference. Some event loops hand over a bytearray. */
static inline PyObject *as_bytes(PyObject *data) {
    if (LIKELY(PyBytes_CheckExact(data))) return Py_NewRef(data);
    if (PyObject_CheckBuffer(data)) return PyBytes_FromObject(data);
    return PyErr_Format(PyExc_TypeError, "bytes, not %.100s", Py_TYPE(data)->tp_name);
}

/* A method whose result does not matter: 0, or -1 with an exception set. */
static inline int done(PyObject *result) {
    if (UNLIKELY(result == NULL)) return -1;
    Py_DECREF(result);
    return 0;
}

/* The names of methods and attributes, made once. */
#define NAMES(X)                                                                                                       \
    X(_asyncio_future_blocking) X(abort) X(add_done_callback) X(after) X(before) X(call_soon) X(cancel) X(close) X(context)                     \
     X(create_future) X(create_task) X(done) X(draining) X(flush) X(get_loop)         \
    X(is_closing) X(join) X(longest) X(loop) X(pause_reading) X(quick) X(result) X(resume_reading)             \
    X(may_wait) X(serving) X(set_exception)       \
    X(set_result) X(time) X(throw) X(write) X(writelines) X(_begin) X(_end_turn) X(body) X(encoding) X(first_byte) X(headers) X(send) X(shape) X(url) X(_parse) X(_patiently) X(_serve) X(_take) X(_wake_one) X(drop)
#define DECLARE(name) PyObject *name;
typedef struct {
    NAMES(DECLARE)
    PyObject *with_context, *CancelledError, *monotonic;
} Names;
#undef DECLARE
extern Names names;

/* Whether an idle connection may be used again; whether one whose answer is over may be kept, which then is idle. Of what is a
   QuickConnection. */
int connection_is_good(PyObject *connection, double now, double most_idle, double most_age);
int connection_keeps(PyObject *connection, double now);
/* Send a request and get what to await, NULL with an exception set; the head that has come, borrowed, NULL when there is none or
   something failed. */
PyObject *connection_ask(PyObject *connection, PyObject *text, PyObject *body, double due);
int connection_head(PyObject *connection, PyObject **status, PyObject **headers);

/* An idle connection (a new reference), None when there is none, NULL with an exception set. Of what is a QuickPool. */
PyObject *pool_pick(PyObject *pool);

/* time.monotonic(), -1 with an exception set. */
double monotonic(void);

PyObject *drive_new(PyObject *coroutine, PyObject *loop, PyObject *context);
/* The first step, at once or in the next turn; -1 with an exception set, which at once can only be one that ends the loop. */
int drive_start(PyObject *drive, int now);
/* Another step, at once, if it still waits on that; -1 with an exception set that ends the loop. */
int drive_go_on(PyObject *drive, PyObject *wait);
/* Whether a Drive is stepping its coroutine right now, in this thread. */
int drive_is_stepping(void);

PyObject *wait_new(void);
int wait_is_done(PyObject *wait);
/* -1 with an exception set when another one waits on it. */
int wait_attach(PyObject *wait, PyObject *drive);
/* Whoever waits goes on; -1 with an exception set that ends the loop. */
int wait_tell(PyObject *wait, PyObject *error);
/* Nobody waits any more, and nobody is to be told. */
void wait_cancel(PyObject *wait);

int outbox_write(PyObject *outbox, PyObject *transport, PyObject *data);

/* Where the body of a known answer begins, 0 when ``data`` does not begin with that head, -1 with an exception set. On success
   ``headers`` (a new reference) and the body's ``length`` are filled in. */
Py_ssize_t answer_match(PyObject *quick, const char *data, Py_ssize_t size, PyObject **headers, Py_ssize_t *length);

extern PyTypeObject Drive_Type, JsonLines_Type, Outbox_Type, Spans_Type, AnswerHead_Type, QuickConnection_Type, QuickPool_Type, QuickRequests_Type, QuickUpstream_Type, Sending_Type, Wait_Type;

PyObject *split_fields(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *keep_freed_memory(PyObject *module, PyObject *bytes);
PyObject *answer(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
