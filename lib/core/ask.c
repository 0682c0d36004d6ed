/* E17: questions. */
#include "core/emit.h"
#include "core/layout.h"

/* The first answer that is not NEXT ends the handlers; observers go on. */
static int ask_all(struct tocsin__loop *loop, struct tocsin__list *list, struct tocsin__info *info, uint64_t *ret_by)
{
    int verdict = 0;

    for (uint32_t i = 0, count = list->count; i < count; i++) {
        struct tocsin__handler *handler = list->items[i];
        bool observer = handler->flags & TOCSIN__OBSERVER;
        uint64_t id = handler->id;
        int answer;

        if ((verdict && !observer) || handler->gate)
            continue;                                  /* a queue that came before the question was declared */
        answer = tocsin__call(loop, handler, info);
        if (observer && answer < 0)
            tocsin__handler_failed(loop, handler, &info->seen, answer);
        else if (!observer && (answer < 0 || answer == TOCSIN_STOP)) {
            verdict = answer == TOCSIN_STOP ? TOCSIN_STOPPED : answer;
            *ret_by = id;
        }
    }
    return verdict;
}

static int ask_here(struct tocsin__loop *loop, struct tocsin__slot *slot, const struct tocsin_payload *question, uint64_t *ret_by)
{
    struct tocsin__handler *running = loop->running;
    uint64_t parent = loop->parent;
    bool outer = !(slot->state & TOCSIN__RUNNING);
    struct tocsin__info info;
    int verdict;

    if (!outer && slot->nested + 1 >= TOCSIN__NEST_MAX)
        return -ELOOP;
    tocsin__info_fill(&info, loop, slot->signal->signo, slot->name, 0, question);
    slot->state |= TOCSIN__RUNNING;
    slot->nested += !outer;
    slot->fresh = NULL;
    tocsin__descends(loop, info.seen.sequence);
    verdict = ask_all(loop, slot->list, &info, ret_by);
    tocsin__runs(loop, running);
    tocsin__descends(loop, parent);
    slot->nested -= !outer;
    if (outer)
        tocsin__settle(loop, slot);
    tocsin__tidy_at_rest(loop);
    tocsin__info_end(&info);
    return verdict;
}

int tocsin_ask(int signo, const struct tocsin_payload *question, struct tocsin_handler *ret_by)
{
    struct tocsin__signal *signal = tocsin__signal(signo);
    struct tocsin__loop *loop = tocsin__self;
    struct tocsin__slot *slot;
    uint64_t by = 0;
    int verdict;

    if (!signal || !signal->declared || signal->spec.kind != TOCSIN_DIRECT)
        return -EINVAL;
    if (tocsin__inherited(loop))
        return -EOWNERDEAD;
    if ((question && !question->layout) || !tocsin__layout_same(signal->spec.layout, question ? question->layout : NULL))
        return -EPROTO;
    if (signal->unresolved && tocsin__patterns_resolve(loop) < 0)
        return -ENOMEM;
    slot = tocsin__slot(loop, signo);
    if (slot && !tocsin__slot_heard(slot))
        slot = NULL;
    if (tocsin__wanted_elsewhere(loop, signal))
        return -EXDEV;
    verdict = slot ? ask_here(loop, slot, question, &by) : 0;
    if (ret_by)
        ret_by->id = by;
    return verdict;
}
