/* The threads of the pools. A thread is started when a job is added and no thread is idle. It ends
 * after it has been idle for a second. All signals are blocked in it, except while it runs a
 * function of the program (S2). */
#ifndef TOCSIN_OP_WORKER_H
#define TOCSIN_OP_WORKER_H

struct tocsin__job;
struct tocsin__pool;

/* Adds a job. -EAGAIN: the queue is full, or the pool has no thread and cannot start one. */
int tocsin__worker_run(struct tocsin__pool *pool, struct tocsin__job *job);

/* Called before and after a function of the program. In between, a pool thread handles signals and
 * can be cancelled. On other threads both calls do nothing. */
void tocsin__worker_task_begin(void);
void tocsin__worker_task_end(void);

/* The first function is called when a loop gets its first operation, the second one when it has
 * lost its last one. Idle threads are kept while any loop has operations. When no loop has
 * operations, the second function ends the idle threads and waits for them. */
void tocsin__workers_use(void);
void tocsin__workers_rest(void);

#endif
