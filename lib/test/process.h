/* Lists the resources of the process that a plugin could leave behind or remove. */
#ifndef TOCSIN_TEST_PROCESS_H
#define TOCSIN_TEST_PROCESS_H

#include "test/snapshot.h"

/* Takes a snapshot of the process. Returns 0; or -ENOMEM or another -errno, and then there is no
   snapshot. */
int tocsin__snapshot_take(struct tocsin__snapshot *ret_snapshot);

#endif
