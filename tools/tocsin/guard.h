/* Two threads that end the program even if a plugin hangs. The first thread handles the real
   signals. It asks the main loop to drain or to reload, and it ends the program at the second
   SIGTERM or SIGINT. The second thread ends the program one second after the time for draining is
   over. */
#ifndef TOOLS_GUARD_H
#define TOOLS_GUARD_H

#include "host.h"

int guard_begin(struct host *host);
void guard_limit(int64_t limit_ms); /* sets the time that a drain may take */
void guard_start(void);             /* starts the time for draining; later calls do nothing */
void guard_asked(void);             /* counts a request to end the program, as a signal does */
void guard_end(void);

#endif
