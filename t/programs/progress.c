/* A thread posts its progress. The posts coalesce, so they do not flood a slow loop. The last post
   always arrives. */
#include <stdio.h>
#include <tocsin.h>

#define COUNT_PROGRESS(F) F(u64, done) F(u64, total)
TOCSIN_LAYOUT(count_progress, COUNT_PROGRESS);

static int progress;
static uint64_t heard;

static int count(void *arg) /* this function runs on a thread of the pool */
{
    uint64_t total = *(const uint64_t *)arg;

    for (uint64_t done = 0; done <= total; done++)
        tocsin_post(progress, TOCSIN_PAYLOAD(count_progress, .done = done, .total = total));
    return 0;
}

static int on_progress(const struct tocsin_info *info, void *arg)
{
    const struct count_progress *now = count_progress_of(info);

    (void)arg;
    heard += 1 + info->overrun;
    if (now->done == now->total)
        printf("%3.0f %%\n", 100.0 * (double)now->done / (double)now->total);
    return TOCSIN_NEXT;
}

int main(void)
{
    uint64_t total = 1000000;

    progress = tocsin_declare(&(struct tocsin_signal_spec){ .name = "count.progress",
                                                            .doc = "How far the count is.",
                                                            .layout = &count_progress_layout,
                                                            .kind = TOCSIN_COALESCE });
    /* the result is -ENOENT if tocsin_declare() failed */
    if (tocsin_on("count.progress", on_progress, NULL) < 0 ||
        tocsin_work(count, &total, NULL, NULL) < 0 || tocsin_drain(-1) < 0 || tocsin_run() < 0)
        return 1;
    printf("%llu of %llu\n", (unsigned long long)heard, (unsigned long long)total + 1);
    return 0;
}
