/* From everywhere to all: whoever has news posts it, on a loop or not, and each loop that listens delivers it in its next turn. */
#include "traffic.h"

#define NEWS(F) F(string, text) F(i64, told_us)
TOCSIN_LAYOUT(news_told, NEWS);

enum { EACH_MS = 50, WAIT_MS = 200 };

static int told;

static int declare(void)
{
    told = tocsin_declare(&(struct tocsin_spec){ .name = "news.told", .doc = "Somebody has news for all.", .layout = &news_told_layout });
    return told;
}

static int on_news(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_heard(info, news_told_of(info)->told_us);
    return TOCSIN_NEXT;
}

static int hear(void)
{
    return tocsin_on("news.told", on_news, NULL);
}

/* All hear it, or, if one of them has no room, nobody does. A loop does not wait for that: it has other news when its timer ticks again. */
static int tell(const struct tocsin_info *tick, void *arg)
{
    (void)tick, (void)arg;
    count_sent(told, tocsin_post(told, TOCSIN_PAYLOAD(news_told, .text = "all is well", .told_us = tocsin_now())));
    return TOCSIN_NEXT;
}

static int say(enum party loop)
{
    (void)loop;
    return tocsin_every(EACH_MS, TOCSIN_EACH(tell), NULL);
}

/* Nobody waits for a thread without a loop, so it can wait for room. */
static void cry(void)
{
    while (!show_over()) {
        count_sent(told, tocsin_post_wait(told, TOCSIN_PAYLOAD(news_told, .text = "oyez", .told_us = tocsin_now()), WAIT_MS));
        nap_tide();
    }
}

const struct traffic traffic_news = {
    .signal = "news.told", .heard_on = ALL, .said_by = ALL | BIT(CRIER), .declare = declare, .hear = hear, .say = say, .thread = cry,
};
