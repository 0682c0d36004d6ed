/* A source is an object that emits. It has lists of the handlers that listen to this source only.
   The first member of every operation is a source. */
#ifndef TOCSIN_DELIVERY_SOURCE_H
#define TOCSIN_DELIVERY_SOURCE_H

#include <tocsin/source.h>

#include "base/assert.h"
#include "delivery/loop.h"

struct tocsin__owner;

/* The handlers that are limited to one source. Made with the first such handler, and freed with the
 * source. */
struct tocsin__listeners {
    struct tocsin__listen *few;        /* the first lists, one for each signal */
    struct tocsin__listens *more;      /* a hash table of the lists that are not in `few`; NULL:
                                        * none */
    struct tocsin__handler *patterned; /* the handlers that have a pattern, linked by next */
    uint32_t count;                    /* number of lists in `few` */
};

struct tocsin__source {
    uint64_t id;                         /* id of the source; 0: the source has ended */
    void *data;                          /* the data word that the program gave to the source */
    struct tocsin__listeners *listeners; /* NULL: no handler was ever limited to this source */
    uint32_t pending; /* number of pending emissions of the operation, which stays a source until
                       * this number is 0 */
    bool is_op;       /* the source is the first member of an operation */
};

/* A source that tocsin_source_new has made. */
struct tocsin__made_source {
    struct tocsin__source source; /* the first member */
    const char *where;            /* file:line of the call that created the source */
    struct tocsin__owner *owner;
};

static inline struct tocsin__made_source *tocsin__made_source(struct tocsin__source *source)
{
    tocsin__assert(!source->is_op);
    return (struct tocsin__made_source *)source;
}

/* The list of the handlers of one source that listen to one signal. */
struct tocsin__listen {
    struct tocsin__loop_signal *loop_signal;
    struct tocsin__list *list;
};

/* Returns the list for the signal if it is in the hash table, which must exist. Returns NULL if no
   handler of this source listens. */
struct tocsin__list *tocsin__source_list_far(const struct tocsin__listeners *listeners,
                                             const struct tocsin__loop_signal *loop_signal);
/* Returns the listeners of the source, and makes them if there are none. Returns NULL if there is
   no memory. */
struct tocsin__listeners *tocsin__source_listeners(struct tocsin__source *source);
/* Returns the place of the list for the signal, and makes the list if it is missing. Returns NULL
   if there is no memory. */
struct tocsin__list **tocsin__source_listen(struct tocsin__source *source,
                                            struct tocsin__loop_signal *loop_signal);

/* Returns the source's list for one signal, or NULL if no handler of this source listens. */
static inline struct tocsin__list *
tocsin__source_list(const struct tocsin__source *source,
                    const struct tocsin__loop_signal *loop_signal)
{
    const struct tocsin__listeners *listeners = source->listeners;

    if (!listeners)
        return NULL;
    for (uint32_t i = 0; i < listeners->count; i++)
        if (listeners->few[i].loop_signal == loop_signal)
            return listeners->few[i].list;
    return listeners->more ? tocsin__source_list_far(listeners, loop_signal) : NULL;
}

/* Gives the source an id. Returns 0, or -ENOMEM if there is no memory. */
int tocsin__source_init(struct tocsin__loop *loop, struct tocsin__source *source, void *data);
/* Ends the id of the source, and disconnects the handlers that listen to this source only. */
void tocsin__source_end(struct tocsin__loop *loop, struct tocsin__source *source);
/* Ends and frees a source that is not an operation. */
void tocsin__source_free(struct tocsin__loop *loop, struct tocsin__source *source);
/* Finds a source or operation of this thread's loop. Returns 0; -ENOENT if it does not exist;
   -EXDEV if it belongs to another loop; or the error that the id carries. */
int tocsin__source_find(uint64_t id, struct tocsin__source **ret_source);

#endif
