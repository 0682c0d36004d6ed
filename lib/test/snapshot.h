/* A list of resources of the process, with one line of text for each, and the difference of two
   such lists. A line begins with the name of a resource. A tab and a value may follow the name. The
   value is compared, but not printed. */
#ifndef TOCSIN_TEST_SNAPSHOT_H
#define TOCSIN_TEST_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "test/sentence.h"

struct tocsin__snapshot {
    char *lines; /* the lines, each with a NUL at its end */
    size_t size, room;
    int err; /* the first error; after an error nothing is added */
};

void tocsin__snapshot_add(struct tocsin__snapshot *snapshot, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tocsin__snapshot_free(struct tocsin__snapshot *snapshot);

bool tocsin__snapshot_has(const struct tocsin__snapshot *snapshot, const char *line);

/* Returns true if the two lists differ. Appends the names of the resources that are in only one of
   them. */
bool tocsin__snapshot_differs(const struct tocsin__snapshot *before,
                              const struct tocsin__snapshot *after,
                              const struct tocsin__sentence *sentence);

#endif
