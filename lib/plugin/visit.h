/* Every loop does something, on its own thread, between turns, whenever it comes to that; who is last tells. */
#ifndef TOCSIN_PLUGIN_VISIT_H
#define TOCSIN_PLUGIN_VISIT_H

#include "core/inbox.h"

struct tocsin__loop;
struct tocsin__visit;
struct tocsin__call { struct tocsin__node node; struct tocsin__visit *visit; };

struct tocsin__visit {
    void (*does)(struct tocsin__visit *visit);         /* on each of them */
    void (*over)(struct tocsin__visit *visit);         /* once, on whichever thread; the visit is its to free */
    void *arg;
    const struct tocsin__loop *except;                 /* it is not called */
    uint32_t count;
    _Atomic uint32_t called;                           /* how many were; complete when begin has returned */
    _Atomic uint32_t left;
    struct tocsin__call calls[];
};

/* NULL: no memory. The loops that there are now; who is made later is not called, who ends first is called before it does. */
struct tocsin__visit *tocsin__visit_new(void (*does)(struct tocsin__visit *visit), void (*over)(struct tocsin__visit *visit), void *arg);
struct tocsin__visit *tocsin__visit_grown(struct tocsin__visit *visit);    /* for loops that have been made since; without memory: as it was */
void tocsin__visit_begin(struct tocsin__visit *visit);

#endif
