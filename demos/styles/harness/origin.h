/* The HTTP origin of the demonstration. It runs in its own process, on a port that the system
   chooses. It behaves like a network: each page has a delay, and some pages fail. The behaviour of
   a page depends only on the number of the page. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdint.h>
#include <sys/types.h>

/* Of 200 pages, 2 have the status 500, and 2 reset the connection. One page is cut short, and one
   page is never sent. */
enum origin_fate { ORIGIN_ANSWERS, ORIGIN_ERROR, ORIGIN_RESETS, ORIGIN_CUTS, ORIGIN_NEVER };
enum origin_fate origin_fate(int page);

/* Returns the delay of a page in microseconds. It is 75 to 125 % of delay_ms, spread evenly over
   the page numbers. Of each 200 pages, every fifth of the first 120 takes six times as long; the
   follow-up of such a page does not. The last 40 pages take half as long. So the end of a run shows
   the style, and not one slow page. */
int64_t origin_delay_us(int page, int follow_up, int delay_ms);

/* Returns 1 if the page names a follow-up page. 24 of 25 pages name one. */
int origin_has_follow_up(int page);

/* Returns the deadline of a fetch, which ends fetches of pages that are never sent. It is 20
   delays, and at least 400 ms. */
int origin_deadline_ms(int delay_ms);

struct origin {
    pid_t pid;
    int port;
    int control; /* the parent's end of a socket pair */
};

/* The counts since the last call of origin_take(). `bytes` counts the bytes of bodies that were
   sent completely. */
struct origin_counts {
    int64_t requests, bytes, failures;
};

/* Each of these two functions returns 0 or -errno. */
int origin_start(int delay_ms, struct origin *ret_origin);
int origin_take(const struct origin *origin, struct origin_counts *ret_counts);

#endif
