/* Makes random commands for three loops, and compares the results with a model (contract lines T2,
   T5, T6, T7, E1, E3, E9, E10, E11 and E18).

   The commands connect, observe, disconnect, block, ignore, emit, post, turn and free. Each command
   runs on one of three threads. A thread has no loop before its first connect, and none after a
   free.

   For each command the model computes the result, and which handlers and default actions are
   called, in which order. The test compares this with what the library does. A handler may emit or
   post the next signal, with a value that is smaller by 1,000, until the value is below 1,000.

   TOCSIN_TEST_SEED=n runs one seed and prints each command. TOCSIN_TEST_SEEDS=n sets the number of
   seeds. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "command_threads.h"

#define NUMBER(F) F(u64, value)
TOCSIN_LAYOUT(number, NUMBER);

enum { LOOPS = 3, SIGNALS = 5, MOST = 4096, SEEDS = 150, STEPS = 400, LIMIT = 3 };

/* The signals of the test. QUEUED has no limit. FEW may have at most LIMIT pending emissions.
   LATEST coalesces. GUARDED has a default action. Real signal handlers may post OTHER. */
enum { QUEUED, FEW, LATEST, GUARDED, OTHER };

static int signos[SIGNALS];

/* The model computes what the library must do. */

/* One emission. Several loops may have a copy of the emission. */
struct group {
    int open; /* the number of copies that are not delivered yet */
    bool handled;
    bool own; /* true if only the emitting loop has the emission */
};

struct entry {
    int signal, value, overrun, group, age;
    bool unhandled; /* true if the main loop has the entry only to run its default action */
};

/* The emissions and posts that a handler makes when it is called. */
enum sends { SENDS_NOTHING, SENDS_EMIT, SENDS_POST, SENDS_POST_TO };

struct handler {
    int signal, number, to; /* `to` is the index of the loop that SENDS_POST_TO posts to */
    enum sends sends;
    bool observer, stops;
    bool requested; /* true if another loop has requested the disconnect of this handler */
    bool disconnected;
};

struct list {
    int count;
    struct entry items[MOST];
};

static struct model {
    bool exists, is_ending;
    /* While the loop is freed, only pending entries whose age is below this number are
       delivered. */
    int before;
    int born, age, handlers_count;
    struct handler handlers[256];
    bool blocked[SIGNALS], ignored[SIGNALS];
    struct list inbox, pending;
} loops[LOOPS];

static struct group groups[MOST];
static int groups_count, born;
static char expected[1 << 20];

static __attribute__((format(printf, 1, 2))) void expect(const char *format, ...)
{
    size_t length = strlen(expected);
    va_list values;

    va_start(values, format);
    vsnprintf(expected + length, sizeof expected - length, format, values);
    va_end(values);
}

static void list_take(struct list *list, int at)
{
    memmove(&list->items[at], &list->items[at + 1],
            (size_t)(--list->count - at) * sizeof list->items[0]);
}

static int count_handlers(const struct model *loop, int signal, bool observers)
{
    int count = 0;

    for (int i = 0; i < loop->handlers_count; i++)
        count += !loop->handlers[i].disconnected && loop->handlers[i].signal == signal &&
                 loop->handlers[i].observer == observers;
    return count;
}

static bool has_listeners(const struct model *loop, int signal)
{
    return loop->exists && (count_handlers(loop, signal, true) ||
                            count_handlers(loop, signal, false) || loop->blocked[signal]);
}

static int count_pending(const struct model *loop, int signal)
{
    int count = 0;

    for (int i = 0; i < loop->pending.count; i++)
        count += loop->pending.items[i].signal == signal;
    return count;
}

static bool full(const struct model *loop, int signal)
{
    return signal == FEW && (count_handlers(loop, signal, false) || loop->blocked[signal]) &&
           count_pending(loop, signal) >= LIMIT;
}

static int main_loop(void)
{
    int oldest = -1;

    for (int i = 0; i < LOOPS; i++)
        if (loops[i].exists && (oldest < 0 || loops[i].born < loops[oldest].born))
            oldest = i;
    return oldest;
}

static void expect_default_action(int number, const struct entry *entry)
{
    if (!loops[number].ignored[entry->signal])
        expect("%d!%d=%d ", number, entry->signal, entry->value);
}

static int model_emit(int number, int signal, int value);
static int model_post(int signal, int value);
static int model_post_to(int number, int signal, int value);

static void model_send_next(int number, const struct handler *handler, const struct entry *entry)
{
    int value = entry->value - 1000, signal = entry->signal + 1, result = 0;

    if (value < 0 || signal == SIGNALS || handler->sends == SENDS_NOTHING)
        return;
    switch (handler->sends) {
    case SENDS_EMIT: result = model_emit(number, signal, value); break;
    case SENDS_POST: result = model_post(signal, value); break;
    default: result = model_post_to(handler->to, signal, value);
    }
    expect(">%d ", result);
}

/* Takes the default action of an emission. If this loop is the main loop, the action runs now.
   Otherwise the action runs in the next turn of the main loop. */
static void unhandled(int where, int number, const struct entry *entry)
{
    struct list *inbox = &loops[where].inbox;

    if (where == number) {
        expect("%d!%d=%d ", number, entry->signal, entry->value);
        return;
    }
    inbox->items[inbox->count] = *entry;
    inbox->items[inbox->count++].unhandled = true;
}

/* Marks one copy of an emission as delivered. If the last copy had no handler, the default action
   is taken. */
static void finish_copy(int number, const struct entry *entry, bool handled)
{
    struct group *group = &groups[entry->group];

    group->handled |= handled;
    if (--group->open || group->handled || entry->signal != GUARDED)
        return;
    unhandled(group->own ? number : main_loop(), number, entry);
}

/* Delivers an entry to the handlers of a loop. Returns true if a handler was called. */
static bool call_all(int number, const struct entry *entry, bool *ret_stopped)
{
    struct model *loop = &loops[number];
    bool stopped = false, handled = false, ignored = loop->ignored[entry->signal];

    for (int i = 0; i < loop->handlers_count; i++) {
        const struct handler *handler = &loop->handlers[i];

        if (handler->disconnected || handler->signal != entry->signal ||
            (!handler->observer && (stopped || ignored)))
            continue;
        expect("%d:%d=%d+%d ", handler->number, entry->signal, entry->value, entry->overrun);
        if (handler->observer)
            continue;
        model_send_next(number, handler, entry);
        handled = true;
        stopped |= handler->stops;
    }
    *ret_stopped = stopped;
    return handled;
}

static void flush(int number, int signal);

static void add_pending(struct model *loop, const struct entry *entry)
{
    for (int i = 0; i < loop->pending.count && entry->signal == LATEST; i++) {
        struct entry *older = &loop->pending.items[i];

        if (older->signal == LATEST) {
            older->value = entry->value;
            older->overrun += entry->overrun + 1;
            return;
        }
    }
    loop->pending.items[loop->pending.count] = *entry;
    loop->pending.items[loop->pending.count++].age = loop->age++;
}

static void deliver(int number, const struct entry *entry)
{
    struct model *loop = &loops[number];
    bool stopped, handled;

    if (entry->unhandled) {
        unhandled(main_loop(), number, entry);
    } else if (!has_listeners(loop, entry->signal)) {
        finish_copy(number, entry, loop->ignored[entry->signal]);
    } else if (loop->blocked[entry->signal]) {
        add_pending(loop, entry);
    } else {
        handled = call_all(number, entry, &stopped);
        finish_copy(number, entry, handled || loop->ignored[entry->signal]);
    }
}

/* Returns the index of the oldest pending entry whose age is below the parameter before. If signal
   is -1, entries of all signals count. Returns -1 if there is no such entry. */
static int oldest(const struct model *loop, int signal, int before)
{
    int found = -1;

    for (int i = 0; i < loop->pending.count; i++) {
        const struct entry *entry = &loop->pending.items[i];

        if ((signal < 0 || entry->signal == signal) && entry->age < before &&
            (found < 0 || entry->age < loop->pending.items[found].age))
            found = i;
    }
    return found;
}

static void flush(int number, int signal)
{
    struct model *loop = &loops[number];
    struct entry entry;
    int at, before = loop->age;

    while ((at = oldest(loop, signal, before)) >= 0) {
        entry = loop->pending.items[at];
        list_take(&loop->pending, at);
        deliver(number, &entry);
    }
}

static void disconnect_requested(struct model *loop)
{
    for (int i = 0; i < loop->handlers_count; i++)
        loop->handlers[i].disconnected |= loop->handlers[i].requested;
}

static void turn(int number)
{
    struct model *loop = &loops[number];
    struct entry entry;

    disconnect_requested(loop);
    for (int count = loop->inbox.count; count; count--) {
        entry = loop->inbox.items[0];
        list_take(&loop->inbox, 0);
        deliver(number, &entry);
    }
}

static void end(int number)
{
    struct model *loop = &loops[number];

    loop->born = 1 << 30; /* a loop that is being freed is not the main loop any more */
    loop->is_ending = true;
    while (loop->inbox.count)
        turn(number);
    disconnect_requested(loop);
    memset(loop->blocked, 0, sizeof loop->blocked);
    while (loop->pending.count || loop->inbox.count) {
        loop->before = loop->age;
        flush(number, -1);
        turn(number);
    }
    memset(loop, 0, sizeof *loop);
}

/* Puts an entry into the inbox of a loop. */
static void inbox_put(int number, const struct entry *entry)
{
    struct list *inbox = &loops[number].inbox;

    for (int i = 0; i < inbox->count && entry->signal == LATEST; i++)
        if (inbox->items[i].signal == LATEST) {
            inbox->items[i].value = entry->value;
            inbox->items[i].overrun += 1;
            return;
        }
    inbox->items[inbox->count++] = *entry;
}

static int send_to_all(int signal, int value, int except, bool local)
{
    struct entry entry = { .signal = signal, .value = value, .group = groups_count };
    int count = 0;

    for (int i = 0; i < LOOPS; i++)
        if (i != except && !loops[i].is_ending && has_listeners(&loops[i], signal) &&
            full(&loops[i], signal))
            return -EAGAIN;
    for (int i = 0; i < LOOPS; i++)
        if (i != except && !loops[i].is_ending && has_listeners(&loops[i], signal)) {
            inbox_put(i, &entry);
            count++;
        }
    groups[groups_count++] = (struct group){ .open = count + local, .own = !count };
    return count;
}

static int model_post(int signal, int value)
{
    struct entry entry = { .signal = signal, .value = value };
    int count = send_to_all(signal, value, -1, false);

    if (count < 0)
        return count;
    if (count || signal != GUARDED)
        return count ? TOCSIN_PENDED : TOCSIN_NOBODY;
    if (main_loop() < 0 || loops[main_loop()].is_ending)
        return -ESHUTDOWN;
    entry.group = groups_count - 1;
    groups[entry.group] = (struct group){ .open = 1 };
    inbox_put(main_loop(), &entry);
    return TOCSIN_PENDED;
}

static int model_post_to(int number, int signal, int value)
{
    struct entry entry = { .signal = signal, .value = value, .group = groups_count };

    if (!loops[number].exists || loops[number].is_ending)
        return -ESHUTDOWN;
    if (full(&loops[number], signal))
        return -EAGAIN;
    groups[groups_count++] = (struct group){ .open = 1 };
    inbox_put(number, &entry);
    return TOCSIN_PENDED;
}

static bool has_remote_listeners(int number, int signal)
{
    for (int i = 0; i < LOOPS; i++)
        if (i != number && !loops[i].is_ending && has_listeners(&loops[i], signal))
            return true;
    return false;
}

/* Returns true if the signal has no handler on this loop, while older emissions of the signal wait
   for their default action. A new emission must then wait behind the older emissions. */
static bool behind_others(int number, int signal)
{
    const struct model *loop = &loops[number];

    return signal == GUARDED && !loop->ignored[signal] && !has_listeners(loop, signal) &&
           count_pending(loop, signal) && !has_remote_listeners(number, signal);
}

static int model_emit(int number, int signal, int value)
{
    struct entry entry = { .signal = signal, .value = value, .group = groups_count };
    struct model *loop = &loops[number];
    bool here = has_listeners(loop, signal) || behind_others(number, signal),
         held = loop->blocked[signal], stopped, handled;
    int count;

    /* An emission first delivers the older pending entries of its signal. If the loop is being
       freed, the end of the loop delivers these entries instead, and the new emission waits behind
       them. */
    if (here && !held && count_pending(loop, signal)) {
        held = oldest(loop, signal, loop->before) >= 0;
        if (!held)
            flush(number, signal);
    }
    if (here && held && signal == FEW && count_pending(loop, signal) >= LIMIT)
        return -EAGAIN;
    count = send_to_all(signal, value, number, here);
    if (count < 0)
        return count;
    if (!here && !count && signal == GUARDED)
        expect_default_action(number, &entry);
    if (!here)
        return count ? TOCSIN_PENDED : TOCSIN_NOBODY;
    if (held) {
        add_pending(loop, &entry);
        return TOCSIN_PENDED;
    }
    handled = call_all(number, &entry, &stopped);
    finish_copy(number, &entry, handled || loop->ignored[signal]);
    return stopped ? TOCSIN_STOPPED : handled ? TOCSIN_DELIVERED : TOCSIN_NOBODY;
}

/* These functions run the same commands in the library, on three threads. */

static struct thread {
    struct peer peer;
    struct tocsin_loop loop;
    struct tocsin_handler handlers[256];
    struct tocsin_block masks[SIGNALS];
} threads[LOOPS];
static char actual[1 << 20];

static void write_call(int number, int sign, const struct tocsin_info *info)
{
    size_t length = strlen(actual);
    int signal = 0;

    while (signos[signal] != info->signo)
        signal++;
    if (sign == '!')
        snprintf(actual + length, sizeof actual - length, "%d!%d=%d ", number, signal,
                 (int)number_of(info)->value);
    else
        snprintf(actual + length, sizeof actual - length, "%d:%d=%d+%u ", number, signal,
                 (int)number_of(info)->value, info->overrun);
}

static __thread int own_number;

struct handler_arg {
    int number, to;
    enum sends sends;
    bool stops, observer;
};

static void send_next(const struct handler_arg *handler, const struct tocsin_info *info)
{
    int signal = 0, value = (int)number_of(info)->value - 1000, result;
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(number, .value = (uint64_t)value);

    while (signos[signal++] != info->signo)
        ;
    if (value < 0 || signal == SIGNALS || handler->sends == SENDS_NOTHING || handler->observer)
        return;
    switch (handler->sends) {
    case SENDS_EMIT: result = tocsin_emit(signos[signal], payload); break;
    case SENDS_POST: result = tocsin_post(signos[signal], payload); break;
    default: result = tocsin_post_to(threads[handler->to].loop, signos[signal], payload);
    }
    snprintf(actual + strlen(actual), 16, ">%d ", result);
}

static int on_signal(const struct tocsin_info *info, void *arg)
{
    const struct handler_arg *handler = arg;

    write_call(handler->number, ':', info);
    send_next(handler, info);
    return handler->stops ? TOCSIN_STOP : TOCSIN_NEXT;
}

static int default_action(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    write_call(own_number, '!', info);
    return 0;
}

/* A command of the test. One of the three threads runs it. */
enum kind {
    CONNECT,
    OBSERVE,
    DISCONNECT,
    BLOCK,
    UNBLOCK,
    IGNORE,
    DEFAULT,
    EMIT,
    POST,
    POST_TO,
    TURN,
    FREE
};

static struct command {
    enum kind kind;
    int loop, signal, value, handler, to;
    enum sends sends;
    bool stops;
} command;
static struct handler_arg handler_args[8192];
static int handlers_made;

static int connect_handler(struct thread *thread)
{
    struct tocsin_action action = { .fn = on_signal, .arg = &handler_args[command.value] };
    const char *name = (const char *[]){ "fuzz.queued", "fuzz.few", "fuzz.latest", "fuzz.guarded",
                                         "fuzz.other" }[command.signal];
    int err;

    own_number = command.loop;
    handler_args[command.value] = (struct handler_arg){ command.value, command.to, command.sends,
                                                        command.stops, command.kind == OBSERVE };
    err = command.kind == OBSERVE
              ? tocsin_observe(name, &action, &thread->handlers[command.handler])
              : tocsin_connect(name, &action, &thread->handlers[command.handler]);
    thread->loop = tocsin_loop_current();
    return err;
}

static int run_command(void *none)
{
    static const char *const names[] = { "fuzz.queued", "fuzz.few", "fuzz.latest", "fuzz.guarded",
                                         "fuzz.other" };
    struct thread *thread = &threads[command.loop], *other = &threads[command.to];
    const struct tocsin_payload *payload = TOCSIN_PAYLOAD(number, .value = (uint64_t)command.value);

    (void)none;
    switch (command.kind) {
    case CONNECT:
    case OBSERVE: return connect_handler(thread);
    case DISCONNECT: return tocsin_disconnect(other->handlers[command.handler]);
    case BLOCK: return tocsin_block(names[command.signal], &thread->masks[command.signal]);
    case UNBLOCK: return tocsin_unblock(thread->masks[command.signal]);
    case IGNORE: return tocsin_ignore(names[command.signal]);
    case DEFAULT: return tocsin_unignore(names[command.signal]);
    case EMIT: return tocsin_emit(signos[command.signal], payload);
    case POST: return tocsin_post(signos[command.signal], payload);
    case POST_TO: return tocsin_post_to(other->loop, signos[command.signal], payload);
    case TURN: return tocsin_loop_turn(0) < 0 ? -1 : 0;
    default: return tocsin_loop_free() < 0 ? -1 : 0;
    }
}

/* Functions that choose random commands */

static unsigned long long state;

static int draw(int below)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (int)((state >> 33) % (unsigned)below);
}

static bool draw_handler(struct model *loop)
{
    if (!loop->handlers_count)
        return false;
    command.handler = draw(loop->handlers_count);
    return !loop->handlers[command.handler].disconnected || draw(4) == 0;
}

static int model_disconnect(void)
{
    struct handler *handler = &loops[command.to].handlers[command.handler];

    if (handler->disconnected || (handler->requested && command.loop != command.to))
        return -ENOENT;
    *(command.loop == command.to ? &handler->disconnected : &handler->requested) = true;
    return 0;
}

static int model_connect(void)
{
    struct model *loop = &loops[command.loop];

    if (!loop->exists) {
        loop->exists = true;
        loop->born = ++born;
    }
    loop->handlers[loop->handlers_count++] = (struct handler){ .signal = command.signal,
                                                               .number = command.value,
                                                               .observer = command.kind == OBSERVE,
                                                               .to = command.to,
                                                               .sends = command.sends,
                                                               .stops = command.stops };
    return 0;
}

static int model_ignore(struct model *loop)
{
    for (int i = loop->pending.count; i--;)
        if (loop->pending.items[i].signal == command.signal) {
            groups[loop->pending.items[i].group].handled = true;
            groups[loop->pending.items[i].group].open--;
            list_take(&loop->pending, i);
        }
    loop->ignored[command.signal] = true;
    return 0;
}

static int model(void)
{
    struct model *loop = &loops[command.loop];

    switch (command.kind) {
    case CONNECT:
    case OBSERVE: return model_connect();
    case DISCONNECT: return model_disconnect();
    case BLOCK: loop->blocked[command.signal] = true; return 0;
    case UNBLOCK:
        loop->blocked[command.signal] = false;
        flush(command.loop, command.signal);
        return 0;
    case IGNORE: return model_ignore(loop);
    case DEFAULT: loop->ignored[command.signal] = false; return 0;
    case EMIT: return model_emit(command.loop, command.signal, command.value);
    case POST: return model_post(command.signal, command.value);
    case POST_TO: return model_post_to(command.to, command.signal, command.value);
    case TURN: turn(command.loop); return 0;
    default: end(command.loop); return 0;
    }
}

/* Chooses a random command. Returns false if the command is not possible now. */
static bool draw_command(void)
{
    struct model *loop;

    command = (struct command){ .kind = (enum kind[]){ CONNECT, OBSERVE, DISCONNECT, BLOCK, UNBLOCK,
                                                       IGNORE, DEFAULT, EMIT, EMIT, EMIT, POST,
                                                       POST, POST_TO, TURN, TURN, TURN, TURN,
                                                       FREE }[draw(18)],
                                .loop = draw(LOOPS),
                                .signal = draw(SIGNALS),
                                .to = draw(LOOPS),
                                .stops = draw(4) == 0,
                                .sends = (enum sends)draw(4) };
    loop = &loops[command.loop];
    command.value = command.kind == CONNECT || command.kind == OBSERVE ? handlers_made++
                                                                       : draw(4000);
    if (command.kind == FREE && draw(4))
        return false;
    if (command.kind == CONNECT || command.kind == OBSERVE) {
        command.handler = loop->handlers_count;
        return loop->handlers_count < 200;
    }
    if (command.kind == POST)
        return true;
    if (!loop->exists)
        return false;
    if (command.kind == DISCONNECT)
        return loops[command.to].exists && draw_handler(&loops[command.to]);
    if (command.kind == POST_TO)
        return loops[command.to].exists;
    if (command.kind == BLOCK || command.kind == UNBLOCK)
        return loop->blocked[command.signal] == (command.kind == UNBLOCK);
    return true;
}

static const char *const command_names[] = { "connect", "observe", "disconnect", "block",
                                             "unblock", "ignore",  "default",    "emit",
                                             "post",    "post to", "turn",       "free" };

/* Returns the start of the first word in which the actual and the expected text differ. */
static size_t first_difference(void)
{
    size_t at = 0, word = 0;

    for (; actual[at] && actual[at] == expected[at]; at++)
        word = actual[at] == ' ' ? at + 1 : word;
    return word;
}

static void step(int seed, int number)
{
    int result, actual_result;
    size_t at;

    expected[0] = actual[0] = '\0';
    result = model();
    actual_result = peer_does(&threads[command.loop].peer, run_command, NULL);
    at = first_difference();
    ck_assert_msg(
        result == actual_result && !actual[at] && !expected[at],
        "seed %d, step %d: %s on %d, signal %d, value %d, to %d, handler %d: returned %d, "
        "expected %d; after \"%s%.*s\": called \"%.60s\", expected \"%.60s\"",
        seed, number, command_names[command.kind], command.loop, command.signal, command.value,
        command.to, command.handler, actual_result, result, at > 200 ? "…" : "",
        at > 200 ? 200 : (int)at, actual + (at > 200 ? at - 200 : 0), actual + at, expected + at);
}

static void run(int seed)
{
    state = (unsigned long long)seed;
    memset(loops, 0, sizeof loops);
    groups_count = born = handlers_made = 0;
    for (int i = 0; i < STEPS; i++) {
        while (!draw_command())
            ;
        step(seed, i);
        if (getenv("TOCSIN_TEST_SEED"))
            fprintf(
                stderr,
                "%d: %s on %d, signal %d, value %d, to %d, handler %d, stops %d, sends %d: %s\n", i,
                command_names[command.kind], command.loop, command.signal, command.value,
                command.to, command.handler, command.stops, command.sends, actual);
    }
    for (int i = 0; i < LOOPS; i++) {
        command = (struct command){ .kind = FREE, .loop = i };
        if (loops[i].exists)
            step(seed, STEPS + i);
    }
}

START_TEST(random_commands_agree_with_the_model)
{
    const char *only = getenv("TOCSIN_TEST_SEED"), *count = getenv("TOCSIN_TEST_SEEDS");
    int first = only ? atoi(only) : 1, last = only ? first : count ? atoi(count) : SEEDS;

    for (int i = 0; i < LOOPS; i++)
        peer_begin(&threads[i].peer);
    signos[QUEUED] = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "fuzz.queued", .layout = &number_layout });
    signos[FEW] = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "fuzz.few", .layout = &number_layout, .limit = LIMIT });
    signos[LATEST] = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "fuzz.latest", .layout = &number_layout, .kind = TOCSIN_COALESCE });
    signos[GUARDED] = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "fuzz.guarded", .layout = &number_layout, .unhandled_fn = default_action });
    signos[OTHER] = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "fuzz.other", .layout = &number_layout, .flags = TOCSIN_ASYNC });
    for (int seed = first; seed <= last; seed++)
        run(seed);
    for (int i = 0; i < LOOPS; i++)
        peer_end(&threads[i].peer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/fuzz_loops");
    TCase *tests = test_case(suite, "random commands");

    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, random_commands_agree_with_the_model);
    return suite;
}
