/* What the C library's allocator does with memory that is free again. */
#include "native.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* keep_freed_memory(bytes) -> None. A prompt of some 100 KB lies at the top of the heap, and glibc gives 128 KB that are free there
   back to the system, to ask for them again with the next prompt: page faults that cost more than the prompt's copies. So up to
   ``bytes`` are kept. And threads that begin later share one heap: what one of them has freed, glibc would otherwise keep for that
   one, and threads that hold the interpreter's lock in turn have nothing to gain by heaps of their own. For the whole process, hence
   for whoever owns it to call. Elsewhere than with glibc it does nothing. */
PyObject *keep_freed_memory(PyObject *module, PyObject *bytes) {
    long most = PyLong_AsLong(bytes);
    if (most == -1 && PyErr_Occurred()) return NULL;
    if (most < 0 || most > 1L << 30) return PyErr_Format(PyExc_ValueError, "keep_freed_memory: 0 to 2**30 bytes");
#if defined(__GLIBC__)
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, (int)most);
    mallopt(M_MMAP_THRESHOLD, (int)(most / 4)); /* larger pieces come from the system one by one, and go back at once */
    mallopt(M_TOP_PAD, (int)(most / 8));
#endif
    Py_RETURN_NONE;
}
