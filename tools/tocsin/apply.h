/* Brings the running host to the state that a plan describes. */
#ifndef TOOLS_APPLY_H
#define TOOLS_APPLY_H

#include "host.h"

void host_apply(struct host *host, struct plan *plan); /* the host owns the plan after this call */
void host_unload_all(struct host *host);
unsigned host_plugins(void); /* returns the number of plugins that are loaded */

#endif
