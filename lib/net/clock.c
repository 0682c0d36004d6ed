#include "net/client.h"
#include "net/clock.h"

static int on_tick(const struct tocsin_info *info, void *arg)
{
    struct tocsin__net_client *client = tocsin__net_client_current();

    (void)arg;
    if (client && client->clock.timer.source.id == info->source.id)
        tocsin__net_client_act(client, CURL_SOCKET_TIMEOUT, 0);
    return TOCSIN_NEXT;
}

/* Sets the timer. libcurl calls this inside curl_multi_add_handle and other functions, so nothing
   else may be done here. */
static int on_timer(CURLM *multi, long delay_ms, void *arg)
{
    struct tocsin__net_clock *clock = arg;
    int err = tocsin_timer_set(clock->timer, delay_ms);

    (void)multi;
    if (err < 0)
        clock->error = err;
    return 0;
}

int tocsin__net_clock_start(struct tocsin__net_clock *clock)
{
    return tocsin_every(
        0, &(struct tocsin_notify){ .mode = TOCSIN_AT_EACH | TOCSIN_BACKGROUND, .fn = on_tick },
        &clock->timer);
}

CURLMcode tocsin__net_clock_of_multi(struct tocsin__net_clock *clock, CURLM *multi)
{
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);

    return code == CURLM_OK ? curl_multi_setopt(multi, CURLMOPT_TIMERDATA, clock) : code;
}

void tocsin__net_clock_free(struct tocsin__net_clock *clock)
{
    if (clock->timer.source.id)
        tocsin_cancel(clock->timer);
    clock->timer = (struct tocsin_op){ { 0 } };
}
