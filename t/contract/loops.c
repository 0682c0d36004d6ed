/* Contract lines T1, T2, E13, E15, E17 and E18 with several loops. The tests cover emissions and
   their order, names that are declared later, questions, and observers. */
#include <tocsin/provider.h>

#include "contract/loop_threads.h"

/* Tests of contract line T1: a loop belongs to a thread */

static int emit_without_a_loop(void *none)
{
    (void)none;
    ck_assert_int_eq(tocsin_emit(note, NULL), -ENODEV);
    ck_assert_int_eq(tocsin_emit_from((struct tocsin_source){ 1 }, note, NULL), -ENODEV);
    ck_assert_int_eq(emit_number(guarded, 1), -ENODEV);
    ck_assert_int_eq(tocsin_emit(filler, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    return 0;
}

START_TEST(T1_an_emission_needs_a_loop_and_a_post_does_not)
{
    struct peer peer;

    own_begin("test.note", NULL);
    peer_begin(&peer);
    peer_does(&peer, emit_without_a_loop, NULL);
    ck_assert_int_eq(do_turns(NULL), 1);
    ck_assert_int_eq(ours.told.count, 1);
    ck_assert_int_eq(acted.count, 0);
    peer_leaves(&peer);
}
END_TEST

/* Tests of contract line T2: an emission reaches all loops that listen */

START_TEST(T2_an_emission_reaches_every_loop_that_listens)
{
    own_begin("test.note", NULL);
    for (int i = 0; i < SIDES; i++)
        side_begin(i, i ? "test.*" : "test.note", NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    /* The emission is delivered on this loop at once, and on other loops in their next turn. */
    ck_assert_int_eq(ours.told.count, 1);
    for (int i = 0; i < SIDES; i++) {
        ck_assert_int_eq(sides[i].told.count, 0);
        ck_assert_int_eq(side_turns(&sides[i]), 1);
        ck_assert_int_eq(sides[i].told.count, 1);
        ck_assert_int_eq(sides[i].told.code, TOCSIN_EMITTED);
        ck_assert_uint_eq(sides[i].told.sequence, ours.told.sequence);
    }
    ck_assert_int_eq(do_turns(NULL), 0);
    sides_end(SIDES);
}
END_TEST

START_TEST(T2_an_emission_is_pending_if_only_other_loops_listen)
{
    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_has_listeners(note), 1);
    ck_assert_int_eq(side_turns(&sides[0]), 1);
    ck_assert_int_eq(sides[0].told.count, 1);
    sides_end(1);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_has_listeners(note), 0);
}
END_TEST

/* The inbox of one loop is full. An emission must be refused, and no loop may deliver it. */
static void refused_by(int full)
{
    struct letter made = full_letter("text", 0);
    int descriptors = test_descriptors();
    uint64_t sequence;

    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    for (int i = 0; i < SIDES; i++)
        side_turns(&sides[i]);
    sequence = ours.told.sequence;
    fill(sides[full].loop);
    ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
    ck_assert_int_eq(tocsin_emit(letter, &made.tocsin), -EAGAIN);
    ck_assert_int_eq(tocsin_post(number, TOCSIN_PAYLOAD(number, 1)), -EAGAIN);
    ck_assert_int_eq(refs, unrefs);
    ck_assert_int_eq(test_descriptors(), descriptors);
    for (int i = 0; i < SIDES; i++)
        side_turns(&sides[i]);
    ck_assert_int_eq(do_turns(NULL), 0);
    ck_assert_int_eq(ours.told.count, 2 * full + 1);
    for (int i = 0; i < SIDES; i++)
        ck_assert_int_eq(sides[i].told.count, 2 * full + 1);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_uint_eq(ours.told.sequence, sequence + 1);
    for (int i = 0; i < SIDES; i++)
        side_turns(&sides[i]);
}

START_TEST(T2_one_full_inbox_refuses_the_emission_for_all)
{
    own_begin("test.**", NULL);
    for (int i = 0; i < SIDES; i++)
        side_begin(i, "test.**", NULL);
    for (int i = 0; i < SIDES; i++)
        refused_by(i);
    sides_end(SIDES);
}
END_TEST

/* One loop has no bytes left for a large payload. An emission with a large payload must be refused
   on all loops. An emission without a payload must be delivered on all loops. */
static void refused_for_bytes_by(int full, struct letter *large, int count)
{
    int answer;

    while ((answer = tocsin_post_to(sides[full].loop, letter, &large->tocsin)) == TOCSIN_PENDED)
        ;
    ck_assert_int_eq(answer, -EAGAIN);
    ck_assert_int_eq(tocsin_emit(letter, &large->tocsin), -EAGAIN);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(ours.told.count, count + 1);
    for (int i = 0; i < SIDES; i++) {
        ck_assert_int_gt(side_turns(&sides[i]), 0);
        ck_assert_int_eq(sides[i].told.signo, note);
    }
}

START_TEST(T2_one_inbox_without_bytes_refuses_a_large_payload)
{
    static char bytes[1 << 20];
    struct letter large = full_letter("text", 0);
    int descriptors;

    large.data = (struct tocsin_bytes){ bytes, sizeof bytes };
    own_begin("test.**", NULL);
    for (int i = 0; i < SIDES; i++)
        side_begin(i, "test.**", NULL);
    descriptors = test_descriptors();
    for (int i = 0; i < SIDES; i++)
        refused_for_bytes_by(i, &large, i);
    ck_assert_int_eq(refs, unrefs);
    ck_assert_int_eq(test_descriptors(), descriptors);
    sides_end(SIDES);
}
END_TEST

/* Two loops listen, and the inbox of one loop is full, so each emission and each post is refused. A
   refused message must use no room in the inbox of the other loop. */
START_TEST(T2_refused_emissions_use_no_room)
{
    side_begin(0, "test.note", NULL);
    side_begin(1, "test.note", NULL);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    fill(sides[1].loop);
    for (int i = 0; i < 2 * TOCSIN_INBOX; i++) {
        ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
        ck_assert_int_eq(tocsin_post(note, NULL), -EAGAIN);
    }
    ck_assert_int_eq(tocsin_post_to(sides[0].loop, filler, NULL), TOCSIN_PENDED);
    side_turns(&sides[1]);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_PENDED);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 1);
    sides_end(2);
}
END_TEST

START_TEST(T2_the_emitting_loop_refuses_for_all)
{
    struct tocsin_queue queue;
    struct tocsin_block mask;
    struct tocsin_info *info;

    side_begin(0, "test.**", NULL);
    ck_assert_int_eq(
        tocsin_queue_open("test.note", &(struct tocsin_queue_options){ .limit = 1 }, &queue), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    /* the pending emissions of this loop have reached their limit */
    ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, &info), 0);
    tocsin_info_unref(info);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(side_turns(&sides[0]), 1);
    connect_to("test.few", side_hear, &ours);
    ours.loop = tocsin_loop_current();
    ck_assert_int_eq(tocsin_block("test.few", &mask), 0);
    for (int i = 0; i < 6; i++)
        /* At most 4 emissions of this signal may be pending. */
        ck_assert_int_eq(emit_number(few, 1), i < 4 ? TOCSIN_PENDED : -EAGAIN);
    ck_assert_int_eq(side_turns(&sides[0]), 4);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(ours.told.count, 4);
    ck_assert_int_eq(side_turns(&sides[0]), 0);
    ck_assert_int_eq(sides[0].told.count, 5);
    sides_end(1);
}
END_TEST

/* A handler of tocsin.queue.full frees the loop whose inbox refused the emission. At that time the
   refused emission must not use that loop any more. */
static int free_theirs(const struct tocsin_info *info, void *arg)
{
    struct side *side = arg;

    side->told.count += tocsin_queue_full_of(info) != NULL;
    ck_assert_int_eq(peer_does(&side->peer, do_free, NULL), 0);
    return TOCSIN_NEXT;
}

START_TEST(T2_a_refusing_loop_may_be_freed_meanwhile)
{
    struct side *side = side_begin(0, "test.few", NULL);
    struct tocsin_block mask;

    own_begin("test.few", NULL);
    connect_to("tocsin.queue.full", free_theirs, side);
    ck_assert_int_eq(tocsin_block("test.few", &mask), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(emit_number(few, 1), i < 4 ? TOCSIN_PENDED : -EAGAIN);
    /* one of the five emissions that this loop received is tocsin.queue.full */
    ck_assert_int_eq(side->told.count, 5);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(ours.told.count, 4);
    peer_leaves(&side->peer);
}
END_TEST

static int emit_deeper(const struct tocsin_info *info, void *arg)
{
    int answer, *deepest = arg;

    answer = tocsin_emit(info->signo, NULL);
    *deepest += answer == -ELOOP;
    return TOCSIN_NEXT;
}

START_TEST(T2_an_emission_nested_too_deeply_reaches_no_loop)
{
    int deepest = 0, reached = 0;

    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(
        tocsin_connect(
            "test.note",
            &(struct tocsin_action){ .fn = emit_deeper, .arg = &deepest, .flags = TOCSIN_NODEFER },
            NULL),
        0);
    connect_to("test.note", write_down, "x");
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(deepest, 1);
    reached = side_turns(&sides[0]);
    ck_assert_int_eq(reached, (int)strlen(written));
    ck_assert_int_eq(reached, 32);
    sides_end(1);
}
END_TEST

static int stop_it(const struct tocsin_info *info, void *arg)
{
    side_hear(info, arg);
    return TOCSIN_STOP;
}

static int connect_second(void *none)
{
    (void)none;
    return tocsin_on("test.note", write_down, "not");
}

START_TEST(T2_STOP_applies_to_one_loop)
{
    own_begin("test.note", stop_it);
    side_begin(0, "test.note", stop_it);
    side_begin(1, "test.note", NULL);
    ck_assert_int_eq(peer_does(&sides[0].peer, connect_second, NULL), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_STOPPED);
    ck_assert_int_eq(side_turns(&sides[0]), 1);
    ck_assert_int_eq(side_turns(&sides[1]), 1);
    ck_assert_int_eq(sides[0].told.count + sides[1].told.count, 2);
    ck_assert_str_eq(written, "");
    sides_end(2);
}
END_TEST

START_TEST(T2_a_delivered_message_is_not_sent_on)
{
    own_begin("test.*", NULL);
    side_begin(0, "test.*", NULL);
    side_begin(1, "test.*", NULL);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post_to(sides[0].loop, note, NULL), TOCSIN_PENDED);
    for (int i = 0; i < 4; i++) {
        do_turns(NULL);
        side_turns(&sides[i % 2]);
    }
    ck_assert_int_eq(ours.told.count, 2);
    ck_assert_int_eq(sides[0].told.count, 3);
    ck_assert_int_eq(sides[1].told.count, 2);
    sides_end(2);
}
END_TEST

/* Contract line T2: one sender calls all functions that send, one after the other. The receiving
   loop must deliver the messages in the order of the calls. */

static int send_one(int i)
{
    struct letter made = letter_make();
    struct tocsin_op op;
    char text[16];

    snprintf(text, sizeof text, "%d", i);
    made.text = text;
    made.fd = -1;
    switch (i % 6) {
    case 0: return emit_number(number, (uint64_t)i);
    case 1: return tocsin_post(number, TOCSIN_PAYLOAD(number, .value = (uint64_t)i));
    case 2: return tocsin_emit(letter, &made.tocsin);
    case 3: return tocsin_post_to(sides[0].loop, letter, &made.tocsin);
    case 4:
        ck_assert_int_eq(tocsin_op_new(NULL, NULL, &op), 0);
        ck_assert_int_eq(tocsin_op_complete(op, i, NULL), 0);
        return tocsin_loop_turn(0);
    default: return tocsin_post(latest, TOCSIN_PAYLOAD(number, .value = (uint64_t)i));
    }
}

static int log_call(void *side)
{
    side_log(side, "call");
    return 0;
}

START_TEST(T2_order_of_one_sender_and_one_loop)
{
    static char expected[LOG];
    struct side *side = side_begin(0, "test.number, test.letter, test.latest, op.done", log_it);

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    for (int i = 0; i < 600; i++) {
        if (i % 6 == 5 && i % 12 == 11)
            /* This call of send_one() is skipped: in a batch, the second of two coalescing messages
               would replace the first one. */
            continue;
        ck_assert_int_ge(send_one(i), 0);
        snprintf(expected + strlen(expected), LOG - strlen(expected), "%d ", i);
        if (i % 12 == 3) {
            ck_assert_int_eq(tocsin_loop_call(side->loop, log_call, side, NULL), 0);
            strcat(expected, "call ");
        }
        if (i % 12 == 10)
            side_turns(side);
    }
    side_turns(side);
    ck_assert_str_eq(side->log, expected);
    sides_end(1);
}
END_TEST

/* All loops share one copy of the payload. The loop that delivers the payload last frees the
   copy. */
static int check_letter(const struct tocsin_info *info, void *arg)
{
    const struct letter *seen = letter_of(info);

    ck_assert_str_eq(seen->text, "text");
    ck_assert(memcmp(seen->data.data, "data", 4) == 0);
    ck_assert_int_gt(seen->fd, 0);
    ck_assert_ptr_eq(seen->thing.object, &refs);
    return side_hear(info, arg);
}

static void one_copy(int (*send)(int signo, const struct tocsin_payload *payload), int least)
{
    struct letter made = full_letter("text", 0);
    int descriptors = test_descriptors();

    refs = unrefs = 0;
    ck_assert_int_ge(send(letter, &made.tocsin), 0);
    memset(&made, 0, sizeof made);
    ck_assert_int_eq(refs, 1);
    for (int i = 0; i < SIDES; i++) {
        ck_assert_int_eq(unrefs, 0);
        ck_assert_int_eq(side_turns(&sides[i]), 1);
    }
    do_turns(NULL);
    ck_assert_int_eq(refs, 1);
    ck_assert_int_eq(unrefs, least);
    ck_assert_int_eq(test_descriptors(), descriptors);
}

START_TEST(T2_all_loops_share_one_copy)
{
    for (int i = 0; i < SIDES; i++)
        side_begin(i, "test.letter", check_letter);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    one_copy(tocsin_emit, 1);
    one_copy(tocsin_post, 1);
    own_begin("test.letter", NULL);
    one_copy(tocsin_emit, 1);
    one_copy(tocsin_post, 1);
    sides_end(SIDES);
}
END_TEST

static int keep(const struct tocsin_info *info, void *arg)
{
    *(struct tocsin_info **)arg = tocsin_info_ref(info);
    return TOCSIN_NEXT;
}

START_TEST(T2_a_kept_copy_outlives_the_loops)
{
    static struct tocsin_info *kept[SIDES];
    struct letter made = full_letter("kept", 0);

    refs = unrefs = 0;
    for (int i = 0; i < SIDES; i++) {
        sides[i].action.arg = &kept[i];
        side_begin(i, "test.letter", keep);
    }
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    ck_assert_int_eq(tocsin_emit(letter, &made.tocsin), TOCSIN_PENDED);
    for (int i = 0; i < SIDES; i++)
        side_turns(&sides[i]);
    sides_end(SIDES);
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(refs, 1);
    for (int i = 0; i < SIDES; i++) {
        ck_assert_int_eq(unrefs, 0);
        ck_assert_str_eq(letter_of(kept[i])->text, "kept");
        tocsin_info_unref(kept[i]);
    }
    ck_assert_int_eq(unrefs, 1);
}
END_TEST

/* A post replaces an older coalescing message, and releases the object of the older message. The
   unref function of the object frees the loop that posts. This must work, since an unref function
   may call any function of the library. */
static int frees;

static void unref_and_free(void *object)
{
    (void)object;
    if (frees++ == 0)
        tocsin_loop_free();
}

static const struct tocsin_object_ops freeing = { "freeing", thing_ref, unref_and_free };

START_TEST(E7_an_unref_function_may_free_the_loop)
{
    struct letter first = full_letter("first", -1), later = full_letter("later", -1);

    frees = 0;
    first.thing.ops = &freeing;
    side_begin(0, "test.newest", NULL);
    own_begin("test.newest", NULL);
    ck_assert_int_eq(tocsin_post(newest, &first.tocsin), TOCSIN_PENDED);
    ck_assert_int_eq(do_turns(NULL), 1);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tocsin_post(newest, &later.tocsin), TOCSIN_PENDED);
    ck_assert_int_eq(frees, 1);
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
    side_turns(&sides[0]);
    sides_end(1);
    ck_assert_int_eq(refs, unrefs + 1);
}
END_TEST

/* Two loops get an emission. On one loop the signal is blocked, or its handlers are running. On
   that loop the emission becomes pending, and keeps a reference to the shared payload. */
START_TEST(T2_pending_on_one_of_two_loops)
{
    struct letter made = full_letter("text", 0);

    refs = unrefs = 0;
    own_begin("test.letter", NULL);
    for (int i = 0; i < 2; i++)
        side_begin(i, "test.letter", check_letter);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_block, &sides[0]), 0);
    ck_assert_int_eq(tocsin_emit(letter, &made.tocsin), TOCSIN_DELIVERED);
    side_turns(&sides[0]);
    side_turns(&sides[1]);
    ck_assert_int_eq(sides[0].told.count, 0);
    ck_assert_int_eq(sides[1].told.count, 1);
    ck_assert_int_eq(refs - unrefs, 1);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_unblock, &sides[0]), 0);
    ck_assert_int_eq(sides[0].told.count, 1);
    ck_assert_int_eq(refs - unrefs, 0);
    sides_end(2);
}
END_TEST

START_TEST(T2_pending_here_and_sent_to_another_loop)
{
    struct letter made = full_letter("text", 0);
    struct tocsin_block mask;

    refs = unrefs = 0;
    own_begin("test.letter", check_letter);
    side_begin(0, "test.letter", check_letter);
    ck_assert_int_eq(tocsin_block("test.letter", &mask), 0);
    ck_assert_int_eq(tocsin_emit(letter, &made.tocsin), TOCSIN_PENDED);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 1);
    ck_assert_int_eq(ours.told.count, 0);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(ours.told.count, 1);
    ck_assert_int_eq(refs, unrefs);
    sides_end(1);
}
END_TEST

/* An emission has a source of the program. A handler on another loop listens to all sources. That
   handler must receive the emission, and must be able to read the data of the source. */
static int check_source(const struct tocsin_info *info, void *arg)
{
    ck_assert_ptr_eq(tocsin_info_data(info), &note);
    return side_hear(info, arg);
}

START_TEST(T2_an_emission_from_a_source)
{
    struct tocsin_source source;

    side_begin(0, "test.note, test.latest", check_source);
    ck_assert_int_eq(tocsin_source_new(&note, &source), 0);
    ck_assert_int_eq(tocsin_emit_from(source, note, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_emit_from(source, latest, TOCSIN_PAYLOAD(number, 1)), TOCSIN_PENDED);
    ck_assert_int_eq(side_turns(&sides[0]), 2);
    ck_assert_int_eq(sides[0].told.count, 2);
    ck_assert_uint_eq(sides[0].told.source, source.id);
    ck_assert_int_eq(tocsin_source_free(source), 0);
    sides_end(1);
}
END_TEST

/* Contract line E15: another loop receives an emission that a handler made. There the emission must
   have the right parent. */

static int emit_note(const struct tocsin_info *info, void *arg)
{
    *(uint64_t *)arg = info->sequence;
    return tocsin_emit(note, NULL);
}

START_TEST(E15_a_parent_of_another_loop)
{
    uint64_t parent = 0;

    side_begin(0, "test.note", NULL);
    connect_to("test.number", emit_note, &parent);
    ck_assert_int_eq(emit_number(number, 1), TOCSIN_DELIVERED);
    side_turns(&sides[0]);
    ck_assert_uint_ne(parent, 0);
    ck_assert_uint_eq(sides[0].told.parent, parent);
    sides_end(1);
}
END_TEST

/* Tests of contract line E13: names that appear after a pattern was connected */

static int fresh(const char *name, enum tocsin_kind kind)
{
    return declare(
        (struct tocsin_signal_spec){ .name = name, .layout = &number_layout, .kind = kind });
}

START_TEST(E13_a_pattern_of_another_loop_receives_a_new_name)
{
    int signo;

    side_begin(0, "fresh.**, !fresh.not", NULL);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    signo = fresh("fresh.emitted", TOCSIN_QUEUED);
    ck_assert_int_eq(tocsin_has_listeners(signo), 1);
    ck_assert_int_eq(emit_number(signo, 1), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post(fresh("fresh.posted", TOCSIN_QUEUED), TOCSIN_PAYLOAD(number, 1)),
                     TOCSIN_PENDED);
    signo = fresh("fresh.coalesced", TOCSIN_COALESCE);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_post(signo, TOCSIN_PAYLOAD(number, 1)), TOCSIN_PENDED);
    ck_assert_int_eq(emit_number(fresh("fresh.not", TOCSIN_QUEUED), 1), TOCSIN_NOBODY);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 3);
    ck_assert_uint_eq(sides[0].told.overrun, 2);
    ck_assert_int_eq(sides[0].told.signo, signo);
    sides_end(1);
    ck_assert_int_eq(tocsin_has_listeners(signo), 0);
}
END_TEST

static int connect_early(void *arg)
{
    struct side *side = arg;

    return tocsin_connect(
        "later.one", &(struct tocsin_action){ .fn = side_hear, .arg = side, .flags = TOCSIN_EARLY },
        NULL);
}

START_TEST(E13_another_loop_connected_early_to_the_name)
{
    int signo;

    side_begin(0, "test.note", NULL);
    ck_assert_int_eq(peer_does(&sides[0].peer, connect_early, &sides[0]), 0);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    signo = fresh("later.one", TOCSIN_COALESCE);
    ck_assert_int_eq(emit_number(signo, 1), TOCSIN_PENDED);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 1);
    sides_end(1);
}
END_TEST

/* Tests of contract line E17: a question (tocsin_ask) while other loops listen */

static int ask_without_a_loop(void *none)
{
    (void)none;
    return tocsin_ask(question, NULL, NULL);
}

START_TEST(E17_a_question_to_another_loop)
{
    struct tocsin_handler by = { 7 };
    struct peer peer;

    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    peer_begin(&peer);
    ck_assert_int_eq(tocsin_ask(question, NULL, &by), 0);
    ck_assert_int_eq(peer_does(&peer, ask_without_a_loop, NULL), 0);
    side_begin(0, "test.question", yes);
    ck_assert_int_eq(tocsin_ask(question, NULL, &by), -EXDEV);
    ck_assert_int_eq(peer_does(&peer, ask_without_a_loop, NULL), -EXDEV);
    connect_to("test.question", yes, NULL);
    ck_assert_int_eq(tocsin_ask(question, NULL, &by), -EXDEV);
    ck_assert_int_eq(tocsin_post(question, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_post_to(sides[0].loop, question, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_emit(question, NULL), -EINVAL);
    sides_end(1);
    ck_assert_int_eq(tocsin_ask(question, NULL, &by), 0);
    side_begin(0, "test.*, !test.question", NULL);
    ck_assert_int_eq(tocsin_ask(question, NULL, &by), 0);
    sides_end(1);
    peer_leaves(&peer);
}
END_TEST

/* Contract lines E17 and E18: another loop has only an observer of the question. tocsin_ask() must
   succeed. */
START_TEST(E17_an_observer_of_another_loop_does_not_object)
{
    observer_begin(0, "**");
    connect_to("test.question", yes, NULL);
    ck_assert_int_eq(tocsin_ask(question, NULL, NULL), 0);
    sides_end(1);
}
END_TEST

/* Tests of contract line E18: observers on other loops */

START_TEST(E18_an_observer_of_another_loop_refuses_nothing)
{
    struct letter made = full_letter("text", 0);
    struct tocsin_loop_facts facts;

    refs = unrefs = 0;
    observer_begin(0, "test.**");
    own_begin("test.**", NULL);
    fill(sides[0].loop);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_emit(letter, &made.tocsin), TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_post(note, NULL), TOCSIN_PENDED);
    /* A coalescing signal has a cell of its own on each loop. So a full inbox does not refuse a
       coalescing signal. */
    ck_assert_int_eq(emit_number(latest, 3), TOCSIN_DELIVERED);
    ck_assert_int_eq(do_turns(NULL), 1);
    ck_assert_int_eq(ours.told.count, 4);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 1);
    ck_assert_int_eq(refs, unrefs);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_facts, &facts), 0);
    ck_assert_uint_eq(facts.missed, 3);
    /* one post was refused: the one that found the inbox full */
    ck_assert_uint_eq(facts.refused, 1);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 2);
    sides_end(1);
}
END_TEST

static int do_listen_more(void *arg)
{
    struct side *side = arg;

    return tocsin_connect("test.note", &(struct tocsin_action){ .fn = yes }, &side->handler);
}

START_TEST(E18_a_handler_beside_an_observer_refuses)
{
    observer_begin(0, "test.**");
    own_begin("test.note", NULL);
    fill(sides[0].loop);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_listen_more, &sides[0]), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_disconnect, &sides[0]), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_block, &sides[0]), 0);
    /* The other loop blocks this signal, so the emission would become pending on that loop, which
       has reached its limit. */
    ck_assert_int_eq(tocsin_emit(note, NULL), -EAGAIN);
    ck_assert_int_eq(peer_does(&sides[0].peer, do_unblock, &sides[0]), 0);
    ck_assert_int_eq(tocsin_emit(note, NULL), TOCSIN_DELIVERED);
    side_turns(&sides[0]);
    sides_end(1);
}
END_TEST

static int on_unhandled(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    (void)info;
    return 0;
}

/* No loop has a handler of the signal, so a post asks the main loop for the default action. The
   inbox of the main loop is full. The post must be refused with -EAGAIN, although an observer (a
   handler that must not change what happens) listens on the main loop. */
START_TEST(E18_an_observer_on_the_main_loop_changes_no_refusal)
{
    int signo = declare(
        (struct tocsin_signal_spec){ .name = "test.unhandled", .unhandled_fn = on_unhandled });

    observer_begin(0, "test.**");
    fill(sides[0].loop);
    ck_assert_int_eq(tocsin_post(signo, NULL), -EAGAIN);
    ck_assert_int_eq(tocsin_post_wait(signo, NULL, 0), -ETIMEDOUT);
    ck_assert_int_eq(tocsin_post_to(sides[0].loop, signo, NULL), -EAGAIN);
    ck_assert_int_eq(tocsin_post_to(sides[0].loop, note, NULL), -EAGAIN);
    side_turns(&sides[0]);
    ck_assert_int_eq(tocsin_post(signo, NULL), TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_post_to(sides[0].loop, note, NULL), TOCSIN_PENDED);
    side_turns(&sides[0]);
    ck_assert_int_eq(sides[0].told.count, 2);
    sides_end(1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/loops");
    TCase *tests = test_case(suite, "loops");

    tcase_add_checked_fixture(tests, begin_sides, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, T1_an_emission_needs_a_loop_and_a_post_does_not);
    tcase_add_test(tests, T2_an_emission_reaches_every_loop_that_listens);
    tcase_add_test(tests, T2_an_emission_is_pending_if_only_other_loops_listen);
    tcase_add_test(tests, T2_one_full_inbox_refuses_the_emission_for_all);
    tcase_add_test(tests, T2_one_inbox_without_bytes_refuses_a_large_payload);
    tcase_add_test(tests, T2_refused_emissions_use_no_room);
    tcase_add_test(tests, T2_the_emitting_loop_refuses_for_all);
    tcase_add_test(tests, T2_a_refusing_loop_may_be_freed_meanwhile);
    tcase_add_test(tests, T2_an_emission_nested_too_deeply_reaches_no_loop);
    tcase_add_test(tests, T2_STOP_applies_to_one_loop);
    tcase_add_test(tests, T2_a_delivered_message_is_not_sent_on);
    tcase_add_test(tests, T2_order_of_one_sender_and_one_loop);
    tcase_add_test(tests, T2_all_loops_share_one_copy);
    tcase_add_test(tests, T2_a_kept_copy_outlives_the_loops);
    tcase_add_test(tests, E7_an_unref_function_may_free_the_loop);
    tcase_add_test(tests, T2_pending_on_one_of_two_loops);
    tcase_add_test(tests, T2_pending_here_and_sent_to_another_loop);
    tcase_add_test(tests, T2_an_emission_from_a_source);
    tcase_add_test(tests, E15_a_parent_of_another_loop);
    tcase_add_test(tests, E13_a_pattern_of_another_loop_receives_a_new_name);
    tcase_add_test(tests, E13_another_loop_connected_early_to_the_name);
    tcase_add_test(tests, E17_a_question_to_another_loop);
    tcase_add_test(tests, E17_an_observer_of_another_loop_does_not_object);
    tcase_add_test(tests, E18_an_observer_of_another_loop_refuses_nothing);
    tcase_add_test(tests, E18_a_handler_beside_an_observer_refuses);
    tcase_add_test(tests, E18_an_observer_on_the_main_loop_changes_no_refusal);
    return suite;
}
