/* What there is of the process that a plugin could leave something of, or take something from: a line for each thing (process.c), and what differs between two such
   lists (snapshot.c). A line is what is said of the thing; behind a tab, if there is one, stands what is compared and not said: an address, a value that is nobody's
   business. */
#ifndef TOCSIN_PLUGIN_SNAPSHOT_H
#define TOCSIN_PLUGIN_SNAPSHOT_H

#include "plugin/reason.h"

struct tocsin__snapshot { char *lines; size_t size, room; int err; };      /* err stays, and nothing is added any more */

int  tocsin__snapshot_take(struct tocsin__snapshot *ret_snapshot);       /* 0; -ENOMEM, -errno: nothing was taken */
void tocsin__snapshot_free(struct tocsin__snapshot *snapshot);

void tocsin__snapshot_add(struct tocsin__snapshot *snapshot, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool tocsin__snapshot_has(const struct tocsin__snapshot *snapshot, const char *line);

/* Says what there is now and was not before, and what was and is not: whether there is any. */
bool tocsin__snapshot_differs(const struct tocsin__snapshot *before, const struct tocsin__snapshot *now, const struct tocsin__reason *reason);

#endif
