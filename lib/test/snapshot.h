/* A list of things that the process has, one line of text for each, and the difference of two such
   lists. A line is the name of a thing. A tab and a value may follow the name: the value is
   compared, but not printed. */
#ifndef TOCSIN_TEST_SNAPSHOT_H
#define TOCSIN_TEST_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "test/sentence.h"

struct tocsin__snapshot {
    char *lines; /* each ends with a NUL */
    size_t size, room;
    int err; /* the first error: from then on nothing is added */
};

void tocsin__snapshot_add(struct tocsin__snapshot *snapshot, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tocsin__snapshot_free(struct tocsin__snapshot *snapshot);

bool tocsin__snapshot_has(const struct tocsin__snapshot *snapshot, const char *line);

/* Returns whether the two lists differ. Appends the things that are in one of them only. */
bool tocsin__snapshot_differs(const struct tocsin__snapshot *before,
                              const struct tocsin__snapshot *after,
                              const struct tocsin__sentence *sentence);

#endif
