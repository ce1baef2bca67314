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

static int make_names(void) {
#define INTERN(name)                                                                                                   \
    if ((names.name = PyUnicode_InternFromString(#name)) == NULL) return -1;
    NAMES(INTERN)
#undef INTERN
    PyObject *exceptions = PyImport_ImportModule("asyncio.exceptions"), *events = PyImport_ImportModule("asyncio.events");
    PyObject *time = PyImport_ImportModule("time");
    if (exceptions != NULL) names.CancelledError = PyObject_GetAttrString(exceptions, "CancelledError");
    if (events != NULL) names.get_running_loop = PyObject_GetAttrString(events, "get_running_loop");
    if (time != NULL) names.monotonic = PyObject_GetAttrString(time, "monotonic");
    names.with_context = Py_BuildValue("(s)", "context");
    Py_XDECREF(exceptions);
    Py_XDECREF(events);
    Py_XDECREF(time);
    return names.CancelledError == NULL || names.monotonic == NULL || names.get_running_loop == NULL || names.with_context == NULL ? -1 : 0;
}

PyMODINIT_FUNC PyInit__native(void) {
    PyTypeObject *types[] = {&Drive_Type, &Outbox_Type, &Spans_Type, &AnswerHead_Type, &QuickConnection_Type, &QuickPool_Type, &QuickRequests_Type, &Wait_Type};
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
