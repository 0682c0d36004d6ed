/* Sources: objects that emit, each with lists of the handlers that listen to it only. Every
   operation begins with a source. */
#ifndef TOCSIN_DELIVERY_SOURCE_H
#define TOCSIN_DELIVERY_SOURCE_H

#include <tocsin/source.h>

#include "delivery/loop.h"

struct tocsin__owner;

struct tocsin__source {
    uint64_t id;                    /* 0: the source has ended */
    void *data;                     /* the program's word */
    struct tocsin__listen *listens; /* the first lists, one for each signal */
    struct tocsin__listens *more;   /* a hash table of the further lists; NULL: there are none */
    uint32_t listens_count;
    bool is_op; /* the source is the first member of an operation */
    struct tocsin__handler
        *patterned;              /* the source's handlers that have a pattern, linked by next */
    const char *where;           /* file:line of the call that created the source */
    struct tocsin__owner *owner; /* NULL for an operation, which has its own owner */
    uint32_t pending; /* pending emissions of an operation, which stays a source until then */
    /* called when pending becomes 0; NULL: not an operation, and pending is not counted */
    void (*unpended)(struct tocsin__source *source);
};

/* The handlers of one source that listen to one signal. */
struct tocsin__listen {
    struct tocsin__loop_signal *loop_signal;
    struct tocsin__list *list;
};

/* The list in the hash table, which must exist; NULL: no handler of this source listens. */
struct tocsin__list *tocsin__source_list_far(const struct tocsin__source *source,
                                             const struct tocsin__loop_signal *loop_signal);
/* The place of the list, which is made if it is missing; NULL: no memory. */
struct tocsin__list **tocsin__source_listen(struct tocsin__source *source,
                                            struct tocsin__loop_signal *loop_signal);

/* The list of one signal; NULL: no handler of this source listens. */
static inline struct tocsin__list *
tocsin__source_list(const struct tocsin__source *source,
                    const struct tocsin__loop_signal *loop_signal)
{
    for (uint32_t i = 0; i < source->listens_count; i++)
        if (source->listens[i].loop_signal == loop_signal)
            return source->listens[i].list;
    return source->more ? tocsin__source_list_far(source, loop_signal) : NULL;
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
