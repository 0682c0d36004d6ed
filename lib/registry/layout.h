/* The layout of a payload, read from its text: "string text;u64 user;". */
#ifndef TOCSIN_REGISTRY_LAYOUT_H
#define TOCSIN_REGISTRY_LAYOUT_H

#include <tocsin/payload.h>

struct tocsin__field {
    enum tocsin_type type;
    const char *name;
    size_t name_size, offset;
};

struct tocsin__fields { /* a walk over the fields of a layout */
    const char *cursor;
    size_t end;   /* offset behind the last field read */
    size_t align; /* largest alignment so far */
};

void tocsin__fields_begin(struct tocsin__fields *walk, const struct tocsin_layout *layout);
/* 1: ret_field is set; 0: the end; -EINVAL: malformed */
int tocsin__fields_next(struct tocsin__fields *walk, struct tocsin__field *ret_field);

/* Returns the types of the fields as a set of bits 1 << type. -EINVAL: the layout is malformed, or
   its size is not the size of its fields. */
int tocsin__layout_check(const struct tocsin_layout *layout);
/* Whether two layouts are equal; NULL is the layout of no payload. */
bool tocsin__layout_same(const struct tocsin_layout *one, const struct tocsin_layout *other);

#endif
