/* What one loop sends to another without a place in its inbox: the end of an operation, which cannot be refused, and the question for room. */
#include "core/cast.h"
#include "core/receive.h"

enum { LIMIT = TOCSIN_INBOX };

/* Ends */

static void on_parcel(struct tocsin__node *node)
{
    struct tocsin__parcel *parcel = tocsin__container(node, struct tocsin__parcel, node);
    struct tocsin__info *info = parcel->info;

    atomic_fetch_sub(&parcel->from->parcels_out, 1);
    if (!tocsin__meet_parcel(tocsin__self, parcel))
        tocsin__release(parcel);
    tocsin__info_put(info);
}

static void parcel_drop(struct tocsin__node *node)
{
    struct tocsin__parcel *parcel = tocsin__container(node, struct tocsin__parcel, node);
    struct tocsin__info *info = parcel->info;

    tocsin__release(parcel);
    tocsin__info_put(info);
}

void tocsin__parcels_drop(struct tocsin__loop *loop)
{
    struct tocsin__parcel *parcel;

    while ((parcel = loop->parcels)) {
        loop->parcels = parcel->next;
        tocsin__release(parcel);
    }
}

bool tocsin__parcels_room(struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    return atomic_load_explicit(&loop->parcels_out, memory_order_relaxed) < LIMIT || !tocsin__wanted_elsewhere(loop, signal);
}

/* Observers refuse nobody: where too much is on its way, they miss it (E18). */
static bool misses(struct tocsin__loop *loop, struct tocsin__loop *other, uint32_t word)
{
    if (!(word & TOCSIN__OBSERVES) || atomic_load_explicit(&loop->parcels_out, memory_order_relaxed) < LIMIT)
        return false;
    atomic_fetch_add_explicit(&other->inbox.missed, 1, memory_order_relaxed);
    return true;
}

int tocsin__parcels_make(struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    struct tocsin__listener *listener = &signal->first;

    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word), number = word & TOCSIN__LOOP_BITS;
        struct tocsin__loop *other = number && number != loop->number ? tocsin__loop_numbered(number) : NULL;
        struct tocsin__parcel *parcel;

        if (!other || misses(loop, other, word))
            continue;
        parcel = tocsin__alloc(sizeof *parcel);
        if (!parcel) {
            tocsin__parcels_drop(loop);
            return -ENOMEM;
        }
        parcel->from = loop;
        parcel->to = other;
        parcel->node.run = on_parcel;
        parcel->node.drop = parcel_drop;
        parcel->next = loop->parcels;
        loop->parcels = parcel;
    }
    return 0;
}

int tocsin__parcels_send(struct tocsin__loop *loop, struct tocsin__info *info, bool local)
{
    struct tocsin__parcel *parcel;
    uint32_t count = local;
    int sent = 0;

    for (parcel = loop->parcels; parcel; parcel = parcel->next)
        count++;
    atomic_store(&info->open, count);
    while ((parcel = loop->parcels)) {
        loop->parcels = parcel->next;
        parcel->info = (struct tocsin__info *)tocsin_info_ref(&info->seen);
        atomic_fetch_add(&loop->parcels_out, 1);
        if (tocsin__inbox_push(&parcel->to->inbox, &parcel->node)) {
            sent++;
            continue;
        }
        atomic_fetch_sub(&loop->parcels_out, 1);       /* it has gone meanwhile */
        atomic_fetch_sub(&info->open, 1);
        tocsin__info_put(info);
        tocsin__release(parcel);
    }
    return sent;
}

/* Room: a node that goes through the other loop's inbox, behind all that is in it, and comes back. Where the signal has reached its limit it
   stays there until it is below. */

static void on_back(struct tocsin__node *node)
{
    struct tocsin__loop *loop = tocsin__container(node, struct tocsin__loop, want);

    atomic_store(&loop->wanting, 0);
    tocsin__stir(tocsin__self);
}

static void go_back(struct tocsin__node *node)
{
    struct tocsin__loop *loop = tocsin__container(node, struct tocsin__loop, want);

    loop->want.run = on_back;
    if (!tocsin__inbox_push(&loop->inbox, node))
        atomic_store(&loop->wanting, 0);
}

static void on_there(struct tocsin__node *node)
{
    struct tocsin__loop *here = tocsin__self;
    const struct tocsin__slot *slot = tocsin__slot(here, (int)atomic_load(&tocsin__container(node, struct tocsin__loop, want)->wanting));

    if (!slot || !slot->full || here->freeing) {
        go_back(node);
        return;
    }
    node->next = here->wanted;
    here->wanted = node;
}

void tocsin__wanted_back(struct tocsin__loop *loop)
{
    struct tocsin__node *node;

    while ((node = loop->wanted)) {
        loop->wanted = node->next;
        go_back(node);
    }
}

void tocsin__want_room(struct tocsin__loop *loop, struct tocsin__loop *other, int signo)
{
    if (!atomic_compare_exchange_strong(&loop->wanting, &(uint32_t){ 0 }, (uint32_t)signo))
        return;
    loop->want.run = on_there;
    if (tocsin__inbox_push(&other->inbox, &loop->want))
        return;
    atomic_store(&loop->wanting, 0);
    loop->age++;
}

/* Somebody has begun to listen: what paused on another loop, since nobody did, is asked again there */

static void on_news(struct tocsin__node *node)
{
    atomic_store(&tocsin__container(node, struct tocsin__loop, news)->told, false);
    tocsin__stir(tocsin__self);
}

void tocsin__tell_news(struct tocsin__loop *loop)
{
    if (!atomic_load(&loop->progresses) || atomic_exchange(&loop->told, true))
        return;
    loop->news.run = on_news;
    if (!tocsin__inbox_push(&loop->inbox, &loop->news))
        atomic_store(&loop->told, false);
}

bool tocsin__node_tells(const struct tocsin__node *node)
{
    return node->run != on_back && node->run != on_there && node->run != on_news;
}
