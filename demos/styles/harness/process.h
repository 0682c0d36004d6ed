/* The child processes of the demonstration. The children end when the parent ends, for whatever
   reason. The signals that end the parent are blocked while children are created and awaited. So
   these signals never interrupt the creation of a child. */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

/* Blocks SIGINT, SIGTERM and SIGHUP. From then on process_wait() takes these signals. */
void process_begin(void);

/* Does the same as fork(2), with two differences: the child gets the old signal mask, and the
   kernel kills the child when the parent ends. Returns -errno if fork fails. */
pid_t process_fork(void);

/* Waits for a child, at most limit_ms milliseconds, and calls tick(arg) ten times a second
   meanwhile. Returns 0 and sets *ret_status as wait(2) does. Returns -EINTR if a signal requested
   the end, and -ETIMEDOUT after limit_ms. */
int process_wait(pid_t pid, int limit_ms, void (*tick)(void *arg), void *arg, int *ret_status);

/* Ends all children, waits for them, and restores the signal mask. Returns the exit status of the
   program. This is 128 + the signal that requested the end, or status if no signal did. */
int process_end(int status);

#endif
