/* Chooses random operations, and runs each one in the model. Then writes the operation to the
   script, with all calls of handlers. */
#include <string.h>

#include <tocsin/posix.h>

#include "delivery/model/script.h"

enum {
    ALIVE = 20,
    FEW = 4,
    BLOCKS = 5,
    SOURCES = 4,
    RING = 1024,
    /* a handler does nothing if it is nested DEEP deep or if the script has BUSY steps */
    DEEP = 5,
    BUSY = 150
};

/* The parts of which patterns are made. Each part has one bit for each signal that it matches. The
   first six parts are names. */
static const struct {
    const char *text;
    unsigned signals;
} parts[] = {
    { "random.a", 1 },      { "random.b", 2 },       { "random.c", 4 },
    { "random.deep.d", 8 }, { "random.deep.e", 16 }, { "other.f", 32 },
    { "random.*", 0x47 },   { "random.**", 0xdf },   { "random.deep.*", 0x98 },
    { "other.*", 0x20 },    { "*.deep.**", 0x98 },   { "**, !tocsin.**", 0xff },
};
enum { PARTS = sizeof parts / sizeof *parts };

static unsigned long long state;

/* A copy of the entries of each queue. */
static struct {
    int count;
    struct model_emission ring[RING];
} rings[QUEUES];

static int draw(int count) /* a pseudo-random number below count, made by the algorithm xorshift */
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (int)(state % (unsigned)count);
}

static struct step *add(enum what what)
{
    struct step *step = &script[written++];

    check(written < SCRIPT);
    memset(step, 0, sizeof *step);
    step->what = what;
    return step;
}

/* Chooses a random name, or a random list of parts and exclusions. */
static void choose_pattern(struct pattern *pattern, bool early)
{
    int one = draw(early ? MODEL_SIGNALS : EARLY), count = draw(3);

    if (draw(2)) {
        strcpy(pattern->text, life.names[one]);
        pattern->signals = 1u << one;
        pattern->unnamed = !life.signos[one];
        return;
    }
    one = EARLY + draw(PARTS - EARLY);
    strcpy(pattern->text, parts[one].text);
    pattern->signals = parts[one].signals;
    for (; count > 0; count--) {
        bool not = draw(3);

        one = draw(PARTS - 1);
        strcat(strcat(pattern->text, not ? ", !" : ", "), parts[one].text);
        pattern->signals = not ? pattern->signals & ~parts[one].signals
                               : pattern->signals | parts[one].signals;
    }
}

static int alive(void)
{
    int count = 0;

    for (int i = 0; i < model.made_count; i++)
        count += model.made[i].alive;
    return count;
}

/* Usually chooses a handler that is connected. Returns -1 if no handler was ever connected. */
static int choose_handler(void)
{
    int left = alive(), i = -1;

    if (!left || draw(10) == 0)
        return model.made_count ? draw(model.made_count) : -1;
    for (left = draw(left); left >= 0; left -= model.made[i].alive)
        i++;
    return i;
}

/* Chooses one of the last few sources, whether it still exists or not. 0 means no source. */
static int choose_source(void)
{
    int number = life.sources_made - draw(SOURCES);

    return draw(2) || number < 1 ? 0 : number;
}

/* Each of these functions chooses the details of one operation. It returns false if the operation
   is not possible now. */

static bool choose_connect(struct step *step)
{
    struct model_handler *one = &step->handler;

    if (alive() >= life.handlers_most || model.made_count == MODEL_MADE)
        return false;
    choose_pattern(&step->pattern, true);
    *one = (struct model_handler){ .signals = step->pattern.signals,
                                   .priority = draw(3) - 1,
                                   .alive = true };
    one->flags |= draw(5) ? 0 : TOCSIN_ONCE;
    one->flags |= draw(4) ? 0 : TOCSIN_NODEFER;
    one->flags |= draw(8) ? 0 : TOCSIN_EARLY;
    one->observer = draw(5) == 0;
    one->source = step->pattern.unnamed ? 0 : choose_source();
    if (draw(4) == 0) {
        choose_pattern(&step->mask, false);
        one->mask = step->mask.signals;
    }
    step->at = model.made_count;
    step->result = (step->pattern.unnamed && !(one->flags & TOCSIN_EARLY)) ||
                           (one->source && !model.sources[one->source])
                       ? -ENOENT
                       : 0;
    if (step->result == 0) {
        model.made[model.made_count++] = *one;
        model.named |= step->pattern.unnamed ? one->signals : 0;
    }
    return true;
}

static bool choose_disconnect(struct step *step)
{
    step->at = choose_handler();
    if (step->at < 0 || model.made[step->at].queue)
        return false;
    step->result = model.made[step->at].alive ? 0 : -ENOENT;
    model.made[step->at].alive = false;
    return true;
}

static bool choose_source_new(struct step *step)
{
    if (life.sources_made == MODEL_MADE - 1)
        return false;
    step->at = ++life.sources_made;
    model.sources[step->at] = true;
    return true;
}

static bool choose_source_free(struct step *step)
{
    step->at = choose_source();
    step->result = step->at ? model_source_free(step->at) : 0;
    return step->at;
}

static bool choose_block(struct step *step)
{
    int count = 0;

    for (int i = 0; i < model.blocks_made; i++)
        count += model.blocks[i] != 0;
    if (count >= life.blocks_most || model.blocks_made == MODEL_MADE)
        return false;
    choose_pattern(&step->pattern, true);
    step->at = model.blocks_made;
    step->result = step->pattern.unnamed ? -ENOENT : 0;
    if (step->result == 0)
        model.blocks[model.blocks_made++] = step->pattern.signals | MODEL_THERE;
    return true;
}

/* Blocks are removed in any order. The same block may be removed twice. */
static bool choose_unblock(struct step *step)
{
    int last = draw(3) ? BLOCKS : model.blocks_made;

    step->at = model.blocks_made - 1 - (last ? draw(last) : 0);
    if (step->at < 0)
        return false;
    step->result = model_unblock(step->at);
    return true;
}

/* Returns the result of tocsin_sigmask() for this pattern. Patterns with exclusions are refused. */
static int pattern_result(const struct pattern *pattern, bool change)
{
    return change && strchr(pattern->text, '!') ? -EINVAL : pattern->unnamed ? -ENOENT : 0;
}

static bool choose_sigmask(struct step *step)
{
    step->how = (unsigned)draw(7);
    if (step->how <= TOCSIN_SETMASK)
        choose_pattern(&step->pattern, true);
    else if (step->how < 5)
        step->how = TOCSIN_SETMASK; /* an empty pattern stands for the empty set */
    else
        /* with the empty set, TOCSIN_BLOCK and TOCSIN_UNBLOCK change nothing */
        step->how = step->how == 5 ? TOCSIN_BLOCK : TOCSIN_UNBLOCK;
    step->emission.value = (long)model.set; /* tocsin_sigmask() must return this old set */
    step->result = pattern_result(&step->pattern, step->how != TOCSIN_SETMASK);
    if (step->result == 0)
        model_sigmask(step->how, step->pattern.signals);
    return true;
}

static bool choose_ignore(struct step *step)
{
    choose_pattern(&step->pattern, true);
    step->result = pattern_result(&step->pattern, true);
    if (step->result == 0)
        model_ignore(step->pattern.signals);
    return true;
}

static bool choose_default(struct step *step)
{
    choose_pattern(&step->pattern, true);
    step->result = pattern_result(&step->pattern, true);
    if (step->result == 0)
        model.ignored &= ~step->pattern.signals;
    return true;
}

/* In a quarter of the cases, chooses a signal with pending emissions, so that new emissions often
   find older ones. */
static int choose_signal(void)
{
    if (draw(4) == 0 && model.pends_count)
        return model.pends[draw(model.pends_count)].signal;
    return draw(MODEL_SIGNALS);
}

static bool choose_emit(struct step *step)
{
    struct model_emission *emission = &step->emission;

    emission->signal = choose_signal();
    emission->source = choose_source();
    emission->value = ++life.value;
    if (!life.signos[emission->signal])
        return false;
    step->result = model_emit(emission->signal, emission->source, emission->value);
    return true;
}

static bool choose_turn(struct step *step)
{
    step->result = model.depth ? -EDEADLK : model_turn();
    return true;
}

static bool choose_pending(struct step *step)
{
    choose_pattern(&step->pattern, false);
    for (int i = 0; i < model.pends_count; i++)
        step->result += step->pattern.signals >> model.pends[i].signal & 1;
    return true;
}

/* Chooses a signal and one of its pending emissions. The library must report the same emission as
   the model. */
static bool choose_pended(struct step *step)
{
    int signal = draw(MODEL_SIGNALS), count = 0;

    step->at = draw(3);
    step->result = -ENOENT;
    for (int i = 0; i < model.pends_count; i++)
        if (model.pends[i].signal == signal && count++ == step->at) {
            step->emission = model.pends[i];
            step->result = 0;
        }
    step->emission.signal = signal;
    return life.signos[signal];
}

/* Chooses a signal. tocsin_signal_get() must report the same state of this signal as the model. */
static bool choose_facts(struct step *step)
{
    int signal = draw(MODEL_SIGNALS), counts[3] = { 0 };

    step->at = signal;
    for (int i = 0; i < model.made_count; i++)
        counts[model.made[i].observer] += model.made[i].alive &&
                                          model.made[i].signals >> signal & 1;
    for (int i = 0; i < model.pends_count; i++)
        counts[2] += model.pends[i].signal == signal;
    step->result = counts[0] << 16 | counts[1] << 8 | counts[2];
    step->how = (unsigned)model_heard(signal) << 2 | (model.ignored >> signal & 1) << 1 |
                (model.signals[signal].running > 0);
    return life.signos[signal];
}

static bool choose_queue_open(struct step *step)
{
    int queue = draw(QUEUES), before = life.queues[queue];

    if ((before >= 0 && model.made[before].alive) || model.made_count == MODEL_MADE)
        return false;
    choose_pattern(&step->pattern, false);
    step->at = life.queues[queue] = model.made_count++;
    rings[queue].count = 0;
    model.made[step->at] = (struct model_handler){
        .signals = step->pattern.signals, .priority = 1 << 20, .queue = 1 + queue, .alive = true
    };
    return true;
}

/* Takes the first entry of the queue. If the queue is empty, takes a pending emission of the
   queue's set. */
static int pull(int queue, struct model_emission *ret_emission)
{
    if (!rings[queue].count)
        return model_take(model.made[life.queues[queue]].signals, ret_emission);
    *ret_emission = rings[queue].ring[0];
    memmove(rings[queue].ring, rings[queue].ring + 1,
            (size_t)--rings[queue].count * sizeof *ret_emission);
    return 0;
}

/* Does the same as pull(). If pull() finds no entry, this function runs a turn and calls pull()
   again. */
static int wait_for(int queue, struct model_emission *ret_emission)
{
    int handler = life.queues[queue], err = pull(queue, ret_emission);

    if (err == 0 || model.depth)
        return err;
    model_turn();
    return life.free_wanted || !model.made[handler].alive ? -ECANCELED : pull(queue, ret_emission);
}

static bool choose_queue_wait(struct step *step)
{
    int queue = draw(QUEUES);

    step->at = life.queues[queue];
    if (step->at < 0)
        return false;
    step->result = model.made[step->at].alive ? wait_for(queue, &step->emission) : -ENOENT;
    return true;
}

static bool choose_queue_close(struct step *step)
{
    step->at = life.queues[draw(QUEUES)];
    if (step->at < 0)
        return false;
    step->result = model.made[step->at].alive ? 0 : -ENOENT;
    model.made[step->at].alive = false;
    return true;
}

static bool choose_declare(struct step *step)
{
    step->at = draw(2) ? EARLY : EARLY + 1;
    if (life.signos[step->at])
        return false;
    model.named |= 1u << step->at;
    /* -1 stands for a number that is not known yet; follow_script.c replaces -1 by the real
       number */
    life.signos[step->at] = -1;
    return true;
}

/* Chooses a signal to post. The function never chooses a signal whose limit is reached, since the
   model does not know whether tocsin.queue.full was emitted for this overflow already. */
static bool choose_post(struct step *step)
{
    struct model_emission *emission = &step->emission;
    int count = 0;

    emission->signal = draw(MODEL_SIGNALS);
    emission->value = ++life.value;
    for (int i = 0; i < model.pends_count; i++)
        count += model.pends[i].signal == emission->signal;
    if (!life.signos[emission->signal] || model.inbox_count >= MODEL_PENDS / 8 ||
        count >= model.signals[emission->signal].limit)
        return false;
    step->result = model_post(emission->signal, emission->value);
    return true;
}

/* In a handler, the free of the loop takes effect when the handler has ended. Outside of handlers
   the loop is freed at once, and its pending emissions are delivered. */
static bool choose_free(struct step *step)
{
    for (int i = 0; i < QUEUES && !model.depth; i++)
        step->result += life.queues[i] >= 0 && model.made[life.queues[i]].alive;
    for (int i = 1; i <= life.sources_made && !model.depth; i++)
        step->result += model.sources[i];
    for (int i = 0; i < model.blocks_made && !model.depth; i++)
        step->result += model.blocks[i] != 0;
    life.free_wanted = model.ends = true;
    return true;
}

static const struct {
    int weight;
    bool (*choose)(struct step *step);
} operations[OPERATIONS] = {
    [CONNECT] = { 150, choose_connect },
    [DISCONNECT] = { 70, choose_disconnect },
    [SOURCE_NEW] = { 25, choose_source_new },
    [SOURCE_FREE] = { 20, choose_source_free },
    [BLOCK] = { 60, choose_block },
    [UNBLOCK] = { 90, choose_unblock },
    [SIGMASK] = { 80, choose_sigmask },
    [IGNORE] = { 12, choose_ignore },
    [DEFAULT] = { 24, choose_default },
    [EMIT] = { 360, choose_emit },
    [TURN] = { 30, choose_turn },
    [PENDING] = { 20, choose_pending },
    [PENDED] = { 20, choose_pended },
    [FACTS] = { 20, choose_facts },
    [QUEUE_OPEN] = { 8, choose_queue_open },
    [QUEUE_WAIT] = { 40, choose_queue_wait },
    [QUEUE_CLOSE] = { 8, choose_queue_close },
    [DECLARE] = { 2, choose_declare },
    [POST] = { 60, choose_post },
    [FREE] = { 1, choose_free },
};

static int choose_operation(void)
{
    int what, left = 0;

    for (what = 0; what < OPERATIONS; what++)
        left += operations[what].weight;
    for (left = draw(left), what = 0; (left -= operations[what].weight) >= 0;)
        what++;
    return what;
}

/* Ends a life. The pending emissions are delivered to handlers that do nothing, and then all
   handlers are disconnected. */
static void end(void)
{
    unsigned was = model.set;

    life.over = true;
    model.ends = false;
    while (model.inbox_count)
        model_receive();
    for (int i = 0; i < model.blocks_made; i++)
        was |= model.blocks[i];
    model.set = 0;
    memset(model.blocks, 0, sizeof model.blocks);
    model_flush(was, 0);
    model_flush(~0u, 0);
    for (int i = 0; i < model.made_count; i++)
        model.made[i].alive = false;
}

void script_play(void)
{
    int what = choose_operation(), at = written;

    if (!operations[what].choose(add((enum what)what))) {
        written = at;
        return;
    }
    steps++;
    if (life.free_wanted && !model.depth)
        end();
    add(DONE)->at = at;
}

void script_play_end(void)
{
    choose_free(add(FREE));
    steps++;
    end();
    add(DONE);
}

int model_calls(int handler, const struct model_emission *emission)
{
    static const int answers[] = { TOCSIN_NEXT,   TOCSIN_NEXT, TOCSIN_NEXT, 1,
                                   TOCSIN_PENDED, -EIO,        TOCSIN_STOP };
    int answer = answers[draw(sizeof answers / sizeof *answers)];
    int queue = model.made[handler].queue - 1;
    struct step *step;

    if (queue >= 0) {
        check(rings[queue].count < RING);
        rings[queue].ring[rings[queue].count++] = *emission;
        return TOCSIN_STOP;
    }
    step = add(CALL);
    step->at = handler;
    step->handler = model.made[handler];
    step->emission = *emission;
    for (int count = draw(4); count > 0 && !life.over && model.depth <= DEEP && written < BUSY;
         count--)
        script_play();
    add(RETURN)->result = answer;
    return answer;
}

void model_unhandled(const struct model_emission *emission)
{
    if (script_specs[emission->signal].unhandled)
        add(UNHANDLED)->emission = *emission;
}

void script_draw_from(unsigned long long seed)
{
    state = 2 * seed + 1;
}

void script_play_begin(enum model_mutant mutant, bool fresh)
{
    unsigned named = model.named;

    memset(&model, 0, sizeof model);
    model.mutant = mutant;
    model.read = -1;
    model.named = fresh ? (1u << EARLY) - 1 : named;
    for (int i = 0; i < MODEL_SIGNALS; i++) {
        model.signals[i].kind = script_specs[i].kind;
        model.signals[i].rank = script_specs[i].rank;
        model.signals[i].limit = script_specs[i].limit;
        model.signals[i].unhandled = script_specs[i].unhandled;
    }
    for (int i = 0; i < QUEUES; i++)
        life.queues[i] = -1;
    life.blocks_most = draw(BLOCKS + 1);
    /* with few handlers, many emissions call no handler */
    life.handlers_most = draw(2) ? ALIVE : 1 + draw(FEW);
}
