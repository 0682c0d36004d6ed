/* The threads of the pools. A thread starts when a job is added and no thread is idle. It ends when
   it has been idle for a second, and blocks every signal except while it runs a function of the
   program (S2). */
#ifndef TOCSIN_OP_WORKER_H
#define TOCSIN_OP_WORKER_H

struct tocsin__job;
struct tocsin__pool;

/* Adds a job. -EAGAIN: the queue is full, or the pool has no thread and none can be started. */
int tocsin__worker_run(struct tocsin__pool *pool, struct tocsin__job *job);

/* Around a function of the program: between them a pool thread takes signals and can be cancelled.
   On other threads they do nothing. */
void tocsin__worker_task_begin(void);
void tocsin__worker_task_end(void);

/* A loop begins, or ceases, to have operations. While any loop has some, idle threads are kept.
   When the last one ceases, tocsin__workers_rest ends the idle threads and waits for them. */
void tocsin__workers_use(void);
void tocsin__workers_rest(void);

#endif
