/* Threads that a plugin may have begun by itself, which run its code when it is gone: it is not known whose a thread is, so those are meant that were not there before. */
#ifndef TOCSIN_PLUGIN_THREADS_H
#define TOCSIN_PLUGIN_THREADS_H

#include <stdbool.h>
#include <stddef.h>

struct tocsin__threads { int *ids; size_t count; };

int  tocsin__threads_note(struct tocsin__threads *threads);      /* those that there are: 0; -ENOMEM, -errno of opendir */
bool tocsin__threads_more(const struct tocsin__threads *threads);        /* there are others now, which are not the library's own */
void tocsin__threads_free(struct tocsin__threads *threads);

#endif
