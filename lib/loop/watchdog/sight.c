/* Describes in words what a loop is doing. */
#include "registry/catalogue.h"
#include "delivery/handler.h"
#include "registry/owner.h"
#include "loop/watchdog/sight.h"
#include "loop/watchdog/watchdog.h"
#include "delivery/owner_here.h"

struct tocsin__sight tocsin__sight_read(const struct tocsin__loop *loop)
{
    struct tocsin__sight sight;

    sight.phase = atomic_load_explicit(&loop->runs.phase, memory_order_relaxed);
    sight.handler = __atomic_load_n(&loop->running, __ATOMIC_ACQUIRE);
    sight.emission = __atomic_load_n(&loop->parent, __ATOMIC_RELAXED);
    sight.activity.signal = atomic_load_explicit(&loop->runs.activity.signal, memory_order_acquire);
    sight.activity.code = atomic_load_explicit(&loop->runs.activity.code, memory_order_relaxed);
    sight.activity.source = atomic_load_explicit(&loop->runs.activity.source, memory_order_relaxed);
    sight.entered = atomic_load(&loop->runs.entered);
    sight.entered_by = atomic_load(&loop->runs.entered_by);
    return sight;
}

void tocsin__sight_fill(const struct tocsin__sight *sight, struct tocsin_loop_blocked *what)
{
    const struct tocsin__handler *handler = sight->handler;

    what->emission = sight->emission;
    what->signal = what->pattern = what->function = what->where = what->owner = "";
    if (handler) {
        what->signal = handler->subscription.pattern ? "" : handler->subscription.text;
        what->pattern = handler->subscription.text;
        what->function = handler->name;
        what->where = handler->where;
        what->owner = handler->owner->name;
        what->source = handler->source;
    } else if (sight->entered) {
        what->signal = "plugin.loaded";
        what->owner = sight->entered->name;
    } else if (sight->activity.code) {
        what->signal = sight->activity.signal ? sight->activity.signal : "";
        what->owner = tocsin__owner_of(sight->activity.code)->name;
        what->source = sight->activity.source;
    }
}

static void sight_write_owner(const struct tocsin__owner *owner, struct tocsin__text_builder *words)
{
    tocsin__text_add(words, owner == &tocsin__program ? " of the program" : " of plugin ");
    tocsin__text_add(words, owner == &tocsin__program ? "" : owner->name);
}

static const char *sight_file_name(const char *where)
{
    const char *file = where;

    for (; *where; where++)
        if (*where == '/')
            file = where + 1;
    return file;
}

static void sight_write_handler(const struct tocsin__handler *handler,
                                struct tocsin__text_builder *words)
{
    tocsin__text_add(words, *handler->name ? "handler " : "handler");
    tocsin__text_add(words, handler->name);
    if (*handler->where) {
        tocsin__text_add(words, " (");
        tocsin__text_add(words, sight_file_name(handler->where));
        tocsin__text_add(words, ")");
    }
    sight_write_owner(handler->owner, words);
    tocsin__text_add(words, " for ");
    tocsin__text_add(words, handler->subscription.text);
}

/* Writes what the code works for. A task has no signal. A fiber has the terminal signal of its
   operation. */
static void sight_write_activity(const struct tocsin__activity *activity,
                                 struct tocsin__text_builder *words)
{
    bool fiber = activity->signal == tocsin__fiber_done_spec.name;

    tocsin__text_add(words, fiber ? "a fiber" : activity->signal ? "the notify" : "a task");
    sight_write_owner(tocsin__owner_of(activity->code), words);
    if (activity->signal && !fiber) {
        tocsin__text_add(words, " for ");
        tocsin__text_add(words, activity->signal);
    }
}

bool tocsin__sight_write(const struct tocsin__sight *sight, struct tocsin__text_builder *words)
{
    if (sight->handler) {
        sight_write_handler(sight->handler, words);
    } else if (sight->entered) {
        tocsin__text_add(words, sight->entered_by);
        sight_write_owner(sight->entered, words);
    } else if (sight->activity.code) {
        sight_write_activity(&sight->activity, words);
    } else {
        return false;
    }
    return true;
}

/* Writes what the loop is doing. Without the watchdog's lock, the handler may be freed at any
   moment. So the handler is not read then. */
void tocsin__sight_describe(const struct tocsin__loop *loop, struct tocsin__text_builder *words)
{
    bool locked = loop != tocsin__self && tocsin__watchdog_try_lock(loop);
    struct tocsin__sight sight = tocsin__sight_read(loop);

    tocsin__loop_describe(loop, words);
    if (sight.handler && !locked && loop != tocsin__self) {
        tocsin__text_add(words, ": a handler");
    } else if (sight.handler || sight.entered || sight.activity.code) {
        tocsin__text_add(words, ": ");
        tocsin__sight_write(&sight, words);
    }
    if (locked)
        tocsin__watchdog_unlock();
}

bool tocsin__sight_is_busy(const struct tocsin__loop *loop)
{
    struct tocsin__sight sight = tocsin__sight_read(loop);

    return sight.handler || sight.entered || sight.activity.code;
}

/* Returns true if the caller is the program itself, on the thread of this loop. Then the loop is
 * not described, because the program knows what it is doing. */
static bool is_caller_alone(const struct tocsin__loop *loop)
{
    return loop == tocsin__self && tocsin__owner_here() == &tocsin__program;
}

static void sight_write_owned(const struct tocsin__owner *owner, struct tocsin__text_builder *words)
{
    char runs[128];
    struct tocsin__text_builder resources = tocsin__text_builder(runs, sizeof runs);

    tocsin__owner_describe(owner, TOCSIN__ALL, &resources);
    if (!*runs)
        return;
    tocsin__text_add(words, words->used ? "; " : "");
    tocsin__text_add(words, owner == &tocsin__program ? "the program" : "plugin ");
    tocsin__text_add(words, owner == &tocsin__program ? "" : owner->name);
    tocsin__text_add(words, ": ");
    tocsin__text_add(words, runs);
}

size_t tocsin_still_running(char *text, size_t size)
{
    struct tocsin__text_builder words = tocsin__text_builder(text, size);
    const struct tocsin__owner *owner = atomic_load(&tocsin__plugins);
    const struct tocsin__loop *loop;

    for (unsigned number = 1; (loop = tocsin__loop_numbered(number)); number++) {
        if (!tocsin__sight_is_busy(loop) || is_caller_alone(loop))
            continue;
        tocsin__text_add(&words, words.used ? "; " : "");
        tocsin__sight_describe(loop, &words);
    }
    for (; owner; owner = atomic_load(&owner->next))
        sight_write_owned(owner, &words);
    if (!words.used)
        sight_write_owned(&tocsin__program, &words);
    return words.used;
}
