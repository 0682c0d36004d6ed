/* Measures the CPU time that a client needs for a fetch. The client makes 2,000 fetches, 64 at a
   time, from an origin on loopback, and does nothing else. The peer is a bare loop of libcurl's
   multi interface on libevent, which reuses its handles. */
#include "bench.h"

#include <stdio.h>

enum { FETCHES = 2000, AT_ONCE = 64, PAIRS = 11 };

#ifdef BENCH_WITHOUT_NET

int main(int argc, char **argv)
{
    bench_begin(argc, argv, "Measures the cost of a fetch for the client.");
    bench_remark("nothing is measured, since libtocsin-net was not built");
    bench_none("tocsin", "fetch", "us");
    return bench_end();
}

#else

#include "origin.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <tocsin/http.h>

/* The job is the same for both sides: fetch a number of pages, and verify each page. The first
   fetch is not measured, because it initializes libcurl and the TLS library. */
struct job {
    int port, fetches;
    int started, done, failed;
    double begin_us;
};

static void next_url(struct job *job, char *url, size_t size)
{
    snprintf(url, size, "http://127.0.0.1:%d/page/%d", job->port, job->started++);
}

static void count_page(struct job *job, long code, size_t bytes)
{
    job->done++;
    job->failed += code != 200 || bytes != ORIGIN_BODY_BYTES;
}

static void begin_job(struct job *job, int fetches)
{
    job->fetches = fetches;
    job->started = job->done = 0;
    job->begin_us = bench_cpu_us();
}

static double us_a_fetch(const struct job *job)
{
    return job->failed || job->done != job->fetches
               ? NAN
               : (bench_cpu_us() - job->begin_us) / job->fetches;
}

/* The measured job, made with tocsin and callbacks */

static int on_page(const struct tocsin_info *info, void *arg);

static void fetch_next(struct job *job)
{
    char url[64];

    next_url(job, url, sizeof url);
    if (tocsin_http_get(url, TOCSIN_CALL(on_page, job), NULL))
        job->failed++, job->done++;
}

static int on_page(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_http_client_done *page = tocsin_http_client_done_of(info);
    struct job *job = arg;

    count_page(job, info->status ? info->status : page->code, page->body.size);
    if (job->started < job->fetches)
        fetch_next(job);
    return 0;
}

static void run_tocsin(struct job *job, int fetches)
{
    begin_job(job, fetches);
    while (job->started < fetches && job->started < AT_ONCE)
        fetch_next(job);
    while (job->done < fetches && tocsin_loop_turn(-1) >= 0)
        ;
}

static double measure_tocsin(void *arg)
{
    struct job job = *(struct job *)arg;
    int fetches = job.fetches;
    double us;

    run_tocsin(&job, 1);
    run_tocsin(&job, fetches);
    us = us_a_fetch(&job);
    if (isnan(us))
        fprintf(stderr, "tocsin: %d of %d fetches, %d failed\n", job.done, fetches, job.failed);
    tocsin_loop_free();
    return us;
}

/* The measured job, made with libcurl and libevent alone */

struct bare {
    struct job *job;
    struct event_base *base;
    CURLM *multi;
    struct event timer;
    struct place {
        CURL *easy;
        size_t size;
        char body[4 * ORIGIN_BODY_BYTES];
    } places[AT_ONCE];
};

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
    struct place *place = arg;

    if (size * one > sizeof place->body - place->size)
        return 0;
    memcpy(place->body + place->size, data, size * one);
    place->size += size * one;
    return size * one;
}

static void bare_fetch(struct bare *bare, struct place *place)
{
    char url[64];

    next_url(bare->job, url, sizeof url);
    place->size = 0;
    curl_easy_reset(place->easy);
    curl_easy_setopt(place->easy, CURLOPT_URL, url);
    curl_easy_setopt(place->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(place->easy, CURLOPT_WRITEDATA, place);
    curl_easy_setopt(place->easy, CURLOPT_PRIVATE, place);
    curl_easy_setopt(place->easy, CURLOPT_NOSIGNAL, 1L);
    if (curl_multi_add_handle(bare->multi, place->easy))
        bare->job->failed++, bare->job->done++;
}

static void finish(struct bare *bare, CURL *easy, CURLcode result)
{
    struct place *place = NULL;
    long code = 0;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&place);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    count_page(bare->job, result ? -1 : code, place->size);
    curl_multi_remove_handle(bare->multi, easy);
    if (bare->job->started < bare->job->fetches)
        bare_fetch(bare, place);
}

static void take_finished(struct bare *bare)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(bare->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            finish(bare, message->easy_handle, message->data.result);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct bare *bare = arg;
    int running,
        action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

    curl_multi_socket_action(bare->multi, fd, action, &running);
    take_finished(bare);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct bare *bare = arg;
    int running;

    (void)fd, (void)what;
    curl_multi_socket_action(bare->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_finished(bare);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket)
{
    struct bare *bare = arg;
    struct event *event = socket;
    short events = EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
                   (what & CURL_POLL_OUT ? EV_WRITE : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (event)
            event_free(event);
        curl_multi_assign(bare->multi, fd, NULL);
        return 0;
    }
    if (event) {
        event_del(event);
        event_assign(event, bare->base, fd, events, on_ready, bare);
    } else {
        event = event_new(bare->base, fd, events, on_ready, bare);
        curl_multi_assign(bare->multi, fd, event);
    }
    return event && !event_add(event, NULL) ? 0 : -1;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct bare *bare = arg;
    struct timeval time = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

    (void)multi;
    if (timeout_ms < 0)
        evtimer_del(&bare->timer);
    else
        evtimer_add(&bare->timer, &time);
    return 0;
}

static bool make_bare(struct bare *bare)
{
    struct event_config *config = event_config_new();

    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    bare->base = event_base_new_with_config(config);
    event_config_free(config);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bare->multi = curl_multi_init();
    if (!bare->base || !bare->multi)
        return false;
    evtimer_assign(&bare->timer, bare->base, on_timeout, bare);
    curl_multi_setopt(bare->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(bare->multi, CURLMOPT_SOCKETDATA, bare);
    curl_multi_setopt(bare->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(bare->multi, CURLMOPT_TIMERDATA, bare);
    for (int i = 0; i < AT_ONCE; i++)
        if (!(bare->places[i].easy = curl_easy_init()))
            return false;
    return true;
}

static void run_bare(struct bare *bare, int fetches)
{
    begin_job(bare->job, fetches);
    while (bare->job->started < fetches && bare->job->started < AT_ONCE)
        bare_fetch(bare, &bare->places[bare->job->started]);
    while (bare->job->done < fetches && event_base_loop(bare->base, EVLOOP_ONCE) >= 0)
        ;
}

static double measure_bare(void *arg)
{
    struct job job = *(struct job *)arg;
    struct bare *bare = calloc(1, sizeof *bare);
    int fetches = job.fetches;

    if (!bare || !make_bare(bare))
        return NAN;
    bare->job = &job;
    run_bare(bare, 1);
    run_bare(bare, fetches);
    /* Nothing is freed here: the process ends now, and the kernel frees everything. */
    return us_a_fetch(&job);
}

/* Functions that compare both jobs */

static double forked_tocsin(void *arg)
{
    return bench_forked(measure_tocsin, arg);
}
static double forked_bare(void *arg)
{
    return bench_forked(measure_bare, arg);
}

int main(int argc, char **argv)
{
    struct origin origin = { 0, 0 };
    struct job job = { .fetches = FETCHES };
    struct bench_side sides[] = { { "tocsin", forked_tocsin, &job, NAN },
                                  { "curl", forked_bare, &job, NAN } };
    int err;

    bench_begin(argc, argv,
                "Measures the cost of a fetch for the client: CPU time, user and system.");
    if ((err = origin_start(&origin)) < 0) {
        fprintf(stderr, "origin: %s\n", strerror(-err));
        return 1;
    }
    job.port = origin.port;
    bench_remark("fetch: %d of %d bytes, %d at a time, over loopback; CPU of the client's process; "
                 "curl: the multi interface on libevent, "
                 "handles reused",
                 FETCHES, ORIGIN_BODY_BYTES, AT_ONCE);
    bench_interleave(sides, 2, bench_quick ? 3 : PAIRS);
    bench_row("tocsin", "fetch", sides[0].value, "us", "curl", sides[1].value);
    bench_row("curl", "fetch", sides[1].value, "us", NULL, 0);
    origin_stop(&origin);
    return bench_end();
}
#endif
