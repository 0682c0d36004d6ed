/* Tests the signals that the library itself emits: tocsin.connected, tocsin.disconnected,
   tocsin.handler.failed and tocsin.queue.full. */
#include <stdio.h>
#include <string.h>

#include <tocsin/inspect.h>

#include "record.h"
#include "test.h"

#define BLOB(F) F(bytes, data)
TOCSIN_LAYOUT(blob, BLOB);

static int bell, book;

static void begin(void)
{
    bell = record_signal("bell.rung");
    book = record_signal("book.read");
}

static void end(void)
{
    tocsin_loop_free();
    record_take();
}

static int nothing(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static int fails(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return -EIO;
}

/* tocsin.connected and tocsin.disconnected have the same payload. */
static const struct tocsin_connected *news_of(const struct tocsin_info *info)
{
    const struct tocsin_connected *news = tocsin_connected_of(info);

    ck_assert_ptr_nonnull(info);
    ck_assert_ptr_nonnull(news);
    return news;
}

/* A handler of tocsin.connected and tocsin.disconnected. Records +pattern for a connect and
   -pattern for a disconnect. */
static int come_or_gone(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("%c%s", strcmp(info->name, "tocsin.connected") == 0 ? '+' : '-', news_of(info)->pattern);
    return TOCSIN_NEXT;
}

static void hear_news(void)
{
    ck_assert_int_eq(tocsin_on("tocsin.connected, tocsin.disconnected", come_or_gone, NULL), 0);
    ck_assert_record(""); /* a handler is not told of its own connect */
}

static struct tocsin_handler connected(const char *pattern, struct tocsin_action action)
{
    struct tocsin_handler handler;

    action.fn = action.fn ? action.fn : nothing;
    ck_assert_int_eq(tocsin_connect(pattern, &action, &handler), 0);
    return handler;
}

static struct tocsin_handler_facts facts_of(struct tocsin_handler handler)
{
    struct tocsin_handler_facts facts;

    ck_assert_int_eq(tocsin_handler_get(handler, &facts), 0);
    return facts;
}

/* Tests of the signals about connects and disconnects */

static struct tocsin_info *kept[2];

static int keep(const struct tocsin_info *info, void *arg)
{
    struct tocsin_info **into = arg;

    ck_assert_ptr_null(*into);
    *into = tocsin_info_ref(info);
    ck_assert_ptr_nonnull(*into);
    return TOCSIN_NEXT;
}

static void check_news(const struct tocsin_connected *news,
                       const struct tocsin_handler_facts *facts)
{
    ck_assert_str_eq(news->pattern, facts->pattern);
    ck_assert_str_eq(news->function, facts->function);
    ck_assert_str_eq(news->where, facts->where);
    ck_assert_str_eq(news->owner, facts->owner);
    ck_assert_uint_eq(news->handler, facts->handler.id);
    ck_assert_int_eq(news->priority, facts->priority);
    ck_assert(news->observer == facts->observer);
}

START_TEST(connect_signals_name_the_handler)
{
    static const char pattern[] = "bell.*, book.read";
    struct tocsin_handler_facts facts;
    struct tocsin_handler handler, ours[2];

    for (int observer = 0; observer < 2; observer++) {
        ours[0] = connected("tocsin.connected",
                            (struct tocsin_action){ .fn = keep, .arg = &kept[0] });
        ours[1] = connected("tocsin.disconnected",
                            (struct tocsin_action){ .fn = keep, .arg = &kept[1] });
        tocsin_info_unref(kept[0]); /* the info of the second connect is not needed any more */
        kept[0] = NULL;
        if (observer)
            ck_assert_int_eq(
                tocsin_observe(pattern,
                               &(struct tocsin_action){ .fn = come_or_gone, .priority = 7 },
                               &handler),
                0);
        else
            ck_assert_int_eq(
                tocsin_connect(pattern, &(struct tocsin_action){ .fn = nothing, .priority = -300 },
                               &handler),
                0);
        facts = facts_of(handler);
        ck_assert_str_eq(facts.pattern, pattern);
        ck_assert(facts.observer == observer && facts.priority == (observer ? 7 : -300));
        check_news(news_of(kept[0]), &facts);
        ck_assert_ptr_null(kept[1]);
        ck_assert_int_eq(tocsin_disconnect(handler), 0);
        facts.pattern = pattern;
        check_news(news_of(kept[1]), &facts);
        for (int i = 0; i < 2; i++) {
            tocsin_info_unref(kept[i]);
            kept[i] = NULL;
        }
        ck_assert_int_eq(tocsin_disconnect(ours[1]), 0);
        ck_assert_int_eq(tocsin_disconnect(ours[0]), 0);
        ck_assert(!kept[0] && !kept[1]); /* a handler is not told of its own disconnect */
    }
}
END_TEST

START_TEST(only_connects_of_handlers_are_announced)
{
    struct tocsin_action action = { .fn = nothing };
    struct tocsin_queue queue;
    struct tocsin_block mask;

    hear_news();
    ck_assert_int_eq(tocsin_connect("bell..rung", &action, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_connect("bell.*, nobody.declared.it", &action, NULL), -ENOENT);
    action.mask = "!";
    ck_assert_int_eq(tocsin_connect("bell.rung", &action, NULL), -EINVAL);
    ck_assert_int_eq(tocsin_queue_open("bell.rung", NULL, &queue), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_block("bell.rung", &mask), 0);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(tocsin_ignore("bell.rung"), 0);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    ck_assert_record("+bell.rung");
}
END_TEST

START_TEST(every_kind_of_disconnect_is_announced)
{
    struct tocsin_source source;

    hear_news();
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    connected("bell.rung", (struct tocsin_action){ .flags = TOCSIN_ONCE });
    ck_assert_record("+bell.rung");
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("-bell.rung");
    connected("bell.rung", (struct tocsin_action){ .source = source });
    connected("book.read", (struct tocsin_action){ .source = source });
    connected("b.**", (struct tocsin_action){ .source = source });
    ck_assert_record("+bell.rung +book.read +b.**");
    ck_assert_int_eq(tocsin_source_free(source), 0);
    ck_assert_record("-bell.rung -book.read -b.**");
    ck_assert_int_eq(tocsin_disconnect(connected("bell.*", (struct tocsin_action){ .drop = NULL })),
                     0);
    ck_assert_record("+bell.* -bell.*");
}
END_TEST

static int disconnect_it(const struct tocsin_info *info, void *arg)
{
    (void)info;
    ck_assert_int_eq(tocsin_disconnect(*(struct tocsin_handler *)arg), 0);
    record("done");
    return TOCSIN_NEXT;
}

START_TEST(disconnects_in_a_handler_are_announced)
{
    struct tocsin_handler victim;

    connected("bell.rung",
              (struct tocsin_action){ .fn = disconnect_it, .arg = &victim, .flags = TOCSIN_ONCE });
    victim = connected("bell.*", (struct tocsin_action){
                                     .fn = record_call, .arg = "victim", .drop = record_drop });
    hear_news();
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    /* The handler `victim` is disconnected at once, but its drop function runs only when the
       delivery has ended. */
    ck_assert_record("-bell.rung -bell.* done ~victim");
}
END_TEST

static int disconnect_what_came(const struct tocsin_info *info, void *arg)
{
    struct tocsin_handler it = { tocsin_connected_of(info)->handler };

    (void)arg;
    record("kill");
    ck_assert_int_eq(tocsin_disconnect(it), 0);
    return TOCSIN_NEXT;
}

START_TEST(a_new_handler_may_be_disconnected_at_once)
{
    struct tocsin_handler handler;

    ck_assert_int_eq(tocsin_on("tocsin.connected", disconnect_what_came, NULL), 0);
    /* the handler of tocsin.connected disconnects this new handler at once */
    ck_assert_int_eq(tocsin_on("tocsin.disconnected", come_or_gone, NULL), 0);
    ck_assert_record("kill");
    handler = connected("bell.rung", (struct tocsin_action){
                                         .fn = record_call, .arg = "never", .drop = record_drop });
    ck_assert_record("kill ~never");
    ck_assert_int_eq(tocsin_disconnect(handler), -ENOENT);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_NOBODY);
    ck_assert_int_eq(tocsin_has_listeners(bell), 0);
    handler = connected("bell.*, book.**", (struct tocsin_action){ .fn = record_call,
                                                                   .arg = "never",
                                                                   .drop = record_drop,
                                                                   .mask = "book.*" });
    ck_assert_record("kill ~never");
    ck_assert_int_eq(tocsin_has_listeners(book), 0);
}
END_TEST

static int more;

static int connect_more(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (more > 0)
        ck_assert_int_eq(tocsin_on(--more % 2 ? "bell.rung" : "book.read", nothing, NULL), 0);
    record("more");
    return TOCSIN_NEXT;
}

static void turn_until_quiet(void)
{
    while (tocsin_loop_turn(0) > 0)
        ;
}

START_TEST(a_handler_that_connects_receives_each_connect)
{
    ck_assert_int_eq(tocsin_on("tocsin.connected", connect_more, NULL), 0);
    ck_assert_int_eq(tocsin_on("tocsin.connected", come_or_gone, NULL), 0);
    turn_until_quiet();
    record_take();
    more = 3;
    ck_assert_int_eq(tocsin_on("**", nothing, NULL), 0);
    /* These emissions became pending while the loop delivered pending emissions, so they are
       delivered in the next turn. */
    turn_until_quiet();
    ck_assert_record("more +** more +book.read more +bell.rung more +book.read");
}
END_TEST

static int connect_to_news(const struct tocsin_info *info, void *arg)
{
    (void)info;
    if (!(*(int *)arg)++)
        ck_assert_int_eq(tocsin_on("tocsin.connected", come_or_gone, NULL), 0);
    return TOCSIN_NEXT;
}

/* Contract line E2: tocsin.connected is delivered later than the connect if a handler connects, or
   if the signal is blocked. Then it must call all handlers that are connected at that time. The
   handler that it announces is one of them. */
START_TEST(a_late_connect_signal_reaches_all_handlers)
{
    struct tocsin_block mask;
    int calls = 0;

    ck_assert_int_eq(tocsin_on("tocsin.connected", connect_to_news, &calls), 0);
    ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    turn_until_quiet();
    /* Two calls are expected: one of the handler of bell.rung, and one of the handler that
       connect_to_news() connects. */
    ck_assert_int_eq(calls, 2);
    ck_assert_record("+tocsin.connected");
    ck_assert_int_eq(tocsin_loop_free(), 0);
    ck_assert_int_eq(tocsin_block("tocsin.*", &mask), 0);
    ck_assert_int_eq(tocsin_on("tocsin.connected, tocsin.disconnected", come_or_gone, NULL), 0);
    ck_assert_int_eq(
        tocsin_disconnect(connected("bell.rung", (struct tocsin_action){ .fn = nothing })), 0);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_record("+tocsin.connected, tocsin.disconnected +bell.rung -bell.rung");
}
END_TEST

static int free_loop(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    ck_assert_int_eq(tocsin_loop_free(), 0);
    record("freed");
    return TOCSIN_NEXT;
}

START_TEST(a_handler_of_a_connect_signal_frees_the_loop)
{
    struct tocsin_handler handler;

    for (int gone = 0; gone < 2; gone++) {
        connected(gone ? "tocsin.disconnected" : "tocsin.connected",
                  (struct tocsin_action){ .fn = free_loop });
        handler = connected("bell.rung", (struct tocsin_action){
                                             .fn = record_call, .arg = "a", .drop = record_drop });
        if (gone)
            ck_assert_int_eq(tocsin_disconnect(handler), 0);
        ck_assert_record("freed ~a");
        ck_assert_uint_eq(tocsin_loop_current().id, 0);
        ck_assert_int_eq(tocsin_disconnect(handler), -ENOENT);
    }
}
END_TEST

START_TEST(a_freed_loop_does_not_announce_its_handlers)
{
    struct tocsin_source source;

    hear_news();
    ck_assert_int_eq(tocsin_source_new(NULL, &source), 0);
    connected("bell.rung", (struct tocsin_action){ .source = source });
    connected("b.*", (struct tocsin_action){ .drop = record_drop, .arg = "b" });
    record_take();
    ck_assert_int_eq(tocsin_loop_free(), 1);
    ck_assert_record("~b");
}
END_TEST

START_TEST(connect_signals_can_be_stopped_and_ignored)
{
    hear_news();
    connected("tocsin.connected",
              (struct tocsin_action){ .fn = record_stop, .arg = "stop", .priority = 1 });
    ck_assert_int_eq(tocsin_observe("tocsin.**",
                                    &(struct tocsin_action){ .fn = record_call, .arg = "seen" },
                                    NULL),
                     0);
    record_take();
    ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    ck_assert_record("stop seen");
    ck_assert_int_eq(tocsin_ignore("tocsin.*"), 0);
    ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    ck_assert_record("seen");
}
END_TEST

/* Tests with handlers that return an error */

static int on_failed(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_handler_failed *what = tocsin_handler_failed_of(info);

    ck_assert_ptr_nonnull(what);
    ck_assert_ptr_nonnull(strstr(what->where, "contract/library_signals.c:"));
    ck_assert_str_eq(what->owner, "program");
    ck_assert_uint_eq(what->handler, ((struct tocsin_handler *)arg)->id);
    record("%s:%s:%d", what->signal, what->error == -EIO ? "EIO" : "?", (int)what->faults);
    return -EPERM; /* the library counts this handler's error, but does not announce it */
}

START_TEST(a_handler_that_fails_is_announced)
{
    struct tocsin_handler failing, watching, after;

    watching = connected("tocsin.handler.failed",
                         (struct tocsin_action){ .fn = on_failed, .arg = &failing });
    failing = connected("b.**, bell.*, book.read",
                        (struct tocsin_action){ .fn = fails, .flags = TOCSIN_NODEFER });
    after = connected("bell.rung", (struct tocsin_action){ .fn = record_call, .arg = "after" });
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("bell.rung:EIO:1 after");
    ck_assert_int_eq(tocsin_emit(book, NULL), TOCSIN_DELIVERED);
    ck_assert_record("book.read:EIO:2");
    ck_assert_uint_eq(facts_of(failing).faults, 2);
    ck_assert_uint_eq(facts_of(watching).faults, 2);
    ck_assert_uint_eq(facts_of(after).faults, 0);
    ck_assert_int_eq(tocsin_disconnect(failing), 0);
    ck_assert_int_eq(tocsin_observe("bell.rung", &(struct tocsin_action){ .fn = fails }, &failing),
                     0);
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("after bell.rung:EIO:1");
    ck_assert_int_eq(tocsin_disconnect(failing), 0);
    connected("bell.rung", (struct tocsin_action){ .fn = fails, .flags = TOCSIN_ONCE });
    failing.id = 0; /* the id is 0, since the failing handler does not exist any more */
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("after bell.rung:EIO:1");
}
END_TEST

static int fails_and_goes(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    record("fails");
    ck_assert_int_eq(tocsin_disconnect(tocsin_handler_current()), 0);
    return -EIO;
}

START_TEST(errors_of_handlers_of_library_signals_are_only_counted)
{
    struct tocsin_handler handlers[2];

    handlers[0] = connected("tocsin.connected", (struct tocsin_action){ .fn = fails });
    ck_assert_int_eq(tocsin_on("tocsin.handler.failed", record_call, "failed"), 0);
    handlers[1] = connected("bell.rung", (struct tocsin_action){ .fn = fails });
    ck_assert_uint_eq(facts_of(handlers[0]).faults, 2);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("failed");
    connected("book.read", (struct tocsin_action){ .fn = fails_and_goes });
    ck_assert_int_eq(tocsin_emit(book, NULL), TOCSIN_DELIVERED);
    ck_assert_record("fails failed");
    ck_assert_int_eq(tocsin_emit(book, NULL), TOCSIN_NOBODY);
    connected("tocsin.handler.failed", (struct tocsin_action){ .fn = free_loop });
    ck_assert_int_eq(tocsin_emit(bell, NULL), TOCSIN_DELIVERED);
    ck_assert_record("failed freed");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

/* Tests of tocsin.queue.full, which is emitted when a limit refuses an emission */

static struct tocsin_queue_full last_full;

static int on_full(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_queue_full *what = tocsin_queue_full_of(info);

    (void)arg;
    ck_assert_ptr_nonnull(what);
    last_full = *what;
    last_full.signal = NULL;
    record("%s %d/%d %d", what->signal, (int)what->entries, (int)what->limit, (int)what->refused);
    return TOCSIN_NEXT;
}

static void hear_full(void)
{
    ck_assert_int_eq(tocsin_on("tocsin.queue.full", on_full, NULL), 0);
}

static int limited(const char *name, size_t limit, size_t limit_bytes, enum tocsin_kind kind)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){ .name = name,
                                                             .layout = &blob_layout,
                                                             .kind = kind,
                                                             .limit = limit,
                                                             .limit_bytes = limit_bytes,
                                                             .doc = "Of a test." });

    ck_assert_int_gt(signo, 0);
    return signo;
}

static char bytes[4096];

static int emit_from(struct tocsin_source source, int signo, size_t size)
{
    return tocsin_emit_from(source, signo, TOCSIN_PAYLOAD(blob, .data = { bytes, size }));
}

static const struct tocsin_source nowhere;

static void emit_refused(int signo, int count)
{
    while (count--)
        ck_assert_int_eq(emit_from(nowhere, signo, 1), -EAGAIN);
}

static void emit_kept(int signo, int count, int answer)
{
    while (count--)
        ck_assert_int_eq(emit_from(nowhere, signo, 1), answer);
}

START_TEST(queue_full_is_emitted_once_for_each_overflow)
{
    int signo = limited("blob.pended", 8, 0, TOCSIN_QUEUED);
    struct tocsin_queue queue;
    struct tocsin_block mask;

    hear_full();
    ck_assert_int_eq(tocsin_queue_open("blob.pended",
                                       &(struct tocsin_queue_options){ .flags = TOCSIN_TAKE },
                                       &queue),
                     0);
    ck_assert_int_eq(tocsin_block("blob.*", &mask), 0);
    emit_kept(signo, 8, TOCSIN_PENDED);
    ck_assert_record("");
    emit_refused(signo, 3);
    ck_assert_record("blob.pended 8/8 1");
    ck_assert(last_full.queue == 0 && last_full.limit_bytes == 1 << 20 && last_full.bytes >= 8);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    emit_kept(signo, 3, TOCSIN_PENDED);
    emit_refused(signo, 1);
    /* less than half of the room is free again, so this refusal belongs to the same overflow */
    ck_assert_record("");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    emit_kept(signo, 4, TOCSIN_PENDED);
    emit_refused(signo, 2);
    ck_assert_record("blob.pended 8/8 5");
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
}
END_TEST

START_TEST(queue_full_for_the_limit_in_bytes)
{
    int signo = limited("blob.large", 0, 1000, TOCSIN_QUEUED);
    struct tocsin_block mask;

    hear_full();
    ck_assert_int_eq(tocsin_block("blob.*", &mask), 0);
    ck_assert_int_eq(emit_from(nowhere, signo, 700), TOCSIN_PENDED);
    ck_assert_int_eq(emit_from(nowhere, signo, 700), -EAGAIN);
    ck_assert_record("blob.large 1/1024 1");
    ck_assert(last_full.limit_bytes == 1000 && last_full.bytes >= 700 && last_full.bytes < 800);
    /* this smaller emission fits, but the overflow has not ended, so tocsin.queue.full is not
       emitted again */
    ck_assert_int_eq(emit_from(nowhere, signo, 10), TOCSIN_PENDED);
    ck_assert_int_eq(emit_from(nowhere, signo, 400), -EAGAIN);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_unblock(mask), 0);
    ck_assert_int_eq(tocsin_block("blob.*", &mask), 0);
    /* this payload is larger than the limit, so each refusal begins a new overflow */
    for (int i = 2; i < 4; i++) {
        ck_assert_int_eq(emit_from(nowhere, signo, 2000), -EAGAIN);
        ck_assert_uint_eq(last_full.refused, i + 1);
    }
    ck_assert_record("blob.large 0/1024 3 blob.large 0/1024 4");
    ck_assert_int_eq(tocsin_unblock(mask), 0);
}
END_TEST

START_TEST(a_coalescing_emission_may_make_room)
{
    int signo = limited("blob.newest", 2, 1000, TOCSIN_COALESCE);
    struct tocsin_source source[3];
    struct tocsin_block mask;

    hear_full();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_source_new(NULL, &source[i]), 0);
    ck_assert_int_eq(tocsin_block("blob.*", &mask), 0);
    ck_assert_int_eq(emit_from(source[0], signo, 800), TOCSIN_PENDED);
    ck_assert_int_eq(emit_from(source[1], signo, 800), -EAGAIN);
    ck_assert_record("blob.newest 1/2 1");
    /* A coalescing emission replaces the pending emission of its source. It must be accepted,
       whatever its size is. */
    ck_assert_int_eq(emit_from(source[0], signo, 2000), TOCSIN_PENDED);
    /* half of the room is free again, so the overflow ends */
    ck_assert_int_eq(emit_from(source[0], signo, 1), TOCSIN_PENDED);
    ck_assert_int_eq(emit_from(source[1], signo, 1500), -EAGAIN);
    ck_assert_record("blob.newest 1/2 2");
    ck_assert_int_eq(emit_from(source[1], signo, 1), TOCSIN_PENDED);
    ck_assert_int_eq(emit_from(source[2], signo, 1), -EAGAIN);
    ck_assert_record("blob.newest 2/2 3");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_source_free(source[i]), 0);
    ck_assert_int_eq(tocsin_unblock(mask), 0);
}
END_TEST

START_TEST(a_queue_is_full_once_for_each_overflow)
{
    struct tocsin_queue queue;

    int signo = limited("blob.queued", 0, 0, TOCSIN_QUEUED);

    hear_full();
    ck_assert_int_eq(
        tocsin_queue_open(
            "blob.*", &(struct tocsin_queue_options){ .limit = 4, .limit_bytes = 5000 }, &queue),
        0);
    emit_kept(signo, 4, TOCSIN_DELIVERED);
    ck_assert_record("");
    emit_refused(signo, 3);
    ck_assert_record("blob.queued 4/4 1");
    ck_assert(last_full.queue == queue.id && last_full.limit_bytes == 5000 && last_full.bytes >= 4);
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    emit_kept(signo, 1, TOCSIN_DELIVERED);
    emit_refused(signo, 1);
    ck_assert_record("");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(emit_from(nowhere, signo, 4096), TOCSIN_DELIVERED);
    /* This emission exceeds the limit in bytes. */
    ck_assert_int_eq(emit_from(nowhere, signo, 4096), -EAGAIN);
    ck_assert_record("blob.queued 3/4 5");
    ck_assert_uint_ge(last_full.bytes, 4096);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

START_TEST(a_queue_of_the_librarys_signals_emits_no_queue_full)
{
    struct tocsin_queue queue;

    hear_full();
    ck_assert_int_eq(tocsin_queue_open("tocsin.connected, tocsin.queue.full",
                                       &(struct tocsin_queue_options){ .limit = 1 }, &queue),
                     0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_on("bell.rung", nothing, NULL), 0);
    ck_assert_record("");
    ck_assert_int_eq(tocsin_queue_wait(queue, 0, NULL), 0);
    ck_assert_int_eq(tocsin_queue_close(queue), 0);
}
END_TEST

static int close_it(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    record("close");
    return tocsin_queue_close((struct tocsin_queue){ tocsin_queue_full_of(info)->queue });
}

static int unblock_it(const struct tocsin_info *info, void *arg)
{
    (void)info;
    return tocsin_unblock(*(struct tocsin_block *)arg);
}

START_TEST(a_handler_of_queue_full_may_make_room)
{
    int signo = limited("blob.relieved", 2, 0, TOCSIN_QUEUED);
    struct tocsin_handler relief;
    struct tocsin_queue queue;
    struct tocsin_block mask;

    relief = connected("tocsin.queue.full", (struct tocsin_action){ .fn = close_it });
    ck_assert_int_eq(tocsin_on("blob.relieved", record_call, "heard"), 0);
    ck_assert_int_eq(
        tocsin_queue_open("blob.*", &(struct tocsin_queue_options){ .limit = 1 }, &queue), 0);
    emit_kept(signo, 1, TOCSIN_DELIVERED);
    emit_refused(signo, 1);
    ck_assert_record("heard close");
    ck_assert_int_eq(tocsin_queue_close(queue), -ENOENT);
    emit_kept(signo, 1, TOCSIN_DELIVERED);
    ck_assert_record("heard");
    ck_assert_int_eq(tocsin_disconnect(relief), 0);
    connected("tocsin.queue.full", (struct tocsin_action){ .fn = unblock_it, .arg = &mask });
    ck_assert_int_eq(tocsin_block("blob.*", &mask), 0);
    emit_kept(signo, 2, TOCSIN_PENDED);
    emit_refused(signo, 1); /* the handler unblocks the signal, but the emission stays refused */
    ck_assert_record("heard heard");
    emit_kept(signo, 1, TOCSIN_DELIVERED);
    ck_assert_int_eq(tocsin_block("blob.*", &mask), 0);
    connected("tocsin.queue.full", (struct tocsin_action){ .fn = free_loop });
    emit_kept(signo, 2, TOCSIN_PENDED);
    record_take();
    emit_refused(signo, 1);
    ck_assert_record("heard heard freed");
    ck_assert_uint_eq(tocsin_loop_current().id, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/library_signals");
    TCase *news = test_case(suite, "connects and disconnects"),
          *failed = test_case(suite, "failed handlers"), *full = test_case(suite, "full queues");
    TCase *all[] = { news, failed, full };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tcase_add_checked_fixture(all[i], begin, end);
    tcase_add_test(news, connect_signals_name_the_handler);
    tcase_add_test(news, only_connects_of_handlers_are_announced);
    tcase_add_test(news, every_kind_of_disconnect_is_announced);
    tcase_add_test(news, disconnects_in_a_handler_are_announced);
    tcase_add_test(news, a_new_handler_may_be_disconnected_at_once);
    tcase_add_test(news, a_handler_that_connects_receives_each_connect);
    tcase_add_test(news, a_late_connect_signal_reaches_all_handlers);
    tcase_add_test(news, a_handler_of_a_connect_signal_frees_the_loop);
    tcase_add_test(news, a_freed_loop_does_not_announce_its_handlers);
    tcase_add_test(news, connect_signals_can_be_stopped_and_ignored);
    tcase_add_test(failed, a_handler_that_fails_is_announced);
    tcase_add_test(failed, errors_of_handlers_of_library_signals_are_only_counted);
    tcase_add_test(full, queue_full_is_emitted_once_for_each_overflow);
    tcase_add_test(full, queue_full_for_the_limit_in_bytes);
    tcase_add_test(full, a_coalescing_emission_may_make_room);
    tcase_add_test(full, a_queue_is_full_once_for_each_overflow);
    tcase_add_test(full, a_queue_of_the_librarys_signals_emits_no_queue_full);
    tcase_add_test(full, a_handler_of_queue_full_may_make_room);
    return suite;
}
