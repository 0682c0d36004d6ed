/* The job, the same in every style: fetch each page, then the page that it names as its next; so many fetches at a time;
   count the bytes and the failures. The seven files beside this one do it, and differ only in how they learn that a
   fetch has ended. */
#ifndef JOB_H
#define JOB_H

#include <tocsin.h>
#include <tocsin/http.h>

extern int job_at_once;                   /* how many fetches at a time */

/* Before it begins. urls is not copied. */
void job_prepare(const char *const *urls, int count, int at_once, int timeout_ms);

/* The next page to fetch; NULL: all are taken. */
const char *job_page(void);

/* Starts a fetch with the job's deadline. notify is how its end is to be announced: the style. */
int job_fetch(const char *url, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/* Counts a fetch that has ended (info is not looked at if status is negative). Answers the page that it names as its
   next, good until the next call; NULL: none, or it failed. */
const char *job_ended(int status, const struct tocsin_info *info);

/* The styles: each does the whole job. 0, or a negative status if it could not be done at all. */
int synchronous(void);
int threads(void);
int callback(void);
int future(void);
int queue(void);
int registry(void);
int coroutine(void);

#endif
