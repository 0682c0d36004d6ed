/* Notifies a loop that another loop has room again, or that another loop has a new handler. */
#include "remote/room.h"

static void on_room_return(struct tocsin__node *node)
{
    struct tocsin__loop *loop = tocsin__container(node, struct tocsin__loop, remote.room_request);

    tocsin__assert(loop == tocsin__self && atomic_load(&loop->remote.room_request_signo));
    atomic_store(&loop->remote.room_request_signo, 0);
    tocsin__kick_pollers(tocsin__self);
}

static void room_send_back(struct tocsin__node *node)
{
    struct tocsin__loop *loop = tocsin__container(node, struct tocsin__loop, remote.room_request);

    loop->remote.room_request.run = on_room_return;
    if (!tocsin__inbox_push(&loop->inbox, node))
        atomic_store(&loop->remote.room_request_signo, 0);
}

static void on_room_request(struct tocsin__node *node)
{
    struct tocsin__loop *here = tocsin__self;
    const struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(
        here, (int)atomic_load(&tocsin__container(node, struct tocsin__loop, remote.room_request)
                                    ->remote.room_request_signo));

    if (!loop_signal || !loop_signal->listening.full || here->life.freeing) {
        room_send_back(node);
        return;
    }
    node->next = here->remote.room_requests;
    here->remote.room_requests = node;
}

void tocsin__room_check(struct tocsin__loop *loop)
{
    struct tocsin__node *node;

    while ((node = loop->remote.room_requests)) {
        loop->remote.room_requests = node->next;
        room_send_back(node);
    }
}

void tocsin__room_request(struct tocsin__loop *loop, struct tocsin__loop *other, int signo)
{
    if (!atomic_compare_exchange_strong(&loop->remote.room_request_signo, &(uint32_t){ 0 },
                                        (uint32_t)signo))
        return;
    loop->remote.room_request.run = on_room_request;
    if (tocsin__inbox_push(&other->inbox, &loop->remote.room_request))
        return;
    atomic_store(&loop->remote.room_request_signo, 0);
    loop->age++;
}

static void on_news(struct tocsin__node *node)
{
    atomic_store(&tocsin__container(node, struct tocsin__loop, remote.news)->remote.news_sent,
                 false);
    tocsin__kick_pollers(tocsin__self);
}

void tocsin__news_send(struct tocsin__loop *loop)
{
    if (!atomic_load(&loop->remote.progresses) || atomic_exchange(&loop->remote.news_sent, true))
        return;
    loop->remote.news.run = on_news;
    if (!tocsin__inbox_push(&loop->inbox, &loop->remote.news))
        atomic_store(&loop->remote.news_sent, false);
}

bool tocsin__room_counts_node(const struct tocsin__node *node)
{
    return node->run != on_room_return && node->run != on_room_request && node->run != on_news;
}
