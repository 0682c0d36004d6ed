/* A fence lets a thread without a loop wait until a loop has processed everything that is in its
 * inbox now. The fence is a node that is pushed behind everything else. When the node runs, it
 * wakes the thread. */
#ifndef TOCSIN_REMOTE_FENCE_H
#define TOCSIN_REMOTE_FENCE_H

#include <stdint.h>
#include <time.h>

struct tocsin__fence;
struct tocsin__loop;

struct tocsin__fence *tocsin__fence_new(void); /* returns NULL if there is no memory */

/* Pushes the fence into the loop's inbox, waits until the fence has run, and frees it. The wait
   ends at the time `until`; NULL means no time limit. Returns 0, also if the loop has ended, or
   -ETIMEDOUT. This is a cancellation point. */
int tocsin__fence_wait(struct tocsin__fence *fence, struct tocsin__loop *loop,
                       const struct timespec *until);

/* Frees a fence that was not sent. */
void tocsin__fence_free(struct tocsin__fence *fence);

/* Computes the time that is timeout_ms from now. Returns `when`, or NULL if there is no limit
   (-1). */
const struct timespec *tocsin__fence_deadline(int64_t timeout_ms, struct timespec *when);

/* Checks whether the calling thread may wait. Returns 0; -EINVAL if timeout_ms is less than -1;
   -EDEADLK if the thread has a loop; -EOWNERDEAD if its loop is the parent's (T8). */
int tocsin__fence_check(int64_t timeout_ms);

#endif
