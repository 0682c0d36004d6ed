/* Threads: the synchronous style, with a thread for each page. Each thread needs a stack and a
   loop. */
#include <pthread.h>
#include <semaphore.h>
#include "job.h"

static sem_t room;

static const char *get(const char *url)
{
    struct tocsin_op fetch;
    struct tocsin_info *info = NULL;

    job_fetch(url, TOCSIN_FUTURE, &fetch);
    int status = tocsin_wait(fetch, -1, &info);
    const char *next = job_ended(status, info);
    tocsin_info_unref(info);
    return next;
}

static void *thread(void *page)
{
    const char *next = get(page);

    if (next)
        get(next);
    tocsin_loop_free();
    sem_post(&room);
    return NULL;
}

int threads(void)
{
    const char *page;
    pthread_t id;

    sem_init(&room, 0, (unsigned)job_at_once);
    while ((page = job_page())) {
        sem_wait(&room);
        int err = pthread_create(&id, NULL, thread, (void *)page);
        if (err)
            return -err;
        pthread_detach(id);
    }
    for (int i = 0; i < job_at_once; i++)
        sem_wait(&room);
    return 0;
}
