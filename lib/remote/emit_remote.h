/* Emits signals to which other loops listen. */
#ifndef TOCSIN_REMOTE_EMIT_REMOTE_H
#define TOCSIN_REMOTE_EMIT_REMOTE_H

#include "delivery/loop.h"

/* Emits to this loop and to the other loops that listen. Returns the result of the delivery on this
   loop, or TOCSIN_PENDED. After an error no loop has received the emission. */
int tocsin__emit_both(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                      struct tocsin__info *info);

/* Sends the emission to the other loops only. If `here` is true, the caller delivers the emission
   on this loop. Returns the number of loops, or an error if nothing was sent. */
int tocsin__emit_away(struct tocsin__loop *loop, struct tocsin__signal *signal,
                      struct tocsin__info *info, bool here);

#endif
