/* What the files of the extension share. */
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

PyObject *split_large(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
