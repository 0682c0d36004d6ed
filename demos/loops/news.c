/* Every thread sends the signal to all loops. A thread may post with or without a loop of its own.
   Each loop that handles the signal delivers the news in its next turn. */
#include "traffic.h"

#define NEWS(F) F(string, text) F(i64, told_us)
TOCSIN_LAYOUT(news_told, NEWS);

enum { EACH_MS = 50, WAIT_MS = 200 };

static int told;

static int declare(void)
{
    told = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "news.told", .doc = "News for all loops.", .layout = &news_told_layout });
    return told;
}

static int on_news(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_delivered(info, news_told_of(info)->told_us);
    return TOCSIN_NEXT;
}

static int connect_handlers(void)
{
    return tocsin_on("news.told", on_news, NULL);
}

/* Posts the news to all loops. If one loop has no room, no loop receives the news. This loop does
   not wait for room, because its timer soon ticks again. */
static int post_news(const struct tocsin_info *tick, void *arg)
{
    (void)tick, (void)arg;
    count_sent(told, tocsin_post(told, TOCSIN_PAYLOAD(news_told, .text = "all is well",
                                                      .told_us = tocsin_now())));
    return TOCSIN_NEXT;
}

static int start(enum party loop)
{
    (void)loop;
    return tocsin_every(EACH_MS, TOCSIN_EACH(post_news), NULL);
}

/* A thread without a loop has no handlers that it could block, so it may wait for room. */
static void post_from_thread(void)
{
    while (!show_over()) {
        count_sent(
            told,
            tocsin_post_wait(
                told, TOCSIN_PAYLOAD(news_told, .text = "oyez", .told_us = tocsin_now()), WAIT_MS));
        nap_varied();
    }
}

const struct traffic traffic_news = {
    .signal = "news.told",
    .handled_on = ALL,
    .sent_by = ALL | BIT(CRIER),
    .declare = declare,
    .connect = connect_handlers,
    .start = start,
    .thread = post_from_thread,
};
