/* Cuts received bytes into parts: as they come, of an exact size, up to a delimiter, or up to the
   end of the stream. */
#ifndef TOCSIN_IO_PART_H
#define TOCSIN_IO_PART_H

#include <stdbool.h>

#include <tocsin/stream.h>

enum tocsin__part_kind {
    TOCSIN__PART_AS_IT_COMES,
    TOCSIN__PART_EXACTLY,
    TOCSIN__PART_UNTIL,
    TOCSIN__PART_TO_END
};

struct tocsin__part {
    enum tocsin__part_kind kind;
    uint32_t until_size;
    size_t size;       /* the largest size of a part, or its exact size */
    const char *until; /* the delimiter for TOCSIN__PART_UNTIL */
};

enum { TOCSIN__PART_USUAL = 64 * 1024, TOCSIN__PART_TO_END_MOST = 16 * 1024 * 1024 };

/* Checks a part, and fills in the rule. rule->until points to part->until. part NULL: as the bytes
   come. -EINVAL */
int tocsin__part_set(struct tocsin__part *rule, const struct tocsin_part *part);
/* Returns the size of the part at the beginning of these bytes. 0: more bytes are needed, or the
   stream has ended and no bytes are left; TOCSIN_ETOOBIG; TOCSIN_ETRUNCATED. *scanned counts the
   bytes in which the delimiter was searched already; the caller sets it to 0 for a new part. */
int64_t tocsin__part_cut(const struct tocsin__part *rule, const void *data, size_t size,
                         bool is_ended, size_t *scanned);

#endif
