/* Runs the operations of the script in the library. Each time the library calls a handler, the
   script must expect this call as its next step, with the same result. */
#include <string.h>

#include <tocsin/inspect.h>
#include <tocsin/posix.h>

#include "delivery/model/script.h"

#define VALUE(F) F(u64, value)
TOCSIN_LAYOUT(value, VALUE);

enum { VALUES = 1 << 14 };

/* These arrays are indexed by the numbers that the model gives to its objects. queue_ids is indexed
   by the number of the queue's handler. */
static struct {
    struct tocsin_handler id;
    int on_stack, drops;
} handlers[MODEL_MADE];
static struct tocsin_source sources[MODEL_MADE];
static struct tocsin_block masks[MODEL_MADE];
static struct tocsin_queue queue_ids[MODEL_MADE];
static struct {
    uint64_t value, sequence;
    /* a copy of the info of each value, made by the first handler that received the value */
} seen[VALUES];

static void check_info(const struct tocsin_info *info, const struct model_emission *emission)
{
    uint64_t sequence = seen[emission->value % VALUES].sequence,
             parent = seen[emission->parent % VALUES].sequence;

    check_int(info->signo, life.signos[emission->signal]);
    check(strcmp(info->name, life.names[emission->signal]) == 0);
    check_int(info->code, emission->posted ? TOCSIN_POSTED : TOCSIN_EMITTED);
    check(value_of(info));
    check_int(value_of(info)->value, emission->value);
    check_int(info->overrun, emission->overrun);
    check_int(info->source.id, emission->source ? sources[emission->source].id : 0);
    if (seen[emission->value % VALUES].value != (uint64_t)emission->value)
        sequence = info->sequence;
    check_int(info->sequence, sequence);
    check_int(info->parent, emission->parent ? parent : 0);
    check(info->sequence > info->parent);
    seen[emission->value % VALUES].value = (uint64_t)emission->value;
    seen[emission->value % VALUES].sequence = sequence;
}

static int on_call(const struct tocsin_info *info, void *arg)
{
    const struct step *step = &script[followed];
    int i = *(int *)arg;

    if (followed == written || step->what != CALL)
        script_differs("handler %d is called with %s %llu", i, info->name,
                       (unsigned long long)value_of(info)->value);
    check_int(i, step->at);
    check_info(info, &step->emission);
    check_int(tocsin_handler_current().id,
              step->handler.flags & TOCSIN_ONCE ? 0 : handlers[i].id.id);
    check(handlers[i].drops == 0);
    called++;
    followed++;
    handlers[i].on_stack++;
    while (script[followed].what != RETURN)
        script_follow();
    handlers[i].on_stack--;
    return script[followed++].result;
}

static void on_drop(void *arg)
{
    int i = *(int *)arg;

    check(handlers[i].on_stack == 0 && handlers[i].drops++ == 0);
}

static int on_unhandled(const struct tocsin_info *info, void *arg)
{
    check(!arg && followed < written && script[followed].what == UNHANDLED);
    check_info(info, &script[followed++].emission);
    return TOCSIN_NEXT;
}

static int follow_connect(const struct step *step)
{
    const struct model_handler *one = &step->handler;
    static int numbers[MODEL_MADE];
    struct tocsin_action action = { .fn = on_call,
                                    .drop = on_drop,
                                    .priority = one->priority,
                                    .flags = one->flags,
                                    .mask = *step->mask.text ? step->mask.text : NULL,
                                    .source = sources[one->source] };

    numbers[step->at] = step->at;
    handlers[step->at].drops = 0;
    action.arg = &numbers[step->at];
    return one->observer ? tocsin_observe(step->pattern.text, &action, &handlers[step->at].id)
                         : tocsin_connect(step->pattern.text, &action, &handlers[step->at].id);
}

static int follow_disconnect(const struct step *step)
{
    return tocsin_disconnect(handlers[step->at].id);
}

static int follow_source_new(const struct step *step)
{
    return tocsin_source_new(NULL, &sources[step->at]);
}

static int follow_source_free(const struct step *step)
{
    return tocsin_source_free(sources[step->at]);
}

static int follow_block(const struct step *step)
{
    return tocsin_block(step->pattern.text, &masks[step->at]);
}

static int follow_unblock(const struct step *step)
{
    return tocsin_unblock(masks[step->at]);
}

/* The library returns the old set as text. The text must match the same signals as the model's
   set. */
static int follow_sigmask(const struct step *step)
{
    char old[4096] = "?";
    int size = tocsin_sigmask(step->how, step->pattern.text, old, sizeof old);

    if (size < 0 || size >= (int)sizeof old)
        return size < 0 ? size : 0;
    check_int(strlen(old), size);
    for (int i = 0; i < MODEL_SIGNALS && size; i++)
        check_int(tocsin_match(old, life.names[i]), step->emission.value >> i & 1);
    check(size || !step->emission.value);
    return 0;
}

static int follow_ignore(const struct step *step)
{
    return tocsin_ignore(step->pattern.text);
}

static int follow_default(const struct step *step)
{
    return tocsin_unignore(step->pattern.text);
}

static int follow_emit(const struct step *step)
{
    int signo = life.signos[step->emission.signal];
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(value,
                                                          .value = (uint64_t)step->emission.value);

    emissions++;
    return step->emission.source ? tocsin_emit_from(sources[step->emission.source], signo, payload)
                                 : tocsin_emit(signo, payload);
}

static int follow_turn(const struct step *step)
{
    (void)step;
    return tocsin_loop_turn(0);
}

static int follow_pending(const struct step *step)
{
    return tocsin_pending_count(step->pattern.text);
}

static int follow_pended(const struct step *step)
{
    struct tocsin_info *info = NULL;
    int err = tocsin_pending_peek(life.signos[step->emission.signal], step->at, &info);

    if (err == 0 && step->result == 0)
        check_info(info, &step->emission);
    tocsin_info_unref(info);
    return err;
}

static int follow_facts(const struct step *step)
{
    struct tocsin_signal_facts facts = { 0 };
    int err = tocsin_signal_get(life.signos[step->at], &facts);

    check_int(tocsin_has_listeners(life.signos[step->at]) << 2 | facts.ignored << 1 | facts.running,
              step->how);
    return err < 0 ? err : (int)(facts.handlers << 16 | facts.observers << 8 | facts.pending);
}

static int follow_queue_open(const struct step *step)
{
    return tocsin_queue_open(step->pattern.text,
                             &(struct tocsin_queue_options){ .flags = TOCSIN_TAKE },
                             &queue_ids[step->at]);
}

static int follow_queue_wait(const struct step *step)
{
    struct tocsin_info *info = NULL;
    int err = tocsin_queue_wait(queue_ids[step->at], 0, &info);

    if (err == 0 && step->result == 0)
        check_info(info, &step->emission);
    tocsin_info_unref(info);
    return err;
}

static int follow_queue_close(const struct step *step)
{
    return tocsin_queue_close(queue_ids[step->at]);
}

static int follow_declare(const struct step *step)
{
    const struct script_spec *one = &script_specs[step->at];
    struct tocsin_signal_spec spec = { .name = life.names[step->at],
                                       .layout = &value_layout,
                                       .kind = one->kind,
                                       .rank = one->rank,
                                       .limit = (size_t)one->limit,
                                       .unhandled_fn = one->unhandled ? on_unhandled : NULL };
    int signo = tocsin_declare(&spec);

    life.signos[step->at] = signo;
    return signo > 0 ? 0 : signo;
}

static int follow_post(const struct step *step)
{
    return tocsin_post(life.signos[step->emission.signal],
                       TOCSIN_PAYLOAD(value, .value = (uint64_t)step->emission.value));
}

static int follow_free(const struct step *step)
{
    (void)step;
    return tocsin_loop_free();
}

static int (*const operations[OPERATIONS])(const struct step *step) = {
    [CONNECT] = follow_connect,
    [DISCONNECT] = follow_disconnect,
    [SOURCE_NEW] = follow_source_new,
    [SOURCE_FREE] = follow_source_free,
    [BLOCK] = follow_block,
    [UNBLOCK] = follow_unblock,
    [SIGMASK] = follow_sigmask,
    [IGNORE] = follow_ignore,
    [DEFAULT] = follow_default,
    [EMIT] = follow_emit,
    [TURN] = follow_turn,
    [PENDING] = follow_pending,
    [PENDED] = follow_pended,
    [FACTS] = follow_facts,
    [QUEUE_OPEN] = follow_queue_open,
    [QUEUE_WAIT] = follow_queue_wait,
    [QUEUE_CLOSE] = follow_queue_close,
    [DECLARE] = follow_declare,
    [POST] = follow_post,
    [FREE] = follow_free,
};

void script_follow(void)
{
    const struct step *step = &script[followed++];

    check(step->what < OPERATIONS);
    check_int(operations[step->what](step), step->result);
    check(followed < written && script[followed].what == DONE);
    followed++;
}

void script_follow_end(void)
{
    for (int i = 0; i < model.made_count; i++)
        check_int(handlers[i].drops, !model.made[i].alive && !model.made[i].queue);
    check_int(tocsin_pending_count(NULL), life.over ? 0 : model.pends_count);
}

void script_follow_begin(void)
{
    memset(seen, 0, sizeof seen);
    memset(handlers, 0, sizeof handlers);
    check_int(tocsin_source_new(NULL, &sources[0]), 0); /* this call also creates the loop */
    check_int(tocsin_source_free(sources[0]), 0);
    sources[0].id = 0;
    for (int i = 0; i < EARLY; i++)
        check_int(follow_declare(&(struct step){ .at = i }), 0);
}
