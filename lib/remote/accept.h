/* Delivers an emission that an inbox has accepted. It cannot be refused any more: if it cannot be
 * delivered now, it becomes pending, even if the limit is exceeded. */
#ifndef TOCSIN_REMOTE_ACCEPT_H
#define TOCSIN_REMOTE_ACCEPT_H

#include "delivery/emit.h"

/* *place: memory for a pending emission, or NULL; set to NULL if the function has used it. place
 * may be NULL. Returns false if memory is missing; then nothing has been done. */
bool tocsin__accept(struct tocsin__loop *loop, struct tocsin__signal *signal,
                    struct tocsin__info *info, struct tocsin__pending **place);

#endif
