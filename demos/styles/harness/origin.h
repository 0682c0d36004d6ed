/* The HTTP origin of the demonstration. It runs in its own process, on a port that the system
   chooses. It behaves like a network: each page has a delay, and some fail. The behaviour of a page
   depends only on its number. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdint.h>
#include <sys/types.h>

/* Of 200 pages, 2 have the status 500, 2 reset the connection, 1 is cut short, 1 is never sent. */
enum origin_fate { ORIGIN_ANSWERS, ORIGIN_ERROR, ORIGIN_RESETS, ORIGIN_CUTS, ORIGIN_NEVER };
enum origin_fate origin_fate(int page);

/* The delay of a page, in microseconds: 75 to 125 % of the delay, spread evenly over the numbers.
   Of each 200 pages, every fifth of the first 120 takes six times as long (its follow-up does not),
   and the last 40 take half as long: the end of a run shows the style, not one slow page. */
int64_t origin_delay_us(int page, int follow_up, int delay_ms);

/* Whether a page names a follow-up: 24 of 25 do. */
int origin_has_follow_up(int page);

/* The deadline of a fetch, for pages that are never sent: 20 delays, and at least 400 ms. */
int origin_deadline_ms(int delay_ms);

struct origin {
    pid_t pid;
    int port;
    int control; /* the parent's end of a socket pair */
};

/* Counts since the last call: requests, and what was sent. bytes: of bodies that were sent whole.
 */
struct origin_counts {
    int64_t requests, bytes, failures;
};

/* Both return 0 or -errno. */
int origin_start(int delay_ms, struct origin *ret_origin);
int origin_take(const struct origin *origin, struct origin_counts *ret_counts);

#endif
