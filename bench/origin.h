/* An HTTP origin of one's own on loopback, for fetching from: it keeps connections and answers each GET alike. */
#ifndef BENCH_ORIGIN_H
#define BENCH_ORIGIN_H

enum { ORIGIN_BODY_BYTES = 1024 };

struct origin { int pid, port; };

/* Forks it; the system chooses the port. 0, or -errno. */
int origin_start(struct origin *ret_origin);
void origin_stop(struct origin *origin);

#endif
