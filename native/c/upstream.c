/* A request to a provider over an idle connection, and the wait for the head of its answer. Twin of
   llmgate_core.wire.quick_upstream.QuickUpstream. Whatever is unusual goes on in Python, from where it has come to. */
#include "slots.h"

typedef struct {
    PyObject_HEAD
    PyObject *heads, *reply;
} Upstream;

/* What ``send`` gives, to be awaited once. */
typedef struct {
    PyObject_HEAD
    PyObject *upstream, *request, *timeouts, *deadline; /* NULL when it is over */
    PyObject *connection, *pool, *waiter;               /* while the answer is awaited */
    PyObject *rest;                                     /* the coroutine that goes on, if one has to */
    double until;
} Sending;

/* Where a request and an answer have what is read of each. */
static Slot at_headers, at_url, at_body, at_first_byte, at_shape, at_encoding;

/* How a Prepared is made up. */
enum { HEADERS, URL, POOL, TEXT, FIELDS };

static void let_go(Sending *self) {
    Py_CLEAR(self->waiter);
    Py_CLEAR(self->connection);
    Py_CLEAR(self->pool);
    Py_CLEAR(self->upstream);
    Py_CLEAR(self->request);
    Py_CLEAR(self->timeouts);
    Py_CLEAR(self->deadline);
}

/* ---- the beginning */

/* What was laid out for a request's headers and URL (a new reference), or NULL, maybe with an exception set. */
static PyObject *laid_out(Upstream *self, PyObject *request) {
    PyObject *headers = slot_get(&at_headers, request, names.headers), *url = NULL, *id = NULL, *found = NULL;
    if (headers == NULL || (url = slot_get(&at_url, request, names.url)) == NULL || (id = PyLong_FromVoidPtr(headers)) == NULL) goto end;
    if (self->heads == NULL || (found = Py_XNewRef(PyDict_GetItemWithError(self->heads, id))) == NULL) goto end;
    if (!PyTuple_Check(found) || PyTuple_GET_SIZE(found) != FIELDS || PyTuple_GET_ITEM(found, HEADERS) != headers
        || PyObject_RichCompareBool(PyTuple_GET_ITEM(found, URL), url, Py_EQ) != 1
        || !PyObject_TypeCheck(PyTuple_GET_ITEM(found, POOL), &QuickPool_Type) || !PyBytes_Check(PyTuple_GET_ITEM(found, TEXT)))
        Py_CLEAR(found);
end:
    Py_XDECREF(headers);
    Py_XDECREF(url);
    Py_XDECREF(id);
    return found;
}

/* The earlier of the request's deadline and the end of the provider's time for a head. -1 with an exception set. */
static int until_when(Sending *self) {
    PyObject *limit = slot_get(&at_first_byte, self->timeouts, names.first_byte);
    if (limit == NULL) return -1;
    const double seconds = PyFloat_AsDouble(limit), deadline = PyFloat_AsDouble(self->deadline);
    Py_DECREF(limit);
    if (PyErr_Occurred()) return -1;
    const double now = monotonic();
    self->until = now + seconds < deadline ? now + seconds : deadline;
    return now < 0 ? -1 : 0;
}

/* What is to be stepped until the wait is over: a Wait itself, and a future's own iterator. Takes the reference. */
static PyObject *iterator_of(PyObject *waiter) {
    if (waiter == NULL || LIKELY(Py_IS_TYPE(waiter, &Wait_Type))) return waiter;
    const PyAsyncMethods *methods = Py_TYPE(waiter)->tp_as_async;
    PyObject *iterator = methods == NULL || methods->am_await == NULL ? NULL : methods->am_await(waiter);
    if (iterator == NULL && !PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "%R cannot be awaited", waiter);
    Py_DECREF(waiter);
    return iterator;
}

/* 1 when it was sent, 0 when somebody else has to do it; -1 with an exception set, which counts as an answer once there is a
   connection. */
static int ask(Sending *self) {
    PyObject *prepared = laid_out((Upstream *)self->upstream, self->request), *body, *connection;
    if (prepared == NULL) return PyErr_Occurred() ? -1 : 0;
    int sent = -1;
    if ((body = slot_get(&at_body, self->request, names.body)) == NULL || until_when(self) < 0) goto end;
    self->pool = Py_NewRef(PyTuple_GET_ITEM(prepared, POOL));
    if ((connection = pool_pick(self->pool)) == NULL) goto end;
    if (connection == Py_None) {
        Py_DECREF(connection);
        Py_CLEAR(self->pool);
        sent = 0;
        goto end;
    }
    self->connection = connection;
    self->waiter = iterator_of(connection_ask(connection, PyTuple_GET_ITEM(prepared, TEXT), body, self->until));
    if (self->waiter != NULL) sent = 1;
end:
    Py_XDECREF(body);
    Py_DECREF(prepared);
    return sent;
}

/* ---- going on in Python */

static PySendResult go_on(Sending *self, PyObject **result) {
    PyObject *rest = Py_NewRef(self->rest);
    PySendResult how = PyIter_Send(rest, Py_None, result);
    if (how != PYGEN_NEXT) Py_CLEAR(self->rest);
    Py_DECREF(rest);
    return how;
}

/* From the beginning, or with what was asked already and the exception that is set, if any. */
static PySendResult patiently(Sending *self, PyObject **result) {
    PyObject *type, *error, *trace, *asked = NULL, *upstream = Py_NewRef(self->upstream);
    *result = NULL;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (trace != NULL && error != NULL) PyException_SetTraceback(error, trace);
    if (self->connection != NULL)
        asked = Py_BuildValue("(OdOO)", self->connection, self->until, Py_None, error == NULL ? Py_None : error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    if (self->connection == NULL || asked != NULL)
        self->rest = PyObject_CallMethodObjArgs(upstream, names._patiently, self->request, self->timeouts, self->deadline, asked, NULL);
    Py_XDECREF(asked);
    Py_DECREF(upstream);
    let_go(self);
    return self->rest == NULL ? PYGEN_ERROR : go_on(self, result);
}

/* ---- the end */

/* An answer whose bytes are as they came; NULL without an exception when Python has to look. */
static PyObject *reply(Sending *self) {
    PyObject *status, *headers, *shape, *encoding;
    if (!connection_head(self->connection, &status, &headers)) return NULL;
    if ((shape = slot_get(&at_shape, headers, names.shape)) == NULL) return NULL;
    encoding = slot_get(&at_encoding, shape, names.encoding);
    Py_DECREF(shape);
    if (encoding == NULL) return NULL;
    Py_DECREF(encoding);
    if (encoding != Py_None) return NULL;
    PyObject *make = ((Upstream *)self->upstream)->reply;
    if (make == NULL) return missing();
    PyObject *given[] = {status, headers, self->connection, self->pool, Py_None};
    Py_INCREF(make);
    Py_INCREF(status);
    Py_INCREF(headers);
    PyObject *made = PyObject_Vectorcall(make, given, 5, NULL);
    Py_DECREF(make);
    Py_DECREF(status);
    Py_DECREF(headers);
    return made;
}

/* It waits, or has the answer, or leaves it to Python. */
static PySendResult look(Sending *self, PyObject **result) {
    PySendResult how = PyIter_Send(self->waiter, Py_None, result);
    if (how == PYGEN_NEXT) return how;
    if (how == PYGEN_ERROR) return patiently(self, result);
    Py_DECREF(*result);
    *result = reply(self);
    if (UNLIKELY(*result == NULL)) return patiently(self, result);
    let_go(self);
    return PYGEN_RETURN;
}

static PySendResult sending_send(Sending *self, PyObject *unused, PyObject **result) {
    *result = NULL;
    if (UNLIKELY(self->rest != NULL)) return go_on(self, result);
    if (UNLIKELY(self->upstream == NULL)) {
        PyErr_SetString(PyExc_RuntimeError, "a request is sent once");
        return PYGEN_ERROR;
    }
    if (self->waiter != NULL) return look(self, result);
    int sent = ask(self);
    if (sent > 0) return look(self, result);
    if (sent < 0 && self->connection == NULL) {
        let_go(self);
        return PYGEN_ERROR;
    }
    return patiently(self, result);
}

/* What an iterator's methods give: a value that it yields, or NULL with StopIteration or another exception. */
static PyObject *told(PySendResult how, PyObject *result) {
    if (how != PYGEN_RETURN) return result;
    PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, result);
    if (stop != NULL) PyErr_SetObject(PyExc_StopIteration, stop);
    Py_XDECREF(stop);
    Py_DECREF(result);
    return NULL;
}

static PyObject *send_value(Sending *self, PyObject *value) {
    PyObject *result;
    PySendResult how = sending_send(self, value, &result);
    return told(how, result);
}

static PyObject *next(Sending *self) { return send_value(self, Py_None); }

/* throw(error), or throw(type, value, traceback) as generators call it. */
static PyObject *throw(Sending *self, PyObject *const *args, Py_ssize_t count) {
    if (count < 1 || count > 3) return PyErr_Format(PyExc_TypeError, "throw(error)");
    if (self->rest != NULL) {
        PyObject *rest = Py_NewRef(self->rest), *method = PyObject_GetAttr(rest, names.throw);
        PyObject *result = method == NULL ? NULL : PyObject_Vectorcall(method, args, (size_t)count, NULL);
        if (result == NULL) Py_CLEAR(self->rest); /* over, whether it returned or raised */
        Py_XDECREF(method);
        Py_DECREF(rest);
        return result;
    }
    if (PyExceptionInstance_Check(args[0])) PyErr_SetObject((PyObject *)Py_TYPE(args[0]), args[0]);
    else PyErr_SetObject(args[0], count > 1 && args[1] != Py_None ? args[1] : NULL);
    if (self->connection == NULL) { /* not begun, or over */
        let_go(self);
        return NULL;
    }
    PyObject *result;
    PySendResult how = patiently(self, &result);
    return told(how, result);
}

/* It is given up: whatever has come, the connection serves nobody any more. */
static PyObject *give_up(Sending *self, PyObject *unused) {
    int failed = 0;
    if (self->rest != NULL) {
        PyObject *rest = self->rest;
        self->rest = NULL;
        failed = done(PyObject_CallMethodNoArgs(rest, names.close));
        Py_DECREF(rest);
    } else if (self->connection != NULL) {
        PyObject *pool = Py_NewRef(self->pool), *connection = Py_NewRef(self->connection);
        let_go(self);
        failed = done(PyObject_CallMethodOneArg(pool, names.drop, connection));
        Py_DECREF(pool);
        Py_DECREF(connection);
    }
    let_go(self);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static int sending_traverse(Sending *self, visitproc visit, void *arg) {
    Py_VISIT(self->upstream);
    Py_VISIT(self->request);
    Py_VISIT(self->timeouts);
    Py_VISIT(self->deadline);
    Py_VISIT(self->connection);
    Py_VISIT(self->pool);
    Py_VISIT(self->waiter);
    Py_VISIT(self->rest);
    return 0;
}

static int sending_clear(Sending *self) {
    let_go(self);
    Py_CLEAR(self->rest);
    return 0;
}

static void sending_dealloc(Sending *self) {
    PyObject_GC_UnTrack(self);
    sending_clear(self);
    PyObject_GC_Del(self);
}

static PyMethodDef sending_methods[] = {
    {"send", (PyCFunction)send_value, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))throw, METH_FASTCALL, NULL},
    {"close", (PyCFunction)give_up, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyAsyncMethods awaitable = {.am_await = PyObject_SelfIter, .am_send = (sendfunc)sending_send};

PyTypeObject Sending_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.Sending",
    .tp_basicsize = sizeof(Sending),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)sending_dealloc,
    .tp_traverse = (traverseproc)sending_traverse,
    .tp_clear = (inquiry)sending_clear,
    .tp_as_async = &awaitable,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)next,
    .tp_methods = sending_methods,
};

/* ---- who sends */

static int upstream_init(Upstream *self, PyObject *args, PyObject *kwargs) {
    PyObject *heads, *make;
    if (!PyArg_ParseTuple(args, "O!O", &PyDict_Type, &heads, &make)) return -1;
    set_to(&self->heads, heads);
    set_to(&self->reply, make);
    return 0;
}

static PyObject *upstream_send(Upstream *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 3) return PyErr_Format(PyExc_TypeError, "send(request, timeouts, deadline)");
    Sending *sending = PyObject_GC_New(Sending, &Sending_Type);
    if (sending == NULL) return NULL;
    sending->upstream = Py_NewRef((PyObject *)self);
    sending->request = Py_NewRef(args[0]);
    sending->timeouts = Py_NewRef(args[1]);
    sending->deadline = Py_NewRef(args[2]);
    sending->connection = sending->pool = sending->waiter = sending->rest = NULL;
    sending->until = 0;
    PyObject_GC_Track(sending);
    return (PyObject *)sending;
}

static int upstream_traverse(Upstream *self, visitproc visit, void *arg) {
    Py_VISIT(self->heads);
    Py_VISIT(self->reply);
    return 0;
}

static int upstream_clear(Upstream *self) {
    Py_CLEAR(self->heads);
    Py_CLEAR(self->reply);
    return 0;
}

static void upstream_dealloc(Upstream *self) {
    PyObject_GC_UnTrack(self);
    upstream_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef upstream_methods[] = {
    {"send", (PyCFunction)(void (*)(void))upstream_send, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef upstream_members[] = {
    OBJECT_MEMBER(Upstream, heads, "_heads"),
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject QuickUpstream_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.QuickUpstream",
    .tp_basicsize = sizeof(Upstream),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)upstream_init,
    .tp_dealloc = (destructor)upstream_dealloc,
    .tp_traverse = (traverseproc)upstream_traverse,
    .tp_clear = (inquiry)upstream_clear,
    .tp_methods = upstream_methods,
    .tp_members = upstream_members,
};
