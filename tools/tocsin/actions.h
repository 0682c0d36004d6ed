/* The section [actions] of the file, and the signals of the host. */
#ifndef TOOLS_ACTIONS_H
#define TOOLS_ACTIONS_H

#include "host.h"

int host_declare(struct host *host);
/* returns the name of a signal of the host; returns NULL after the last signal */
const char *host_signal(size_t index);

/* Ends the actions that the plan does not list; if plan is NULL, ends all. Then begins the new
   actions of the plan, except those with the action ignore. */
void actions_listen(struct host *host, const struct plan *plan);
/* Begins the new actions "ignore". This function must be called when the plugins have declared
   their signals. */
void actions_ignore(struct host *host, const struct plan *plan);
/* Applies the actions "ignore" to a new loop. */
void actions_begin(struct host *host, struct tocsin_loop loop);

#endif
