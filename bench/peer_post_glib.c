/* Measures posts to a loop of GLib, for bench/post. The producers call g_main_context_invoke_full()
   with a copy of each message on the heap. */
#include "peer_post.h"

#include <glib.h>

static GMainContext *context;
static uint64_t woken;
static bool over;

/* Replaces g_poll(), and counts how often the loop was woken. */
static gint counting_poll(GPollFD *fds, guint count, gint timeout)
{
    gint ready = g_poll(fds, count, timeout);

    woken += timeout != 0 && ready > 0;
    return ready;
}

/* Makes this thread the owner of the context. Without an owner, g_main_context_invoke() would call
   the function on the producer's thread. */
static void open_context(void)
{
    context = g_main_context_new();
    g_main_context_set_poll_func(context, counting_poll);
    post_must(g_main_context_acquire(context), "g_main_context_acquire");
}

static gboolean on_message(gpointer arg)
{
    const struct post_message *message = arg;

    over = post_heard(message->producer, message->number, message->value);
    return G_SOURCE_REMOVE;
}

static inline bool post(uint64_t producer, uint64_t number)
{
    struct post_message *message = g_new(struct post_message, 1);

    *message = (struct post_message){ .producer = producer,
                                      .number = number,
                                      .value = post_value(producer, number) };
    g_main_context_invoke_full(context, G_PRIORITY_DEFAULT, on_message, message, g_free);
    return true;
}

static void flood(struct post_producer *producer)
{
    post_flood(producer, post);
}

static void receive(void)
{
    for (over = false; !over;)
        g_main_context_iteration(context, TRUE);
}

static uint64_t wakeups(void)
{
    return woken;
}

static void close_context(void)
{
    g_main_context_release(context);
    g_main_context_unref(context);
}

int main(int argc, char **argv)
{
    return post_main(
        &(struct post_side){ open_context, post, flood, receive, wakeups, close_context }, argc,
        argv);
}
