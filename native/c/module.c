/* The module: its functions and types, and nothing else. */
#include "native.h"

static PyMethodDef functions[] = {
    {"split_large", (PyCFunction)(void (*)(void))split_large, METH_FASTCALL, "See split.c."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "llmgate_native._native", "Twins of the hottest pieces of llmgate-core.", 0, functions,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&definition); }
