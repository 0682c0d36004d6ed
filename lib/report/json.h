/* Writes JSON (RFC 8259) into a buffer. As with snprintf, bytes that do not fit are counted only.
 * The writer allocates nothing, and its output is always well formed: it adds the commas, replaces
 * malformed UTF-8, and writes null for a number that JSON cannot represent. */
#ifndef TOCSIN_REPORT_JSON_H
#define TOCSIN_REPORT_JSON_H

#include <tocsin/info.h>

struct tocsin__json {
    char *buffer;
    size_t size;   /* of the buffer */
    size_t length; /* length of the text so far, including bytes that did not fit */
    bool comma;    /* the next name or value needs a comma before it */
};

void tocsin__json_begin(struct tocsin__json *json, char *buffer, size_t size);
/* Ends the text with a NUL. Returns its length, or -EOVERFLOW. */
int tocsin__json_end(struct tocsin__json *json);

/* To write an object, call open '{', then name and a value for each member, then close '}'. For an
 * array: open '[', the values, close ']'. */
void tocsin__json_open(struct tocsin__json *json, char bracket);
void tocsin__json_close(struct tocsin__json *json, char bracket);
void tocsin__json_name(struct tocsin__json *json, const char *name);

void tocsin__json_null(struct tocsin__json *json);
void tocsin__json_bool(struct tocsin__json *json, bool value);
void tocsin__json_signed(struct tocsin__json *json, int64_t value);
void tocsin__json_unsigned(struct tocsin__json *json, uint64_t value);
/* Writes the shortest digits that read back as the same double. */
void tocsin__json_real(struct tocsin__json *json, double value);
/* Writes null if text is NULL. */
void tocsin__json_text(struct tocsin__json *json, const char *text);
/* Writes base64, or null if data is NULL. */
void tocsin__json_bytes(struct tocsin__json *json, struct tocsin_bytes bytes);
/* Writes the fields as an object; null if there is no payload, or its layout is malformed. */
void tocsin__json_payload(struct tocsin__json *json, const struct tocsin_payload *payload);

#endif
