/* Takes messages and nodes out of the inbox of a loop, and runs them on the thread of the loop. */
#include <sched.h>

#include "registry/latest.h"
#include "delivery/handler.h"
#include "delivery/hooks.h"
#include "registry/layout.h"
#include "registry/payload.h"
#include "remote/completion_message.h"
#include "remote/emit_remote.h"
#include "remote/message.h"
#include "remote/receive.h"
#include "remote/room.h"

/* Takes the message that was being delivered out of the ring. */
static void message_pass(struct tocsin__loop *loop)
{
    size_t bytes = loop->remote.message_bytes;

    tocsin__assert(atomic_load(&loop->inbox.bytes) >= bytes);
    if (bytes)
        atomic_fetch_sub(&loop->inbox.bytes, bytes);
    tocsin__inbox_consume(&loop->inbox);
}

/* Delivers the next message of the ring. Returns false if there is no memory. */
static bool receive_next(struct tocsin__loop *loop, struct tocsin__message *message)
{
    bool done;

    /* If the thread ended while it delivered a message (T6), message_open is still set. This
     * message is dropped here. */
    tocsin__assert(!loop->remote.message_open || loop->life.thread_ended);
    loop->remote.message_open = true;
    loop->remote.message_bytes = message->kind == TOCSIN__SHARED ? message->info->size : 0;
    done = tocsin__message_deliver(loop, message);
    loop->remote.message_open = false;
    if (!done)
        return false;
    message_pass(loop);
    return true;
}

/* Called after a jump (longjmp) has left a delivery. The message counts as delivered. Its info is
 * leaked, because it is unknown how many references the functions that were left have released. */
void tocsin__receive_left(struct tocsin__loop *loop)
{
    struct tocsin__inbox *inbox = &loop->inbox;
    struct tocsin__message *message = tocsin__inbox_message(inbox, inbox->at);
    struct tocsin__latest *latest = loop->remote.latest_open;

    if (loop->remote.message_open) {
        if (message->kind == TOCSIN__TASK)
            tocsin__message_drop_task(message);
        message_pass(loop);
        tocsin__inbox_publish_head(inbox);
    }
    if (latest && !tocsin__latest_done(latest))
        tocsin__inbox_push_next(inbox, &latest->node);
    loop->remote.message_open = false;
    loop->remote.latest_open = NULL;
}

/* Runs the nodes of the list and the messages of the ring up to `bound`, in the order in which they
   were sent. */
static int receive_until(struct tocsin__loop *loop, uint64_t bound)
{
    struct tocsin__inbox *inbox = &loop->inbox;
    struct tocsin__message *message;
    struct tocsin__node *node;
    /* true if no turn runs here; handlers must not begin one */
    bool outside = loop->life.freeing;
    int count = 0;

    if (outside)
        tocsin__loop_enter(loop);
    do {
        if ((node = tocsin__inbox_take_node(inbox))) {
            /* checked before the node runs, because the node may be freed when it runs */
            count += tocsin__room_counts_node(node);
            node->run(node);
        } else if ((message = tocsin__inbox_peek(inbox, bound)) && receive_next(loop, message)) {
            count++;
        } else {
            break;
        }
    } while (!loop->life.free_wanted && !tocsin__inherited(loop));
    tocsin__inbox_publish_head(inbox);
    if (outside)
        tocsin__loop_leave_untidy(loop);
    tocsin__tidy_at_rest(loop);
    return count;
}

int tocsin__receive(struct tocsin__loop *loop)
{
    /* must be computed before the list of nodes is taken */
    uint64_t bound = tocsin__inbox_bound(&loop->inbox);

    tocsin__inbox_take_list(&loop->inbox);
    tocsin__handlers_disconnect_requested(loop);
    return receive_until(loop, bound);
}

void tocsin__receive_last(struct tocsin__loop *loop)
{
    while (!tocsin__inherited(loop) && (tocsin__inbox_tail(&loop->inbox) != loop->inbox.at ||
                                        tocsin__inbox_is_nonempty(&loop->inbox)))
        if (!tocsin__receive(loop))
            sched_yield();
}

void tocsin__receive_end(struct tocsin__loop *loop)
{
    tocsin__room_check(loop);
    tocsin__inbox_close_list(&loop->inbox);
    tocsin__handlers_disconnect_requested(loop);
    receive_until(loop, loop->inbox.at);
}

/* Drops the messages of the ring. Skips a cell that another thread of the parent had claimed but
   not published. */
static void receive_drop_ring(struct tocsin__inbox *inbox)
{
    uint64_t bound = tocsin__inbox_tail(inbox);

    while (inbox->at != bound) {
        const struct tocsin__message *message = tocsin__inbox_peek(inbox, bound);

        if (message)
            tocsin__message_drop(message);
        tocsin__inbox_consume(inbox);
    }
    tocsin__inbox_publish_head(inbox);
    atomic_store(&inbox->bytes, 0);
}

void tocsin__receive_drop(struct tocsin__loop *loop)
{
    struct tocsin__inbox *inbox = &loop->inbox;
    struct tocsin__node *node;

    tocsin__inbox_take_list(inbox);
    while ((node = inbox->first)) {
        inbox->first = node->next;
        if (node->drop)
            node->drop(node);
    }
    inbox->last = &inbox->first;
    receive_drop_ring(inbox);
    tocsin__listeners_clear(loop->life.number);
    tocsin__handlers_disconnect_requested(loop);
    atomic_store(&loop->remote.room_request_signo, 0);
    atomic_store(&loop->remote.news_sent, false);
    loop->remote.room_requests = NULL;
    tocsin__completion_messages_drop(loop);
    atomic_store(&loop->remote.completions_sent, 0);
}

/* Registers the functions of this floor that lib/delivery calls. The constructor is in this file
   because every program that runs a loop links it, also from a static library. */
static __attribute__((constructor)) void receive_register_hooks(void)
{
    tocsin__hooks.emit_both = tocsin__emit_both;
    tocsin__hooks.emit_away = tocsin__emit_away;
    tocsin__hooks.completions_send = tocsin__completion_messages_send;
    tocsin__hooks.room_check = tocsin__room_check;
    tocsin__hooks.news_send = tocsin__news_send;
    tocsin__hooks.receive_left = tocsin__receive_left;
}
