/* The job, the same in every style: fetch each page, then the page that it names as its next one;
   run a fixed number of fetches at a time; count the bytes and the failures. The seven files beside
   this one do the job, and differ only in how they are notified of the end of a fetch.

   The styles ignore errors: job_fetch ends the program if a fetch cannot be started, and job_ended
   counts a fetch that fails. So only the style remains in each file. A program that lives on must
   check every result. */
#ifndef JOB_H
#define JOB_H

#include <tocsin.h>
#include <tocsin/http.h>

extern int job_at_once; /* the number of fetches at a time */

/* Called before the job begins. urls is not copied. */
void job_prepare(const char *const *urls, int count, int at_once, int timeout_ms);

/* The next page to fetch; NULL: no more. */
const char *job_page(void);

/* Starts a fetch with the deadline of the job. notify says how its end is announced: the style. */
int job_fetch(const char *url, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/* Counts a fetch that has ended. info is not used if status is negative. Returns the page that the
   reply names as its next one, valid until the next call; NULL: none, or the fetch failed. */
const char *job_ended(int status, const struct tocsin_info *info);

/* The styles: each does the whole job. Returns 0, or a negative status if the job failed. */
int synchronous(void);
int threads(void);
int callback(void);
int future(void);
int queue(void);
int registry(void);
int coroutine(void);

#endif
