/* Two threads that end the program even if a plugin hangs. The first handles the real signals: it
   asks the main loop to drain or to reload, and ends the program at the second SIGTERM or SIGINT.
   The second ends the program one second after the time to drain. */
#ifndef TOOLS_GUARD_H
#define TOOLS_GUARD_H

#include "host.h"

int guard_begin(struct host *host);
void guard_limit(int64_t limit_ms); /* sets the time that draining may take */
void guard_start(void);             /* starts this time; later calls do nothing */
void guard_asked(void);             /* counts a request to end, like a signal */
void guard_end(void);

#endif
