/* The layout of a payload. It is read from its text, such as "string text;u64 user;". */
#ifndef TOCSIN_REGISTRY_LAYOUT_H
#define TOCSIN_REGISTRY_LAYOUT_H

#include <tocsin/payload.h>

struct tocsin__field {
    enum tocsin_type type;
    const char *name;
    size_t name_size, offset;
};

struct tocsin__fields { /* the state of a walk over the fields of a layout */
    const char *cursor;
    size_t end;   /* offset of the first byte after the field that was read last */
    size_t align; /* the largest alignment of all fields read so far */
};

void tocsin__fields_begin(struct tocsin__fields *walk, const struct tocsin_layout *layout);
/* Reads the next field. Returns 1 if ret_field is set, 0 at the end of the layout, or -EINVAL if
   the layout is malformed. */
int tocsin__fields_next(struct tocsin__fields *walk, struct tocsin__field *ret_field);

/* Returns the types of the fields as a set of bits 1 << type. Returns -EINVAL if the layout is
   malformed, or if its size differs from the size of its fields. */
int tocsin__layout_check(const struct tocsin_layout *layout);
/* Returns true if two layouts are equal. NULL means the layout of a signal without a payload. */
bool tocsin__layout_same(const struct tocsin_layout *one, const struct tocsin_layout *other);

#endif
