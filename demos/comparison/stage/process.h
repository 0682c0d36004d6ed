/* The children of the demonstration. They end with it, however it ends. The signals that end it are taken here, in
   process_wait, and nowhere else: so there is no moment at which one is lost, or finds the children half known. */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

/* From here on SIGINT, SIGTERM and SIGHUP wait for process_wait. */
void process_begin(void);

/* fork(2). In the child: 0, signals as they were; it is killed when the parent is gone. A negative errno: it failed. */
pid_t process_fork(void);

/* Waits for a child, at most limit_ms milliseconds, and calls tick(arg) ten times a second meanwhile. 0 and ret_status as
   wait(2) has it; -EINTR: the user wants it to end; -ETIMEDOUT. */
int process_wait(pid_t pid, int limit_ms, void (*tick)(void *arg), void *arg, int *ret_status);

/* Ends all children, and waits until they are gone. Signals are as they were again. Answers what the program has to
   exit with: 128 + the signal that asked for the end, or status if none did. */
int process_end(int status);

#endif
