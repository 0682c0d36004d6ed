/* Detects threads that a plugin may have started. A thread's creator is unknown, so every thread
   that did not exist when the plugin was loaded counts. */
#ifndef TOCSIN_PLUGIN_THREADS_H
#define TOCSIN_PLUGIN_THREADS_H

#include <stdbool.h>
#include <stddef.h>

struct tocsin__threads {
    int *ids;
    size_t count;
};

/* Lists the threads of the process. 0; -ENOMEM; -errno of opendir. */
int tocsin__threads_note(struct tocsin__threads *threads);
/* True if there are other threads now, apart from those of the library. */
bool tocsin__threads_has_more(const struct tocsin__threads *threads);
void tocsin__threads_free(struct tocsin__threads *threads);

#endif
