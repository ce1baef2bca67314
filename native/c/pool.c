/* The idle connections of a pool. Twin of llmgate_core.wire.quick_pool.QuickPool. */
#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *idle, *waiters;
    double now, most_idle, most_age;
} Pool;

static int pool_init(Pool *self, PyObject *args, PyObject *kwargs) {
    PyObject *waiters;
    if (!PyArg_ParseTuple(args, "Oddd", &waiters, &self->now, &self->most_idle, &self->most_age)) return -1;
    PyObject *idle = PyList_New(0);
    if (idle == NULL) return -1;
    replace(&self->idle, idle);
    set_to(&self->waiters, waiters);
    return 0;
}

PyObject *pool_pick(PyObject *pool) {
    Pool *self = (Pool *)pool;
    Py_ssize_t count;
    if (self->idle == NULL) return missing();
    while (self->idle != NULL && (count = PyList_GET_SIZE(self->idle)) > 0) {
        PyObject *connection = Py_NewRef(PyList_GET_ITEM(self->idle, count - 1));
        if (PyList_SetSlice(self->idle, count - 1, count, NULL) < 0) {
            Py_DECREF(connection);
            return NULL;
        }
        if (UNLIKELY(!PyObject_TypeCheck(connection, &QuickConnection_Type))) {
            Py_DECREF(connection);
            return PyErr_Format(PyExc_TypeError, "not a connection");
        }
        if (LIKELY(connection_is_good(connection, self->now, self->most_idle, self->most_age))) return connection;
        int failed = done(PyObject_CallMethodOneArg((PyObject *)self, names.drop, connection));
        Py_DECREF(connection);
        if (failed) return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *pick(Pool *self, PyObject *unused) { return pool_pick((PyObject *)self); }

static PyObject *give_back(Pool *self, PyObject *connection) {
    if (!PyObject_TypeCheck(connection, &QuickConnection_Type)) return PyErr_Format(PyExc_TypeError, "not a connection");
    if (UNLIKELY(!connection_keeps(connection, self->now)))
        return PyObject_CallMethodOneArg((PyObject *)self, names.drop, connection);
    if (self->idle == NULL || self->waiters == NULL) return missing();
    if (PyList_Append(self->idle, connection) < 0) return NULL;
    Py_ssize_t waiting = PyObject_Size(self->waiters);
    if (waiting < 0) return NULL;
    if (UNLIKELY(waiting)) return call_no_args((PyObject *)self, names._wake_one);
    Py_RETURN_NONE;
}

static int pool_traverse(Pool *self, visitproc visit, void *arg) {
    Py_VISIT(self->idle);
    Py_VISIT(self->waiters);
    return 0;
}

static int pool_clear(Pool *self) {
    Py_CLEAR(self->idle);
    Py_CLEAR(self->waiters);
    return 0;
}

static void pool_dealloc(Pool *self) {
    PyObject_GC_UnTrack(self);
    pool_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"pick", (PyCFunction)pick, METH_NOARGS, NULL},
    {"give_back", (PyCFunction)give_back, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"_idle", T_OBJECT_EX, offsetof(Pool, idle), READONLY, NULL},
    {"_waiters", T_OBJECT_EX, offsetof(Pool, waiters), READONLY, NULL},
    {"_now", T_DOUBLE, offsetof(Pool, now), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject QuickPool_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "llmgate_native._native.QuickPool",
    .tp_basicsize = sizeof(Pool),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)pool_init,
    .tp_dealloc = (destructor)pool_dealloc,
    .tp_traverse = (traverseproc)pool_traverse,
    .tp_clear = (inquiry)pool_clear,
    .tp_methods = methods,
    .tp_members = members,
};
