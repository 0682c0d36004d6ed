/* Detects threads that a plugin may have started. The creator of a thread is unknown. So every
   thread that did not exist when the plugin was loaded is counted. */
#ifndef TOCSIN_PLUGIN_THREADS_H
#define TOCSIN_PLUGIN_THREADS_H

#include <stdbool.h>
#include <stddef.h>

struct tocsin__threads {
    int *ids;
    size_t count;
};

/* Lists the threads of the process. Returns 0, -ENOMEM, or -errno of opendir. */
int tocsin__threads_note(struct tocsin__threads *threads);
/* Returns true if the process now has more threads than when tocsin__threads_note was called.
 * Threads of the library are not counted. */
bool tocsin__threads_has_more(const struct tocsin__threads *threads);
void tocsin__threads_free(struct tocsin__threads *threads);

#endif
