/* Delivers an emission that an inbox has accepted. Such an emission cannot be refused any more. If
   it cannot be delivered now, it becomes pending, even if the limit is exceeded. */
#ifndef TOCSIN_REMOTE_ACCEPT_H
#define TOCSIN_REMOTE_ACCEPT_H

#include "delivery/emit.h"

/* Delivers the emission on this loop. *place is memory for a pending emission, or NULL. If the
   function has used the memory, it sets *place to NULL. `place` itself may be NULL. Returns false
   if there is no memory; then nothing has been done. */
bool tocsin__accept(struct tocsin__loop *loop, struct tocsin__signal *signal,
                    struct tocsin__info *info, struct tocsin__pending **place);

#endif
