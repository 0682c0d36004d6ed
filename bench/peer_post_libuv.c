/* Measures posts to a loop of libuv, for bench/post. The producers add each message to a list under
   a lock, and call uv_async_send(). */
#include "peer_post.h"

#include <stdlib.h>
#include <uv.h>

static uv_loop_t loop;
static uv_async_t async;
static uint64_t woken;

static void on_async(uv_async_t *handle)
{
    struct post_node *next;

    (void)handle;
    woken++;
    for (struct post_node *node = post_list_take(); node; node = next) {
        next = node->next;
        if (post_heard(node->message.producer, node->message.number, node->message.value))
            uv_stop(&loop);
        free(node);
    }
}

static void open_loop(void)
{
    post_must(!uv_loop_init(&loop) && !uv_async_init(&loop, &async, on_async), "uv_async_init");
}

static inline bool post(uint64_t producer, uint64_t number)
{
    post_list_add(&(struct post_message){
        .producer = producer, .number = number, .value = post_value(producer, number) });
    uv_async_send(&async);
    return true;
}

static void flood(struct post_producer *producer)
{
    post_flood(producer, post);
}

static void receive(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
}

static uint64_t wakeups(void)
{
    return woken;
}

static void close_loop(void)
{
    uv_close((uv_handle_t *)&async, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

int main(int argc, char **argv)
{
    return post_main(&(struct post_side){ open_loop, post, flood, receive, wakeups, close_loop },
                     argc, argv);
}
