/* Other programs: what they are started with. exec resets handlers by itself, but what is ignored stays ignored, and what is blocked stays blocked: the library's
   threads block every signal (S2), and S1 may block some on a loop's. */
#ifndef TOCSIN_EXEC_H
#define TOCSIN_EXEC_H

#include <spawn.h>

#include <tocsin/base.h>

TOCSIN__BEGIN

/**
 * T8. Has posix_spawn start a program with the default disposition of every signal and an empty mask. What else attributes say stays as it is.
 *
 * @owner   attributes stay the caller's, initialised by posix_spawnattr_init
 * @return  0; -EINVAL: attributes is NULL; -errno of posix_spawnattr_setflags
 * @emits   none
 * @thread  any
 * @source  POSIX posix_spawn(3), posix_spawnattr_setsigmask(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_exec_attributes(posix_spawnattr_t *attributes);

/**
 * T8. The same in a child between fork and exec: gives every signal its default disposition, and the calling thread an empty mask.
 *
 * @owner   none
 * @return  0
 * @emits   none
 * @thread  any, async-signal-safe; for the child of a fork that goes on to exec
 * @source  POSIX fork(2), execve(2)
 * @since   0.1
 */
TOCSIN_API int tocsin_exec_reset(void);

TOCSIN__END
#endif
