/* The layout of a payload, read from its text: "string text;u64 user;". */
#ifndef TOCSIN_CORE_LAYOUT_H
#define TOCSIN_CORE_LAYOUT_H

#include <tocsin/payload.h>

struct tocsin__field {
    enum tocsin_type type;
    const char *name;
    size_t name_size, offset;
};

struct tocsin__fields {                                /* a walk over the fields of a layout */
    const char *cursor;
    size_t end;                                        /* where the last field read ends */
    size_t align;                                      /* of the strictest field so far */
};

void tocsin__fields_begin(struct tocsin__fields *walk, const struct tocsin_layout *layout);
int  tocsin__fields_next(struct tocsin__fields *walk, struct tocsin__field *ret_field);   /* 1; 0: no more; -EINVAL: malformed */

/* The field of a payload as the public has it; a name that is too long for that is cut. */
void tocsin__field_read(const struct tocsin_payload *payload, const struct tocsin__field *field, struct tocsin_field *ret_field);

/* The types that a layout has, a bit each; -EINVAL: malformed, or its size is not what its fields come to. */
int  tocsin__layout_check(const struct tocsin_layout *layout);
bool tocsin__layout_same(const struct tocsin_layout *one, const struct tocsin_layout *other);   /* NULL: of no payload */

/* A deep copy of a payload. size answers the bytes that copying needs, 0 for NULL; copy fills memory of that size, aligned
   as malloc does, and gives the copy this layout. -ENOMEM or -errno: nothing is held. -EINVAL: it has a TOCSIN_LOCAL. */
size_t tocsin__payload_size(const struct tocsin_payload *payload);
int  tocsin__payload_copy(const struct tocsin_payload *payload, void *memory, const struct tocsin_layout *layout);
void tocsin__payload_clear(struct tocsin_payload *copy);         /* gives up what a copy holds, but not its memory */

#endif
