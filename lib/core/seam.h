/* The seams at which an interposer stands (tocsin/interpose.h). END is lib/op's, RECEIPT lib/loop's, since both need time. */
#ifndef TOCSIN_CORE_SEAM_H
#define TOCSIN_CORE_SEAM_H

#include <stdatomic.h>

#include <tocsin/interpose.h>

#include "core/mem.h"

struct tocsin__owner;

extern tocsin__hidden _Atomic bool tocsin__interposed;

/* Somebody may stand there: all that a seam costs if not. */
static inline bool tocsin__seam(void)
{
    return tocsin__unlikely(atomic_load_explicit(&tocsin__interposed, memory_order_relaxed));
}

/* What is said of it; all zero: it crosses, also where this is called by who stands there. */
struct tocsin_verdict tocsin__cross(const struct tocsin_crossing *crossing);
int  tocsin__cross_post(int signo);                    /* 0, or what the post is to answer */
void tocsin__interpose_end(const struct tocsin__owner *owner);     /* if it is the owner's who stands there: nobody does any more */

#endif
