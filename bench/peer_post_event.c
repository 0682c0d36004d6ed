/* Measures posts to a loop of libevent, for bench/post. The producers add each message to a list
   under a lock, and call event_active() for one event. */
#include "peer_post.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <stdlib.h>

static struct event_base *base;
static struct event *posted;
static uint64_t woken;

static void on_posted(evutil_socket_t fd, short what, void *arg)
{
    struct post_node *next;

    (void)fd, (void)what, (void)arg;
    woken++;
    for (struct post_node *node = post_list_take(); node; node = next) {
        next = node->next;
        if (post_heard(node->message.producer, node->message.number, node->message.value))
            event_base_loopbreak(base);
        free(node);
    }
}

static void open_base(void)
{
    post_must(!evthread_use_pthreads() && (base = event_base_new()), "event_base_new");
    posted = event_new(base, -1, EV_PERSIST, on_posted, NULL);
    post_must(posted, "event_new");
}

static inline bool post(uint64_t producer, uint64_t number)
{
    post_list_add(&(struct post_message){
        .producer = producer, .number = number, .value = post_value(producer, number) });
    event_active(posted, EV_READ, 0);
    return true;
}

static void flood(struct post_producer *producer)
{
    post_flood(producer, post);
}

static void receive(void)
{
    event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static uint64_t wakeups(void)
{
    return woken;
}

static void close_base(void)
{
    event_free(posted);
    event_base_free(base);
}

int main(int argc, char **argv)
{
    return post_main(&(struct post_side){ open_base, post, flood, receive, wakeups, close_base },
                     argc, argv);
}
