/* Writes JSON (RFC 8259) into a buffer. As with snprintf, bytes that do not fit are only counted.
   The writer allocates no memory, and its output is always well formed. It adds the commas,
   replaces malformed UTF-8, and writes null for a number that JSON cannot represent. */
#ifndef TOCSIN_REPORT_JSON_H
#define TOCSIN_REPORT_JSON_H

#include <tocsin/info.h>

struct tocsin__json {
    char *buffer;
    size_t size;   /* size of the buffer */
    size_t length; /* length of the text so far, including bytes that did not fit */
    bool comma;    /* true if the next name or value needs a comma in front of it */
};

void tocsin__json_begin(struct tocsin__json *json, char *buffer, size_t size);
/* Ends the text with a NUL. Returns the length of the text, or -EOVERFLOW if the length does not
   fit into an int. */
int tocsin__json_end(struct tocsin__json *json);

/* To write an object, call tocsin__json_open with '{', write a name and a value for each member,
   then call tocsin__json_close with '}'. An array is written in the same way, but with '[' and ']'
   and without names. */
void tocsin__json_open(struct tocsin__json *json, char bracket);
void tocsin__json_close(struct tocsin__json *json, char bracket);
void tocsin__json_name(struct tocsin__json *json, const char *name);

void tocsin__json_null(struct tocsin__json *json);
void tocsin__json_bool(struct tocsin__json *json, bool value);
void tocsin__json_signed(struct tocsin__json *json, int64_t value);
void tocsin__json_unsigned(struct tocsin__json *json, uint64_t value);
/* Writes a number with the fewest digits that read back as the same double. */
void tocsin__json_real(struct tocsin__json *json, double value);
/* Writes the text as a string, or null if `text` is NULL. */
void tocsin__json_text(struct tocsin__json *json, const char *text);
/* Writes the bytes in base64, or null if their `data` is NULL. */
void tocsin__json_bytes(struct tocsin__json *json, struct tocsin_bytes bytes);
/* Writes the fields of a payload as an object. Writes null if there is no payload, or if its layout
   is malformed. */
void tocsin__json_payload(struct tocsin__json *json, const struct tocsin_payload *payload);

#endif
