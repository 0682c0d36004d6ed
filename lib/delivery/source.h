/* Sources: objects that emit, each with lists of the handlers that listen to it only. Every
   operation begins with a source. */
#ifndef TOCSIN_DELIVERY_SOURCE_H
#define TOCSIN_DELIVERY_SOURCE_H

#include <tocsin/source.h>

#include "base/assert.h"
#include "delivery/loop.h"

struct tocsin__owner;

/* Made with the first handler that listens to one source only, and freed with the source. */
struct tocsin__listeners {
    struct tocsin__listen *few;        /* the first lists, one for each signal */
    struct tocsin__listens *more;      /* a hash table of the further lists; NULL: there are none */
    struct tocsin__handler *patterned; /* the handlers that have a pattern, linked by next */
    uint32_t count;                    /* of few */
};

struct tocsin__source {
    uint64_t id;                         /* 0: the source has ended */
    void *data;                          /* the program's word */
    struct tocsin__listeners *listeners; /* NULL: no handler has listened to this source only */
    uint32_t pending; /* pending emissions of an operation, which stays a source until then */
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

/* The handlers of one source that listen to one signal. */
struct tocsin__listen {
    struct tocsin__loop_signal *loop_signal;
    struct tocsin__list *list;
};

/* The list in the hash table, which must exist; NULL: no handler of this source listens. */
struct tocsin__list *tocsin__source_list_far(const struct tocsin__listeners *listeners,
                                             const struct tocsin__loop_signal *loop_signal);
/* The listeners of the source, which are made if there are none; NULL: no memory. */
struct tocsin__listeners *tocsin__source_listeners(struct tocsin__source *source);
/* The place of the list, which is made if it is missing; NULL: no memory. */
struct tocsin__list **tocsin__source_listen(struct tocsin__source *source,
                                            struct tocsin__loop_signal *loop_signal);

/* The list of one signal; NULL: no handler of this source listens. */
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

/* Gives the source an id. -ENOMEM */
int tocsin__source_init(struct tocsin__loop *loop, struct tocsin__source *source, void *data);
/* Ends the id, and disconnects the handlers that listen to this source only. */
void tocsin__source_end(struct tocsin__loop *loop, struct tocsin__source *source);
/* Ends and frees a source that is not an operation. */
void tocsin__source_free(struct tocsin__loop *loop, struct tocsin__source *source);
/* Finds a source or operation of this thread's loop. 0; -ENOENT; -EXDEV: another loop's; the error
   that the id carries */
int tocsin__source_find(uint64_t id, struct tocsin__source **ret_source);

#endif
