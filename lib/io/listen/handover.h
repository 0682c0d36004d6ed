/* The sockets of a plugin's listeners during its reload: they are kept for the new version, so that
   no client is refused meanwhile. */
#ifndef TOCSIN_IO_HANDOVER_H
#define TOCSIN_IO_HANDOVER_H

#include "io/listen/acceptor.h"

/* Notes the address at which a listener of a plugin was opened, for a later reload. -ENOMEM */
int tocsin__handover_note(struct tocsin__acceptor *listener, const char *address);
/* Keeps the socket of a listener that ends because its plugin is reloaded. Without memory, and in
   every other case, the listener keeps its socket and closes it itself. */
void tocsin__handover_keep(struct tocsin__acceptor *listener);
/* Gives the listener the socket that the former version of its plugin had at this address. Returns
   the descriptor, or -ENOENT. */
int tocsin__handover_take(struct tocsin__acceptor *listener, const char *address);

#endif
