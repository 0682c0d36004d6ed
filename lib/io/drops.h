/* Drops of lent data. A drop is a function of the program: it may write to the stream, and it may
   jump out. So it is not called in the middle of sending or of an end, but from the ready list of
   the loop, before the end of its stream is announced. */
#ifndef TOCSIN_IO_DROPS_H
#define TOCSIN_IO_DROPS_H

#include "io/io.h"

struct tocsin__owner;

/* Lent data: the first member of the block that describes the data. The block is freed before the
   drop is called. */
struct tocsin__drop {
    struct tocsin__drop *next;
    tocsin_drop fn;
    void *arg;
    struct tocsin__owner *lender; /* the plugin of fn, which must not be unmapped; NULL: none */
};

/* Adds a drop to those that the loop calls soon. io NULL: the loop is being freed, and the drop is
   called at once. */
void tocsin__drops_add(struct tocsin__io *io, struct tocsin__drop *drop);
/* Calls the drops that wait. */
void tocsin__drops_call(struct tocsin__io *io);

#endif
