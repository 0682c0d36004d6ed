/* An HTTP origin on loopback for bench/fetch. The origin keeps its connections open, and sends the
   same reply to each GET. */
#ifndef BENCH_ORIGIN_H
#define BENCH_ORIGIN_H

enum { ORIGIN_BODY_BYTES = 1024 };

struct origin {
    int pid, port;
};

/* Forks the origin, which listens on a port that the system chooses. Returns 0 or -errno. */
int origin_start(struct origin *ret_origin);
void origin_stop(struct origin *origin);

#endif
