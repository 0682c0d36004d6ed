/* The child processes of the demonstration. They end with the parent, in whatever way it ends. The
   signals that end the parent are blocked while children are created and awaited, so they never
   interrupt the creation of a child. */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

/* Blocks SIGINT, SIGTERM and SIGHUP; process_wait takes them. */
void process_begin(void);

/* fork(2). Returns 0 in the child, with the signal mask restored; the kernel kills the child when
   the parent ends. Returns -errno if fork fails. */
pid_t process_fork(void);

/* Waits for a child, at most limit_ms milliseconds, and calls tick(arg) ten times a second
   meanwhile. Returns 0 and sets ret_status as wait(2) does; -EINTR: a signal; -ETIMEDOUT. */
int process_wait(pid_t pid, int limit_ms, void (*tick)(void *arg), void *arg, int *ret_status);

/* Ends all children, waits for them, and restores the signal mask. Returns the exit status of the
   program: 128 + the signal that requested the end, or status if there was none. */
int process_end(int status);

#endif
