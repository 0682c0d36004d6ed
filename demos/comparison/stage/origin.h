/* An HTTP origin of the demonstration's own, in a process of its own, on a port that the system chooses. It is like a
   network: each page takes its time, and some go wrong. What a page does is a function of its number alone. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdint.h>
#include <sys/types.h>

/* Of 200 pages 2 answer 500, 2 reset the connection, 1 is cut short, 1 never comes. */
enum origin_fate { ORIGIN_ANSWERS, ORIGIN_ERROR, ORIGIN_RESETS, ORIGIN_CUTS, ORIGIN_NEVER };
enum origin_fate origin_fate(int page);

/* How long a page takes, in microseconds: 75 to 125 % of the delay, spread evenly over the numbers. Of each 200 pages, every
   fifth of the first 120 takes six times as long (its follow-up does not), and the last 40 take half as long: the end of a
   run is to show the style, not a straggler. */
int64_t origin_delay_us(int page, int follow_up, int delay_ms);

/* Whether a page that answers names a follow-up: 24 of 25 do. */
int origin_has_follow_up(int page);

/* The deadline that ends a page that never comes: 20 delays, and at least 400 ms. */
int origin_deadline_ms(int delay_ms);

struct origin {
    pid_t pid;
    int port;
    int control;                          /* the parent's end of a socket pair */
};

/* What it was asked and what it sent since the last time: bytes are those of the bodies that it sent whole. */
struct origin_counts { int64_t requests, bytes, failures; };

/* Both answer 0 or a negative errno. */
int origin_start(int delay_ms, struct origin *ret_origin);
int origin_take(const struct origin *origin, struct origin_counts *ret_counts);

#endif
