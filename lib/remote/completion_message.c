/* Sends the end of an operation to other loops. */
#include "remote/accept.h"
#include "remote/completion_message.h"

enum { LIMIT = TOCSIN_INBOX };

/* Delivers the end of the operation on this loop. Returns true if the end has become pending in the
   memory of the completion message; then this memory must not be freed. */
static bool completion_deliver(struct tocsin__loop *loop,
                               struct tocsin__completion_message *completion)
{
    struct tocsin__info *info = completion->info;
    struct tocsin__pending *place = &completion->pending;

    /* If there is no memory to resolve patterns, only handlers whose patterns are resolved receive
       the end. */
    tocsin__patterns_resolve(loop);
    tocsin__accept(loop, tocsin__signal(info->pub.signo), info, &place);
    return !place;
}

static void on_completion(struct tocsin__node *node)
{
    struct tocsin__completion_message *completion = tocsin__container(
        node, struct tocsin__completion_message, node);
    struct tocsin__info *info = completion->info;

    tocsin__assert(atomic_load(&completion->from->remote.completions_sent) > 0);
    atomic_fetch_sub(&completion->from->remote.completions_sent, 1);
    if (!completion_deliver(tocsin__self, completion))
        tocsin__release(completion);
    tocsin__info_put(info);
}

static void completion_drop(struct tocsin__node *node)
{
    struct tocsin__completion_message *completion = tocsin__container(
        node, struct tocsin__completion_message, node);
    struct tocsin__info *info = completion->info;

    tocsin__release(completion);
    tocsin__info_put(info);
}

void tocsin__completion_messages_drop(struct tocsin__loop *loop)
{
    struct tocsin__completion_message *completion;

    while ((completion = loop->remote.completions)) {
        loop->remote.completions = completion->next;
        tocsin__release(completion);
    }
}

bool tocsin__completion_messages_have_room(struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    return atomic_load_explicit(&loop->remote.completions_sent, memory_order_relaxed) < LIMIT ||
           !tocsin__others_want(loop->life.number, signal);
}

/* Returns true if the end is not sent to the other loop: only observers listen there, and too many
 * completion messages are already on their way to it. Observers never cause a refusal (E18). */
static bool completion_is_missed(struct tocsin__loop *loop, struct tocsin__loop *other,
                                 uint32_t word)
{
    if (!(word & TOCSIN__OBSERVES) ||
        atomic_load_explicit(&loop->remote.completions_sent, memory_order_relaxed) < LIMIT)
        return false;
    atomic_fetch_add_explicit(&other->inbox.missed, 1, memory_order_relaxed);
    return true;
}

int tocsin__completion_messages_make(struct tocsin__loop *loop, struct tocsin__signal *signal)
{
    struct tocsin__listener *listener = &signal->first;

    for (; listener; listener = atomic_load_explicit(&listener->next, memory_order_acquire)) {
        uint32_t word = atomic_load(&listener->word), number = word & TOCSIN__LOOP_BITS;
        struct tocsin__loop *other = number && number != loop->life.number
                                         ? tocsin__loop_numbered(number)
                                         : NULL;
        struct tocsin__completion_message *completion;

        if (!other || completion_is_missed(loop, other, word))
            continue;
        completion = tocsin__alloc(sizeof *completion);
        if (!completion) {
            tocsin__completion_messages_drop(loop);
            return -ENOMEM;
        }
        completion->from = loop;
        completion->to = other;
        completion->node.run = on_completion;
        completion->node.drop = completion_drop;
        completion->next = loop->remote.completions;
        loop->remote.completions = completion;
    }
    return 0;
}

int tocsin__completion_messages_send(struct tocsin__loop *loop, struct tocsin__info *info,
                                     bool local)
{
    struct tocsin__completion_message *completion;
    uint32_t count = local;
    int sent = 0;

    for (completion = loop->remote.completions; completion; completion = completion->next)
        count++;
    tocsin__assert(!atomic_load(&info->open));
    atomic_store(&info->open, count);
    while ((completion = loop->remote.completions)) {
        loop->remote.completions = completion->next;
        completion->info = (struct tocsin__info *)tocsin_info_ref(&info->pub);
        atomic_fetch_add(&loop->remote.completions_sent, 1);
        if (tocsin__inbox_push(&completion->to->inbox, &completion->node)) {
            sent++;
            continue;
        }
        /* the other loop has ended, so nothing will deliver the message */
        atomic_fetch_sub(&loop->remote.completions_sent, 1);
        atomic_fetch_sub(&info->open, 1);
        tocsin__info_put(info);
        tocsin__release(completion);
    }
    return sent;
}
