/* A fence lets a thread without a loop wait until a loop has processed everything that is in its
 * inbox now. The fence is a node: it is pushed behind the rest, and wakes the thread when it runs.
 */
#ifndef TOCSIN_REMOTE_FENCE_H
#define TOCSIN_REMOTE_FENCE_H

#include <stdint.h>
#include <time.h>

struct tocsin__fence;
struct tocsin__loop;

struct tocsin__fence *tocsin__fence_new(void); /* NULL: no memory */

/* Pushes the fence into the loop's inbox, waits until it has run or until that time (NULL: no time
 * limit), and frees it. 0, also if the loop has ended; -ETIMEDOUT. A cancellation point. */
int tocsin__fence_wait(struct tocsin__fence *fence, struct tocsin__loop *loop,
                       const struct timespec *until);

/* Frees a fence that was not sent. */
void tocsin__fence_free(struct tocsin__fence *fence);

/* Computes the time timeout_ms from now and returns when; NULL if there is no limit (-1). */
const struct timespec *tocsin__fence_deadline(int64_t timeout_ms, struct timespec *when);

/* Checks whether the calling thread may wait. -EINVAL: timeout_ms is less than -1; -EDEADLK: the
 * thread has a loop; -EOWNERDEAD: its loop is the parent's. */
int tocsin__fence_check(int64_t timeout_ms);

#endif
