/* A plugin is unloaded or reloaded: what both are made of. A change is moved on by the thread of the plugin's home loop, between turns, whenever something has come about
   that it may wait for; whoever brings that about nudges it, from whichever thread. */
#ifndef TOCSIN_PLUGIN_CHANGE_H
#define TOCSIN_PLUGIN_CHANGE_H

#include "op/op.h"
#include "plugin/plugin.h"
#include "plugin/visit.h"

enum { TOCSIN__PATIENCE_MS = 10000 };                  /* of an operation that nobody gave a deadline */

struct tocsin__change {
    struct tocsin__change *next;                       /* among those that are under way */
    struct tocsin__node node;                          /* on its way to the home loop */
    _Atomic bool queued;
    _Atomic uint32_t refs;
    void (*step)(struct tocsin__change *change);       /* goes as far as it can */
    void (*moves)(struct tocsin__change *change);      /* another loop is to be its home; NULL: nothing is to be done */
    void (*forgotten)(struct tocsin__change *change);  /* before it is freed; NULL: nothing is to be done */

    struct tocsin__plugin *plugin;                     /* NULL: only the image goes */
    struct tocsin__image *image;                       /* that goes */
    struct tocsin__owner *owner;                       /* its */
    bool unmapped;                                     /* and the image is to be freed with this */
    _Atomic uint64_t op;
    struct tocsin__loop *home;
    int phase;
    _Atomic bool late;                                 /* the operation has ended: whoever asked waits no more */
    _Atomic bool again;                                /* it was asked for once more: from the beginning */
    _Atomic bool visiting;
    struct tocsin__timer later;                        /* it looks again */
    uint64_t later_on;                                 /* the id of the loop that has that timer */
    struct tocsin__visit *visits[3];                   /* made ahead, so that nothing on the way can fail for memory */
};

/* home: of the plugin, or, where that is gone, the thread's. */
void tocsin__change_begin(struct tocsin__change *change, struct tocsin__plugin *plugin, struct tocsin__image *image);
void tocsin__change_end(struct tocsin__change *change);           /* nothing nudges it any more */
void tocsin__change_nudge(struct tocsin__change *change);
void tocsin__change_later(struct tocsin__change *change, int64_t ms);     /* nudges it then, on this thread, which is the home loop's */
void tocsin__change_hold(struct tocsin__change *change);
void tocsin__change_put(struct tocsin__change *change);
void tocsin__changes_nudge(void);                      /* all of them: a plugin has gone */

/* Visits all loops, then nudges. */
struct tocsin__visit *tocsin__change_visit(struct tocsin__change *change, void (*does)(struct tocsin__visit *visit));    /* NULL: no memory */
void tocsin__change_visits(struct tocsin__change *change, int which);
static inline struct tocsin__owner *tocsin__visit_owner(const struct tocsin__visit *visit)
{
    return ((const struct tocsin__change *)visit->arg)->owner;
}

/* What it waits for, in words: "it has 2 operations, 1 type". */
void tocsin__change_describe(const struct tocsin__change *change, char *text, size_t size);

#endif
