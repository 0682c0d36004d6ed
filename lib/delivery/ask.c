/* Questions (E17): the handlers of this loop answer immediately, one after the other in their
 * order. */
#include "registry/name_error.h"
#include "delivery/emit.h"
#include "base/refusal.h"
#include "registry/layout.h"

/* Calls the handlers until one returns a value other than TOCSIN_NEXT. Observers that come after
 * this handler are still called. */
static int ask_all(struct tocsin__loop *loop, struct tocsin__list *list, struct tocsin__info *info,
                   uint64_t *ret_by)
{
    int verdict = 0;

    for (uint32_t i = 0, count = list->count; i < count; i++) {
        struct tocsin__handler *handler = list->items[i];
        bool observer = handler->flags & TOCSIN__OBSERVER;
        uint64_t id = handler->id;
        int answer;

        if ((verdict && !observer) || handler->admission)
            /* a queue cannot answer; this one was connected before the question was declared */
            continue;
        answer = tocsin__call(loop, handler, info);
        if (observer && answer < 0)
            tocsin__handler_failed(loop, handler, &info->pub, answer);
        else if (!observer && (answer < 0 || answer == TOCSIN_STOP)) {
            verdict = answer == TOCSIN_STOP ? TOCSIN_STOPPED : answer;
            *ret_by = id;
        }
    }
    return verdict;
}

static int ask_here(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                    const struct tocsin_payload *question, uint64_t *ret_by)
{
    struct tocsin__handler *running = loop->running;
    uint64_t parent = loop->parent;
    bool outer = !(loop_signal->state & TOCSIN__RUNNING);
    struct tocsin__info info;
    int verdict;

    if (!outer && loop_signal->delivery.nested + 1 >= TOCSIN__NEST_MAX)
        return -ELOOP;
    tocsin__info_fill(&info, loop, loop_signal->signal->signo, loop_signal->name, 0, question);
    loop_signal->state |= TOCSIN__RUNNING;
    if (outer)
        tocsin__frame_set(loop_signal->delivery.frame);
    loop_signal->delivery.nested += !outer;
    loop_signal->walks++;
    if (loop_signal->state & TOCSIN__UNSORTED)
        tocsin__list_sort(loop_signal, loop_signal->list);
    tocsin__set_parent(loop, info.pub.sequence);
    verdict = ask_all(loop, loop_signal->list, &info, ret_by);
    tocsin__set_running(loop, running);
    tocsin__set_parent(loop, parent);
    loop_signal->delivery.nested -= !outer;
    if (outer)
        tocsin__delivery_finish(loop, loop_signal);
    tocsin__tidy_at_rest(loop);
    tocsin__info_end(&info);
    return verdict;
}

int tocsin_ask(int signo, const struct tocsin_payload *question, struct tocsin_handler *ret_by)
{
    struct tocsin__signal *signal = tocsin__signal(signo);
    struct tocsin__loop *loop = tocsin__self;
    struct tocsin__loop_signal *loop_signal;
    uint64_t by = 0;
    int verdict;

    if (!signal || !signal->declared || signal->spec.kind != TOCSIN_DIRECT)
        return tocsin__traced(tocsin__no_signo(signo, true));
    if (tocsin__inherited(loop))
        return tocsin__traced(-EOWNERDEAD);
    if ((question && !question->layout) ||
        !tocsin__layout_same(signal->spec.layout, question ? question->layout : NULL))
        return tocsin__traced(tocsin__other_layout(signal, question));
    if (signal->unresolved && tocsin__patterns_resolve(loop) < 0)
        return tocsin__traced(-ENOMEM);
    loop_signal = tocsin__loop_signal(loop, signo);
    if (loop_signal && !tocsin__loop_signal_has_effect(loop_signal))
        loop_signal = NULL;
    if (tocsin__others_want(loop->life.number, signal))
        return tocsin__traced(-EXDEV);
    verdict = loop_signal ? ask_here(loop, loop_signal, question, &by) : 0;
    if (ret_by)
        ret_by->id = by;
    /* A handler's error is not reported as a refusal of the library, because the library did not
     * make this error. */
    return by ? verdict : tocsin__traced(verdict);
}
