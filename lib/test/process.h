/* The resources of the process that a plugin could leave behind or remove. */
#ifndef TOCSIN_TEST_PROCESS_H
#define TOCSIN_TEST_PROCESS_H

#include "test/snapshot.h"

/* 0; -ENOMEM, -errno: nothing was taken. */
int tocsin__snapshot_take(struct tocsin__snapshot *ret_snapshot);

#endif
