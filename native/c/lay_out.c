/* A whole answer for a client, head and body in one piece. Twin of LeanResponder's own way of writing a head. */
#include "native.h"

#include <string.h>

/* The text of an ASCII str without control characters, or NULL without an exception: then Python writes the head. */
static const char *plain(PyObject *text, Py_ssize_t *size) {
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text)) return NULL;
    const unsigned char *at = (const unsigned char *)PyUnicode_DATA(text);
    *size = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t i = 0; i < *size; i++)
        if (at[i] < 0x20 || at[i] == 0x7f) return NULL;
    return (const char *)at;
}

typedef struct {
    const char *text;
    Py_ssize_t size;
} Piece;

#define MOST_PIECES 256
#define PUT(literal) (pieces[count].text = literal, pieces[count++].size = (Py_ssize_t)sizeof literal - 1)

/* lay_out(status line: str, headers: dict[str, str], own name for the id: str | None, id: str, closes: bool, date and server: str,
   body: bytes, with the body: bool) -> bytes | None. */
PyObject *lay_out(PyObject *module, PyObject *const *args, Py_ssize_t argc) {
    Piece pieces[MOST_PIECES], id;
    Py_ssize_t count = 0, place = 0, size = 0;
    PyObject *name, *value;
    char length[64];
    if (argc != 8 || !PyDict_Check(args[1]) || !PyBytes_CheckExact(args[6]) || !PyUnicode_Check(args[5]) ||
        !PyUnicode_IS_COMPACT_ASCII(args[5]))
        Py_RETURN_NONE;
    if ((pieces[count].text = plain(args[0], &pieces[count].size)) == NULL) Py_RETURN_NONE;
    count++;
    PUT("\r\n");
    if ((id.text = plain(args[3], &id.size)) == NULL) Py_RETURN_NONE;
    while (PyDict_Next(args[1], &place, &name, &value)) {
        if (count > MOST_PIECES - 24) Py_RETURN_NONE;
        if ((pieces[count].text = plain(name, &pieces[count].size)) == NULL) Py_RETURN_NONE;
        count++;
        PUT(": ");
        if ((pieces[count].text = plain(value, &pieces[count].size)) == NULL) Py_RETURN_NONE;
        count++;
        PUT("\r\n");
    }
    if (args[2] != Py_None) {
        if ((pieces[count].text = plain(args[2], &pieces[count].size)) == NULL) Py_RETURN_NONE;
        count++;
        PUT(": ");
        pieces[count++] = id;
        PUT("\r\n");
    }
    if (args[4] == Py_True) PUT("connection: close\r\n");
    PUT("cache-control: no-store\r\nx-request-id: ");
    pieces[count++] = id;
    PUT("\r\n");
    pieces[count].text = (const char *)PyUnicode_DATA(args[5]); /* two lines: it has a line end inside */
    pieces[count++].size = PyUnicode_GET_LENGTH(args[5]);
    pieces[count].size = PyOS_snprintf(length, sizeof length, "\r\ncontent-length: %zd\r\n\r\n", PyBytes_GET_SIZE(args[6]));
    pieces[count++].text = length;
    if (args[7] == Py_True) {
        pieces[count].text = PyBytes_AS_STRING(args[6]);
        pieces[count++].size = PyBytes_GET_SIZE(args[6]);
    }
    for (Py_ssize_t at = 0; at < count; at++) size += pieces[at].size;
    PyObject *whole = PyBytes_FromStringAndSize(NULL, size);
    if (whole == NULL) return NULL;
    char *to = PyBytes_AS_STRING(whole);
    for (Py_ssize_t at = 0; at < count; at++) {
        memcpy(to, pieces[at].text, (size_t)pieces[at].size);
        to += pieces[at].size;
    }
    return whole;
}
