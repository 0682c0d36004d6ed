/* The [actions] of the file, and the signals of the host. */
#ifndef TOOLS_ACTIONS_H
#define TOOLS_ACTIONS_H

#include "host.h"

int host_declare(struct host *host);
/* returns the name of a signal of the host, or NULL after the last */
const char *host_signal(size_t index);

/* Ends the actions that the plan does not list (plan NULL: all), and begins its new ones, except
   those with the action ignore. */
void actions_listen(struct host *host, const struct plan *plan);
/* Starts the new actions ignore. Call it when the plugins have declared their signals. */
void actions_ignore(struct host *host, const struct plan *plan);
/* Applies the actions ignore to a new loop. */
void actions_begin(struct host *host, struct tocsin_loop loop);

#endif
