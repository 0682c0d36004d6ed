/* Contract line F3 across threads: a scenario with three loops runs in many child processes. In the
   nth child, the nth allocation or opened descriptor fails. The call that met the failure must
   return an error, and must succeed when it is repeated. All handlers must be called as without the
   failure, and no object or memory may be left. */
#include <stdio.h>

#include <tocsin/inspect.h>
#include <tocsin/provider.h>

#include "command_threads.h"
#include "fault_children.h"

#define NUMBER(F) F(u64, value)
TOCSIN_LAYOUT(number, NUMBER);
#define NOTE(F) F(string, text) F(bytes, data) F(fd, fd) F(object, thing)
TOCSIN_LAYOUT(note, NOTE);

struct side {
    struct peer peer;
    struct tocsin_loop loop;
    struct tocsin_block mask;
    struct tocsin_queue queue;
    struct tocsin_handler handler;
    char log[4096];
};

static struct side one, two, mine; /* `mine` is the loop of the thread that runs the scenario */
static int letter, latest, newest, guarded, plain, acts, refs, unrefs, drops;

static int thing_ref(void *object)
{
    (void)object;
    __atomic_fetch_add(&refs, 1, __ATOMIC_RELAXED);
    return 0;
}

static void thing_unref(void *object)
{
    (void)object;
    __atomic_fetch_add(&unrefs, 1, __ATOMIC_RELAXED);
}

static const struct tocsin_object_ops thing = { "thing", thing_ref, thing_unref };

static int act(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    acts++;
    return TOCSIN_NEXT;
}

/* Appends the signal name, the payload and the overrun of an emission to the log of this loop. */
static void log_info(struct side *side, const struct tocsin_info *info)
{
    size_t length = strlen(side->log);
    char *at = side->log + length;
    size_t room = sizeof side->log - length;

    if (number_of(info))
        snprintf(at, room, "%s=%d+%u ", info->name, (int)number_of(info)->value, info->overrun);
    else if (note_of(info))
        snprintf(at, room, "%s=%s+%u ", info->name, note_of(info)->text, info->overrun);
    else
        snprintf(at, room, "%s=%d ", info->name, info->status);
}

static int log_it(const struct tocsin_info *info, void *arg)
{
    log_info(arg, info);
    return TOCSIN_NEXT;
}

static void log_check(struct side *side, const char *line)
{
    if (strcmp(side->log, line) != 0) {
        fprintf(stderr, "heard \"%s\", expected \"%s\"\n", side->log, line);
        _exit(1);
    }
    side->log[0] = '\0';
}

static int do_turns_all(void *none)
{
    (void)none;
    /* A delivery that failed is repeated in the next turn. */
    for (int i = 0; i < 4; i++)
        do_turns(NULL);
    return 0;
}

static void all_turn(void)
{
    for (int i = 0; i < 3; i++) {
        do_turns_all(NULL);
        peer_does(&one.peer, do_turns_all, NULL);
        peer_does(&two.peer, do_turns_all, NULL);
    }
}

static struct note full(const char *text)
{
    struct note made = note_make();

    made.text = text;
    made.data = (struct tocsin_bytes){ "data", 4 };
    made.fd = 0;
    made.thing = (struct tocsin_object){ &refs, &thing };
    return made;
}

static int send_note(int (*send)(int signo, const struct tocsin_payload *payload), int signo,
                     const char *text)
{
    struct note made = full(text);

    return retried(send(signo, &made.tocsin));
}

static int send_number(int (*send)(int signo, const struct tocsin_payload *payload), int signo,
                       uint64_t value)
{
    return retried(send(signo, TOCSIN_PAYLOAD(number, .value = value)));
}

static int declare(const char *name, const struct tocsin_layout *layout, enum tocsin_kind kind,
                   int (*unhandled)(const struct tocsin_info *info, void *arg))
{
    struct tocsin_signal_spec spec = {
        .name = name, .layout = layout, .kind = kind, .unhandled_fn = unhandled, .doc = "Of a test."
    };
    int signo = retried(tocsin_declare(&spec));

    require(signo > 0);
    return signo;
}

static int connect_to_all(void *arg)
{
    struct side *side = arg;

    require(retried(tocsin_loop_turn(0)) == 0);
    side->loop = tocsin_loop_current();
    require(retried(tocsin_on("cast.*, early.**", log_it, side)) == 0);
    return retried(tocsin_on("op.done", log_it, side));
}

static int do_block(void *arg)
{
    return retried(tocsin_block("cast.*", &((struct side *)arg)->mask));
}

static int do_unblock(void *arg)
{
    return tocsin_unblock(((struct side *)arg)->mask);
}

static void begin(void)
{
    peer_begin(&one.peer);
    peer_begin(&two.peer);
    letter = declare("cast.letter", &note_layout, TOCSIN_QUEUED, NULL);
    latest = declare("cast.latest", &number_layout, TOCSIN_COALESCE, NULL);
    newest = declare("cast.newest", &note_layout, TOCSIN_COALESCE, NULL);
    plain = declare("cast.plain", NULL, TOCSIN_QUEUED, NULL);
    guarded = declare("guarded", &note_layout, TOCSIN_QUEUED, act);
    require(retried(tocsin_loop_turn(0)) == 0);
    mine.loop = tocsin_loop_current();
    require(peer_does(&one.peer, connect_to_all, &one) == 0);
    require(peer_does(&two.peer, connect_to_all, &two) == 0);
}

/* Sends emissions to both loops, with each function that sends. In the second round, the second
   loop blocks the signals, so that its emissions become pending. */
static void across(void)
{
    const char *line = "cast.letter=a+0 cast.letter=b+0 cast.plain=0 ";

    for (int i = 0; i < 2; i++) {
        require(send_note(tocsin_emit, letter, "a") == TOCSIN_PENDED);
        require(send_note(tocsin_post, letter, "b") == TOCSIN_PENDED);
        require(retried(tocsin_post(plain, NULL)) == TOCSIN_PENDED);
        all_turn();
        log_check(&one, line);
        if (i == 0) {
            log_check(&two, line);
            require(peer_does(&two.peer, do_block, &two) == 0);
        }
    }
    log_check(&two, "");
    require(peer_does(&two.peer, do_unblock, &two) == 0);
    log_check(&two, line);
}

/* Two emissions become pending. An emission for which the library finds no memory becomes pending a
   turn later. So the two emissions may be delivered in either order. */
static void log_check_either(struct side *side, const char *line, const char *other)
{
    log_check(side, strcmp(side->log, other) == 0 ? other : line);
}

static void coalesced(void)
{
    require(peer_does(&two.peer, do_block, &two) == 0);
    for (uint64_t i = 0; i < 4; i++) {
        require(send_number(tocsin_post, latest, i) == TOCSIN_PENDED);
        require(send_note(tocsin_post, newest, "n") == TOCSIN_PENDED);
        if (i % 2)
            all_turn();
    }
    log_check(&one, "cast.latest=1+1 cast.newest=n+1 cast.latest=3+1 cast.newest=n+1 ");
    log_check(&two, "");
    require(peer_does(&two.peer, do_unblock, &two) == 0);
    log_check_either(&two, "cast.latest=3+3 cast.newest=n+3 ", "cast.newest=n+3 cast.latest=3+3 ");
}

/* Emits signals whose names are new. Patterns on other loops match these names. */
static void first_emissions(void)
{
    char name[32];
    int signo;

    for (int i = 0; i < 3; i++) {
        sprintf(name, "early.n%d", i);
        signo = declare(name, &number_layout, i == 1 ? TOCSIN_COALESCE : TOCSIN_QUEUED, NULL);
        require(send_number(i ? tocsin_post : tocsin_emit, signo, 7) == TOCSIN_PENDED);
    }
    all_turn();
    log_check(&one, "early.n0=7+0 early.n1=7+0 early.n2=7+0 ");
    log_check(&two, "early.n0=7+0 early.n1=7+0 early.n2=7+0 ");
}

/* Checks that each completion was announced once, in any order. A completion that finds no memory
   is announced a turn later. */
static void log_check_ends(struct side *side, int count)
{
    char word[32];

    require(strlen(side->log) == strlen("op.done=0 ") * (size_t)count);
    for (int i = 0; i < count; i++) {
        sprintf(word, "op.done=%d ", i);
        require(strstr(side->log, word));
    }
    side->log[0] = '\0';
}

static void ends(void)
{
    struct tocsin_op op;

    require(peer_does(&two.peer, do_block, &two) == 0);
    for (int i = 0; i < 3; i++) {
        require(retried(tocsin_op_new(NULL, NULL, &op)) == 0);
        require(retried(tocsin_op_complete(op, i, NULL)) == 0);
    }
    all_turn();
    log_check_ends(&one, 3);
    log_check_ends(&two, 3);
    require(peer_does(&two.peer, do_unblock, &two) == 0);
}

static int observe_guarded(void *arg)
{
    struct side *side = arg;

    return retried(tocsin_observe("guarded", &(struct tocsin_action){ .fn = log_it, .arg = side },
                                  &side->handler));
}

/* No handler listens to the signal, so its default action must run once. If memory is missing, any
   loop may run the default action. */
static void defaults(void)
{
    require(peer_does(&one.peer, observe_guarded, &one) == 0);
    require(send_note(tocsin_post, guarded, "g") == TOCSIN_PENDED);
    all_turn();
    require(acts == 1);
    require(peer_does(&two.peer, observe_guarded, &two) == 0);
    require(send_note(tocsin_emit, guarded, "g") == TOCSIN_PENDED);
    all_turn();
    require(acts == 2);
    log_check(&one, "guarded=g+0 guarded=g+0 ");
    log_check(&two, "guarded=g+0 ");
    require(tocsin_disconnect(one.handler) == 0); /* disconnecting needs no memory */
    require(tocsin_disconnect(two.handler) == 0);
    all_turn();
    require(send_note(tocsin_post, guarded, "g") == TOCSIN_PENDED);
    all_turn();
    require(acts == 3);
}

static int open_queue(void *arg)
{
    return retried(tocsin_queue_open("cast.*", &(struct tocsin_queue_options){ .limit = 2 },
                                     &((struct side *)arg)->queue));
}

/* Takes all entries of the queue. Returns the number of these entries plus the number of entries
   that the queue missed. */
static int take_queue(void *arg)
{
    struct side *side = arg;
    struct tocsin_queue_facts facts;
    struct tocsin_info *info;
    int count = 0, err;

    require(tocsin_queue_next((struct tocsin_queue){ 0 }, &facts) == 0);
    for (; (err = retried(tocsin_queue_wait(side->queue, 0, &info))) == 0; count++)
        tocsin_info_unref(info);
    require(err == -ETIMEDOUT);
    require(tocsin_queue_next((struct tocsin_queue){ 0 }, &facts) == 0);
    return count + (int)facts.missed;
}

static int close_queue(void *arg)
{
    return tocsin_queue_close(((struct side *)arg)->queue);
}

static void queued(void)
{
    int taken = 0;

    require(peer_does(&one.peer, open_queue, &one) == 0);
    for (int i = 0; i < 6; i++)
        require(send_note(tocsin_post, letter, "q") == TOCSIN_PENDED);
    for (int i = 0; i < 6; i++) {
        all_turn();
        taken += peer_does(&one.peer, take_queue, &one);
        one.log[0] = two.log[0] = '\0';
        if (taken == 6)
            break;
    }
    require(taken == 6);
    require(peer_does(&one.peer, close_queue, &one) == 0);
}

static void count_drop(void *arg)
{
    (void)arg;
    drops++;
}

static int call_there(void *arg)
{
    strcat(((struct side *)arg)->log, "call ");
    return 0;
}

static void calls(void)
{
    require(retried(tocsin_loop_call(one.loop, call_there, &one, count_drop)) == 0);
    all_turn();
    log_check(&one, "call ");
    require(drops == 1);
}

/* Runs on a thread without a loop, which waits until the other loops accept its post. */
static int wait_to_post(void *none)
{
    (void)none;
    return retried(tocsin_post_wait(plain, NULL, 0));
}

static int wait_to_disconnect(void *none)
{
    (void)none;
    return retried(tocsin_disconnect_wait(one.handler, 0));
}

static int connect_victim(void *none)
{
    (void)none;
    return retried(tocsin_connect(
        "filler", &(struct tocsin_action){ .fn = log_it, .arg = &one, .drop = count_drop },
        &one.handler));
}

static void waits(void)
{
    struct peer loopless;
    int filler = declare("filler", NULL, TOCSIN_QUEUED, NULL), answer;

    peer_begin(&loopless);
    while ((answer = tocsin_post_to(one.loop, filler, NULL)) == TOCSIN_PENDED)
        ;
    require(answer == -EAGAIN);
    require(peer_does(&loopless, wait_to_post, NULL) == -ETIMEDOUT);
    all_turn();
    require(peer_does(&loopless, wait_to_post, NULL) == TOCSIN_PENDED);
    all_turn();
    log_check(&one, "cast.plain=0 ");
    log_check(&two, "cast.plain=0 ");
    require(peer_does(&one.peer, connect_victim, NULL) == 0);
    require(peer_does(&loopless, wait_to_disconnect, NULL) == -ETIMEDOUT);
    require(peer_does(&loopless, wait_to_disconnect, NULL) == -ENOENT);
    all_turn();
    require(drops == 2);
    peer_leaves(&loopless);
}

static int end_side(void *none)
{
    (void)none;
    return tocsin_loop_free();
}

static void scenario(void)
{
    begin();
    across();
    coalesced();
    first_emissions();
    ends();
    defaults();
    queued();
    calls();
    waits();
    require(send_note(tocsin_post, letter, "last") == TOCSIN_PENDED);
    require(peer_does(&one.peer, end_side, NULL) == 0);
    log_check(&one, "cast.letter=last+0 ");
    require(tocsin_loop_free() == 0);
    require(peer_does(&two.peer, end_side, NULL) == 0);
    log_check(&two, "cast.letter=last+0 ");
    peer_leaves(&one.peer);
    peer_leaves(&two.peer);
    require(refs == unrefs);
    require(tocsin_has_listeners(letter) == 0 && tocsin_has_listeners(latest) == 0);
}

START_TEST(F3_each_allocation_fails_in_turn)
{
    each_child_in_turn("remote/faults", scenario, 15, 50);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("remote/faults");
    TCase *tests = test_case(suite, "failed allocations");

    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, F3_each_allocation_fails_in_turn);
    return suite;
}
