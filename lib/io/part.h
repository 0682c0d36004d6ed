/* Cuts received bytes into parts: as they come, exactly n, until a text, to the end. It knows no
   stream. */
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
    size_t size;       /* the most bytes of a part */
    const char *until; /* for TOCSIN__PART_UNTIL */
};

enum { TOCSIN__PART_USUAL = 64 * 1024, TOCSIN__PART_TO_END_MOST = 16 * 1024 * 1024 };

/* Fills in a rule; until is borrowed. part NULL: as it comes. -EINVAL */
int tocsin__part_set(struct tocsin__part *rule, const struct tocsin_part *part);
/* Returns the size of the part at the beginning of these bytes; 0: more bytes are needed, or, at
   the end of the stream, there is nothing left; TOCSIN_ETOOBIG; TOCSIN_ETRUNCATED. *scanned: bytes
   in which the delimiter was searched already; 0 for a new part. */
int64_t tocsin__part_cut(const struct tocsin__part *rule, const void *data, size_t size,
                         bool is_ended, size_t *scanned);

#endif
