/* The job, which is the same in every style: fetch each page, and then the page that it names as
   its next page. A fixed number of fetches run at a time. The job counts the bytes and the
   failures. The seven files beside this one do the job. They differ only in how the program learns
   that a fetch has ended.

   The styles ignore errors: job_fetch ends the program if a fetch cannot be started, and job_ended
   counts a fetch that fails. So each file shows only its style. A real program must check every
   result. */
#ifndef JOB_H
#define JOB_H

#include <tocsin.h>
#include <tocsin/http.h>

extern int job_at_once; /* the number of fetches that run at a time */

/* Called before the job begins. The array urls is not copied. */
void job_prepare(const char *const *urls, int count, int at_once, int timeout_ms);

/* Returns the next page to fetch, or NULL if no page is left. */
const char *job_page(void);

/* Starts a fetch with the deadline of the job. The parameter notify says how the end of the fetch
   is announced, which is the style. */
int job_fetch(const char *url, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/* Counts a fetch that has ended. If status is negative, info is not used. Returns the page that the
   reply names as its next page, or NULL. The returned text is valid until the next call. */
const char *job_ended(int status, const struct tocsin_info *info);

/* The styles. Each function does the whole job. It returns 0, or a negative status if the job
   failed. */
int synchronous(void);
int threads(void);
int callback(void);
int future(void);
int queue(void);
int registry(void);
int coroutine(void);

#endif
