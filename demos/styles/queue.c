/* Queue: the completions of all fetches go to one queue. A loop in the program takes the
   completions one after the other. The data word of a fetch says what the fetch was for. */
#include "job.h"

static char a_next[] = "a next"; /* the data word of each fetch of a next page */

static int begin(const char *url, void *word, struct tocsin_queue done)
{
    struct tocsin_op fetch;

    if (!url)
        return 0;
    job_fetch(url, TOCSIN_QUEUE(done), &fetch);
    tocsin_source_set(fetch.source, word);
    return 1;
}

int queue(void)
{
    struct tocsin_queue done;
    struct tocsin_info *info;
    int running = 0;

    tocsin_queue_open(NULL, &(struct tocsin_queue_options){ .limit = (size_t)job_at_once }, &done);
    for (int i = 0; i < job_at_once; i++)
        running += begin(job_page(), NULL, done);
    while (running && tocsin_queue_wait(done, -1, &info) == 0) {
        const char *next = job_ended(info->status, info);

        if (tocsin_info_data(info) == a_next || !begin(next, a_next, done))
            running += begin(job_page(), NULL, done) - 1;
        tocsin_info_unref(info);
    }
    return tocsin_queue_close(done);
}
