/* Handlers and the lists that they stand in; sources, which have lists of their own. */
#ifndef TOCSIN_CORE_HANDLER_H
#define TOCSIN_CORE_HANDLER_H

#include <tocsin/handler.h>
#include <tocsin/source.h>

#include "core/match.h"

struct tocsin__owner;
struct tocsin__quarantine;

struct tocsin__handler {
    tocsin_fn fn;                                      /* what a delivery calls: the user's, or a trampoline, or one that does nothing (E3) */
    void *arg;                                         /* the user's, or the handler itself for a trampoline */
    uint64_t key;                                      /* E1: priority, then age; the smaller first */
    uint64_t calls;

    tocsin_fn user_fn;
    void *user_arg;
    tocsin_drop drop;
    uint64_t id;
    uint64_t source;                                   /* the one it listens to; 0: all */
    uint64_t faults;
    uint32_t flags;
    int32_t priority;
    uint32_t places;                                   /* lists that have it, dead or alive */
    uint64_t os;                                       /* real signals that it has taken over (os.h) */
    struct tocsin__match match;                        /* the signals that it listens to */
    struct tocsin__hold *mask;                         /* that are blocked while it runs; NULL: none but its own */
    const char *where, *call;
    struct tocsin__owner *owner;
    struct tocsin__gate *gate;
    struct tocsin__quarantine *quarantine;             /* of one that has failed or stalled; NULL */
    struct tocsin__handler *next, **link;              /* among the patterns of its source, or among the dead */
    uint64_t was;                                      /* its id, also when it has been disconnected */
};

enum {                                                 /* beyond the public flags */
    TOCSIN__OBSERVER = 1 << 16,
    TOCSIN__FIRST = 1 << 17,                           /* before every priority */
    TOCSIN__DROPPED = 1 << 18,                         /* disconnected, and its drop has been called */
    TOCSIN__CONNECTED = 1 << 19                        /* all of connecting has succeeded */
};

struct tocsin__source {                                /* the beginning of every operation, too */
    uint64_t id;
    void *data;
    struct tocsin__listen *listens;                    /* who listens to it alone, a list for each signal */
    uint32_t listens_count;
    bool is_op;
    struct tocsin__handler *patterned;                 /* those of them that may not have met a name yet */
    const char *where;
    struct tocsin__owner *owner;                       /* of one that is no operation */
};

struct tocsin__listen { struct tocsin__slot *slot; struct tocsin__list *list; };

static inline struct tocsin__list *tocsin__source_list(const struct tocsin__source *source, const struct tocsin__slot *slot)
{
    for (uint32_t i = 0; i < source->listens_count; i++)
        if (source->listens[i].slot == slot)
            return source->listens[i].list;
    return NULL;
}

/* Lists. add: into its place; *list is replaced if somebody may walk over it. running: NULL if its signal is not. -ENOMEM: as it was. */
extern tocsin__hidden struct tocsin__list tocsin__list_empty;
int  tocsin__list_add(struct tocsin__loop *loop, struct tocsin__list **list, struct tocsin__handler *handler, struct tocsin__slot *running);
void tocsin__list_handling(struct tocsin__list *list, const struct tocsin__handler *handler, uint32_t by);   /* one more, or -1 */
void tocsin__list_compact(struct tocsin__loop *loop, struct tocsin__list *list);     /* removes the dead */
void tocsin__slot_compact(struct tocsin__loop *loop, struct tocsin__slot *slot);     /* where they are many */
void tocsin__list_free(struct tocsin__loop *loop, struct tocsin__list *list);    /* at once, or when the loop is at rest */

/* Connecting, for the public calls and for queues. */
extern const struct tocsin__match_kind tocsin__handler_kind, tocsin__queue_kind;
struct tocsin__wish {
    const char *where, *call;
    struct tocsin_action action;
    unsigned flags;                                    /* of the internal ones */
    struct tocsin__gate *gate;
};
int  tocsin__connect(const struct tocsin__wish *wish, const char *pattern, struct tocsin_handler *ret_handler);
void tocsin__handler_disconnect(struct tocsin__loop *loop, struct tocsin__handler *handler);
void tocsin__handlers_asked(struct tocsin__loop *loop);          /* disconnects those that other threads have asked for */
int  tocsin__handler_find(uint64_t id, struct tocsin__handler **ret_handler);    /* of the thread's loop; -ENOENT, -EXDEV, the error it carries */
void tocsin__handler_bury(struct tocsin__loop *loop, struct tocsin__handler *handler);     /* dropped and freed when the loop is at rest */
int  tocsin__silent(const struct tocsin_info *info, void *arg);            /* does nothing: of a handler that is not there any more, or not yet */
void tocsin__handler_aim(struct tocsin__handler *handler);       /* what it calls: the user's function or a trampoline, by its flags and mask */
void tocsin__handler_failed(struct tocsin__loop *loop, struct tocsin__handler *handler, const struct tocsin_info *info, int err);
void tocsin__handler_function(const struct tocsin__handler *handler, char *buffer, size_t size);      /* as the source text has it; "": not known */
void tocsin__handler_announce(const struct tocsin__handler *handler, uint64_t id, const struct tocsin_spec *spec);   /* that it came or went */
void tocsin__slot_flags(struct tocsin__slot *slot);               /* has its listener agree with it */
void tocsin__slot_interest(struct tocsin__slot *slot);   /* has the interest word agree with it */

/* Sources, operations included. */
int  tocsin__source_init(struct tocsin__loop *loop, struct tocsin__source *source, void *data);
void tocsin__source_end(struct tocsin__loop *loop, struct tocsin__source *source);         /* disconnects its handlers, ends its id */
void tocsin__source_free(struct tocsin__loop *loop, struct tocsin__source *source);        /* one that is no operation */
int  tocsin__source_find(uint64_t id, struct tocsin__source **ret_source);        /* of the thread's loop; -ENOENT, -EXDEV, the error it carries */

#endif
