/* Calls the drop functions of lent data: data that the program has lent to a write. A drop function
   belongs to the program: it may write to the stream, and it may be left by a jump. So it is not
   called while the stream is sending or ending, but from the ready list of the loop, and before the
   end of the stream is announced. */
#ifndef TOCSIN_IO_DROPS_H
#define TOCSIN_IO_DROPS_H

#include "io/io.h"

struct tocsin__owner;

/* The first member of the block of memory that describes lent data. The block is freed before the
   drop function is called. */
struct tocsin__drop {
    struct tocsin__drop *next;
    tocsin_drop fn;
    void *arg;
    /* the plugin that contains fn, and must stay mapped; NULL: none */
    struct tocsin__owner *lender;
};

/* Queues a drop function, which the loop calls soon. io NULL: the loop is being freed, and the drop
   function is called at once. */
void tocsin__drops_add(struct tocsin__io *io, struct tocsin__drop *drop);
/* Calls the queued drop functions. */
void tocsin__drops_call(struct tocsin__io *io);

#endif
