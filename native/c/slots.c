/* Where a type has an attribute that is a slot. */
#include "slots.h"

static void learn(Slot *slot, PyTypeObject *type, PyObject *name) {
    PyObject *found = _PyType_Lookup(type, name);
    slot->tag = 0;
    if (found == NULL || !Py_IS_TYPE(found, &PyMemberDescr_Type) || type->tp_getattro != PyObject_GenericGetAttr) return;
    const PyMemberDescrObject *member = (PyMemberDescrObject *)found;
    if (member->d_member->type != T_OBJECT_EX || (member->d_member->flags & ~READONLY)) return;
    if (!PyType_IsSubtype(type, member->d_common.d_type)) return;
    slot->type = type;
    slot->tag = type->tp_version_tag;
    slot->offset = member->d_member->offset;
}

PyObject *slot_learn(Slot *slot, PyObject *object, PyObject *name) {
    learn(slot, Py_TYPE(object), name);
    Py_INCREF(object); /* what is run may let go of it where it was found */
    PyObject *value = PyObject_GetAttr(object, name);
    Py_DECREF(object);
    return value;
}
