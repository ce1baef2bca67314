/* A whole answer for a client, head and body in one piece. Twin of LeanResponder's own way of writing a head. */
#include "put.h"

/* The text of an ASCII str without control characters, or NULL without an exception: then Python writes the head. */
static const char *plain(PyObject *text, Py_ssize_t *size) {
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text)) return NULL;
    const char *at = (const char *)PyUnicode_DATA(text);
    *size = PyUnicode_GET_LENGTH(text);
    return put_is_printable(at, *size) ? at : NULL;
}

typedef struct {
    const char *text;
    Py_ssize_t size;
} Piece;

#define MOST_PIECES 256
#define ONE_PIECE (64 * 1024)
#define ALWAYS "x-request-id" /* the header that every answer has */
#define PUT(literal) (pieces[count].text = literal, pieces[count++].size = (Py_ssize_t)sizeof literal - 1)

/* What an answer is made of, in the order of answer()'s arguments. */
enum { TRANSPORT, OUTBOX, LINE, HEADERS, HEADER, ID, CLOSES, DATE, BODY, COUNT };

/* The bytes, or NULL: with an exception, or without one where Python must look. */
static PyObject *lay_out(PyObject *const *args, int with_body) {
    Piece pieces[MOST_PIECES], id;
    Py_ssize_t count = 0, place = 0, size = 0;
    PyObject *name, *value;
    char length[32];
    if (!PyDict_CheckExact(args[HEADERS]) || !PyUnicode_Check(args[DATE]) || !PyUnicode_IS_COMPACT_ASCII(args[DATE])) return NULL;
    if ((pieces[count].text = plain(args[LINE], &pieces[count].size)) == NULL) return NULL;
    count++;
    PUT("\r\n");
    if ((id.text = plain(args[ID], &id.size)) == NULL) return NULL;
    while (PyDict_Next(args[HEADERS], &place, &name, &value)) {
        if (count > MOST_PIECES - 24) return NULL;
        if ((pieces[count].text = plain(name, &pieces[count].size)) == NULL) return NULL;
        count++;
        PUT(": ");
        if ((pieces[count].text = plain(value, &pieces[count].size)) == NULL) return NULL;
        count++;
        PUT("\r\n");
    }
    if ((pieces[count].text = plain(args[HEADER], &pieces[count].size)) == NULL) return NULL;
    if (pieces[count].size != sizeof ALWAYS - 1 || memcmp(pieces[count].text, ALWAYS, sizeof ALWAYS - 1) != 0) {
        count++;
        PUT(": ");
        pieces[count++] = id;
        PUT("\r\n");
    }
    if (truth(args[CLOSES])) PUT("connection: close\r\n");
    PUT("cache-control: no-store\r\n" ALWAYS ": ");
    pieces[count++] = id;
    PUT("\r\n");
    pieces[count].text = (const char *)PyUnicode_DATA(args[DATE]); /* two lines: it has a line end inside */
    pieces[count++].size = PyUnicode_GET_LENGTH(args[DATE]);
    PUT("\r\ncontent-length: ");
    Out out = {length, length + sizeof length};
    if (!put_whole(&out, (uint64_t)PyBytes_GET_SIZE(args[BODY])) || !put_bytes(&out, "\r\n\r\n", 4)) return NULL;
    pieces[count].size = out.at - length;
    pieces[count++].text = length;
    if (with_body) {
        pieces[count].text = PyBytes_AS_STRING(args[BODY]);
        pieces[count++].size = PyBytes_GET_SIZE(args[BODY]);
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

/* answer(transport, outbox, status line: str, headers: dict[str, str], the id's header: str, id: str, closes: bool,
   date and server: str, body: bytes) -> whether it could. Writes a whole answer. */
PyObject *answer(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (count != COUNT) return PyErr_Format(PyExc_TypeError, "answer: see answer.c");
    if (UNLIKELY(!PyBytes_CheckExact(args[BODY]))) Py_RETURN_FALSE;
    int small = PyBytes_GET_SIZE(args[BODY]) < ONE_PIECE, failed = -1;
    PyObject *closing = call_no_args(args[TRANSPORT], names.is_closing);
    if (closing == NULL) return NULL;
    int left = PyObject_IsTrue(closing);
    Py_DECREF(closing);
    if (left < 0) return NULL;
    if (left) return PyErr_Format(PyExc_ConnectionResetError, "the client has left");
    PyObject *first = lay_out(args, small);
    if (first == NULL) {
        if (PyErr_Occurred()) return NULL;
        Py_RETURN_FALSE;
    }
    if (small) {
        failed = outbox_write(args[OUTBOX], args[TRANSPORT], first);
    } else if (done(call_no_args(args[OUTBOX], names.flush)) == 0) { /* what was written before goes out before */
        PyObject *pieces = PyTuple_Pack(2, first, args[BODY]);
        if (pieces != NULL) failed = done(PyObject_CallMethodOneArg(args[TRANSPORT], names.writelines, pieces));
        Py_XDECREF(pieces);
    }
    Py_DECREF(first);
    if (failed) return NULL;
    Py_RETURN_TRUE;
}
