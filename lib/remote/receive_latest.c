/* Delivers the message of a latest cell. */
#include "delivery/handler.h"
#include "registry/latest.h"
#include "registry/payload.h"
#include "remote/message.h"
#include "remote/receive_latest.h"

/* Stores the message's overrun in its info. Other loops may share the info, and their cells have
   another overrun. So a shared info is copied first. */
static bool latest_set_overrun(struct tocsin__message *message)
{
    struct tocsin__info *info = message->kind == TOCSIN__SHARED && message->overrun ? message->info
                                                                                    : NULL;
    int err;

    if (info && atomic_load(&info->refs) > 1) {
        info = tocsin__info_copy(&message->info->pub, tocsin_info_data(&message->info->pub),
                                 tocsin__signal(message->signo)->spec.layout, &err);
        if (!info)
            return false;
        tocsin__info_put(message->info);
        message->info = info;
    }
    if (info)
        info->pub.overrun = message->overrun;
    return true;
}

/* A latest cell keeps its message until a newer message replaces it, or until the loop_signal is
 * freed. So a loop that has no loop_signal yet gets one first. */
static bool latest_make_loop_signal(struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    return signal->flat || tocsin__inbox_is_closed(&loop->inbox) ||
           tocsin__loop_signal_make(loop, signal);
}

void tocsin__receive_latest(struct tocsin__node *node)
{
    struct tocsin__latest *latest = tocsin__container(node, struct tocsin__latest, node);
    struct tocsin__message *message = tocsin__latest_take(latest);
    struct tocsin__loop *loop = tocsin__self;

    loop->remote.latest_open = latest;
    if (message && !(latest_make_loop_signal(loop, latest->signal) && latest_set_overrun(message) &&
                     tocsin__message_deliver(loop, message)))
        tocsin__latest_put_back(latest, message); /* there was no memory to deliver the message; the
                                                   * next turn tries again */
    else if (message)
        message->kind = TOCSIN__EMPTY;
    loop->remote.latest_open = NULL;
    if (!tocsin__latest_done(latest))
        tocsin__inbox_push_next(&loop->inbox, node);
    else if (tocsin__inbox_is_closed(&loop->inbox))
        /* The closed inbox has no writers any more, so no thread writes to the cell. */
        tocsin__latest_clear(latest);
}
