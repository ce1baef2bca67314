/* The module: its functions and types, and nothing else. */
#include "native.h"

Names names;

static PyMethodDef functions[] = {
    {"split_fields", (PyCFunction)(void (*)(void))split_fields, METH_FASTCALL, "See split.c."},
    {"answer", (PyCFunction)(void (*)(void))answer, METH_FASTCALL, "See answer.c."},
    {"keep_freed_memory", keep_freed_memory, METH_O, "See memory.c."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "llmgate_native._native", "Twins of the hottest pieces of llmgate-core.", -1, functions,
    NULL, NULL, NULL, NULL,
};

static PyObject *from_module(const char *module, const char *name) {
    PyObject *imported = PyImport_ImportModule(module);
    PyObject *value = imported == NULL ? NULL : PyObject_GetAttrString(imported, name);
    Py_XDECREF(imported);
    return value;
}

static int make_names(void) {
#define INTERN(name)                                                                                                   \
    if ((names.name = PyUnicode_InternFromString(#name)) == NULL) return -1;
    NAMES(INTERN)
#undef INTERN
    if ((names.CancelledError = from_module("asyncio.exceptions", "CancelledError")) == NULL) return -1;
    if ((names.monotonic = from_module("time", "monotonic")) == NULL) return -1;
    return (names.with_context = Py_BuildValue("(s)", "context")) == NULL ? -1 : 0;
}

PyMODINIT_FUNC PyInit__native(void) {
    PyTypeObject *types[] = {&Drive_Type, &JsonLines_Type, &Outbox_Type, &Spans_Type, &AnswerHead_Type, &QuickConnection_Type, &QuickPool_Type, &QuickRequests_Type, &QuickUpstream_Type, &Sending_Type, &Wait_Type};
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    if (make_names() < 0) goto failed;
    for (size_t at = 0; at < sizeof types / sizeof *types; at++)
        if (PyModule_AddType(module, types[at]) < 0) goto failed;
    return module;
failed:
    Py_DECREF(module);
    return NULL;
}
