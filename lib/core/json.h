/* A writer of JSON (RFC 8259) into a buffer, as snprintf does it: what does not fit is counted. It allocates nothing, and whatever it is
   given, the text is well formed: commas are its own business, text is made UTF-8, a number that JSON has not is null. */
#ifndef TOCSIN_CORE_JSON_H
#define TOCSIN_CORE_JSON_H

#include <tocsin/info.h>

struct tocsin__json {
    char *buffer;
    size_t size;                                       /* of the buffer */
    size_t length;                                     /* of the text so far, also of what did not fit */
    bool comma;                                        /* what comes next is parted from what stands there */
};

void tocsin__json_begin(struct tocsin__json *json, char *buffer, size_t size);
int  tocsin__json_end(struct tocsin__json *json);                /* ends the buffer with a NUL; the length, or -EOVERFLOW */

/* An object is open '{', then a name and a value for each member, then close '}'; an array is open '[', values, close ']'. */
void tocsin__json_open(struct tocsin__json *json, char bracket);
void tocsin__json_close(struct tocsin__json *json, char bracket);
void tocsin__json_name(struct tocsin__json *json, const char *name);

void tocsin__json_null(struct tocsin__json *json);
void tocsin__json_bool(struct tocsin__json *json, bool value);
void tocsin__json_signed(struct tocsin__json *json, int64_t value);
void tocsin__json_unsigned(struct tocsin__json *json, uint64_t value);
void tocsin__json_real(struct tocsin__json *json, double value);         /* the shortest digits that read back the same */
void tocsin__json_text(struct tocsin__json *json, const char *text);     /* NULL: null */
void tocsin__json_bytes(struct tocsin__json *json, struct tocsin_bytes bytes);   /* base64; without data: null */
void tocsin__json_payload(struct tocsin__json *json, const struct tocsin_payload *payload);      /* none, or a malformed layout: null */

#endif
