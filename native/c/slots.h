/* Attributes of instances with slots, read where they were last time: a seventh of what it costs to look for them. */
#ifndef LLMGATE_SLOTS_H
#define LLMGATE_SLOTS_H

#include "native.h"

/* Where objects of a type have an attribute. No object is held, as a tag belongs to one type in one state, and is never used again. */
typedef struct {
    PyTypeObject *type;
    unsigned int tag;
    Py_ssize_t offset;
} Slot;

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(hidden)
#endif

/* object.name, and where it was, if it is a slot. */
PyObject *slot_learn(Slot *slot, PyObject *object, PyObject *name);

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif

/* object.name: a new reference, or NULL with an exception set. */
static inline PyObject *slot_get(Slot *slot, PyObject *object, PyObject *name) {
    if (UNLIKELY(object == NULL)) return missing();
    PyTypeObject *type = Py_TYPE(object);
    if (LIKELY(slot->tag != 0 && slot->type == type && slot->tag == type->tp_version_tag)) {
        PyObject *value = *(PyObject **)((char *)object + slot->offset);
        if (LIKELY(value != NULL)) return Py_NewRef(value);
    }
    return slot_learn(slot, object, name);
}

#endif
