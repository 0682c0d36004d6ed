/* The ledger of operations. Random programs start streams over Unix sockets, loopback TCP, pipes
   and files, with reads, flushes and pipes on them, and listeners, timers, watches and jobs of the
   pool. They cancel operations, set deadlines, lend buffers, and play peers that send, read, stall,
   end one side, leave or reset. An epoch ends when the loop is drained, when everything was
   cancelled, or when the loop is freed in the middle of it. After each epoch every operation that
   was started must have ended exactly once, every lent buffer must have been given back exactly
   once, and no descriptor and no byte may be left.
   TOCSIN_TEST_SEED=n chooses the seed, TOCSIN_LEDGER=n the number of operations. */
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "io/streams.h"

#include "delivery/loop.h"

enum { OPERATIONS = 20000, THREADS = 3, EPOCH = 400, STREAMS = 24, PEERS = 24, TABLE = 4096 };

/* An operation that was started, found by its id. */
struct entry {
    uint64_t id;
    bool is_called; /* it has a notify that is called at its end */
    int ends, calls;
};

/* The ledger of one thread. */
struct ledger {
    unsigned long long random;
    long wanted, started, ended, lent, given_back, epochs;
    struct entry table[TABLE];
    int count;                         /* entries of this epoch */
    struct tocsin_op streams[STREAMS]; /* the last streams; some have ended */
    struct tocsin_op others[STREAMS];  /* the last other operations */
    struct tocsin_op listeners[2];
    char addresses[2][112];
    int peers[PEERS]; /* -1: none */
    int event;        /* an eventfd, which is watched */
    bool is_alone;    /* no other thread allocates */
    size_t bytes;     /* that were in use after the first epochs */
};

static __thread struct ledger *me;
static char folder[32];
static const char data[100000];

static unsigned draw(unsigned below)
{
    me->random ^= me->random << 13, me->random ^= me->random >> 7, me->random ^= me->random << 17;
    return (unsigned)(me->random >> 11) % below;
}

/* The table */

static struct entry *entry_of(uint64_t id)
{
    size_t at = id * 0x9e3779b97f4a7c15u >> 52;

    while (me->table[at].id && me->table[at].id != id)
        at = (at + 1) % TABLE;
    return &me->table[at];
}

static void entry_add(struct tocsin_op op, bool is_called)
{
    struct entry *entry = entry_of(op.source.id);

    require(op.source.id && !entry->id);
    *entry = (struct entry){ .id = op.source.id, .is_called = is_called };
    me->started++;
    me->count++;
}

/* Enters an operation into the ledger if it was started. */
static int enter(int err, struct tocsin_op op, bool is_called)
{
    if (err < 0)
        require(tocsin_op_status(op) == err);
    else
        entry_add(op, is_called);
    return err;
}

/* A handler of a name gets the emissions of all threads. */
static bool is_of_another_loop(struct tocsin_op op)
{
    return tocsin__id_number(op.source.id) != tocsin__self->life.number;
}

static int on_end(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op op = tocsin_info_op(info);
    struct entry *entry = entry_of(op.source.id);

    (void)arg;
    if (is_of_another_loop(op))
        return TOCSIN_NEXT;
    require(entry->id);
    require(entry->ends == 0);
    entry->ends++;
    me->ended++;
    return TOCSIN_NEXT;
}

static int on_call(const struct tocsin_info *info, void *arg)
{
    struct entry *entry = entry_of(tocsin_info_op(info).source.id);

    (void)arg;
    require(entry->id && entry->is_called);
    entry->calls += strcmp(info->name, "fd.ready") != 0 &&
                    strcmp(info->name, "stream.received") != 0 &&
                    strcmp(info->name, "stream.connected") != 0 &&
                    strcmp(info->name, "stream.stalled") != 0 &&
                    strcmp(info->name, "stream.drained") != 0;
    return TOCSIN_NEXT;
}

static int on_accepted(const struct tocsin_info *info, void *arg)
{
    struct tocsin_op stream = tocsin_listener_accepted_of(info)->stream;

    (void)arg;
    entry_add(stream, false);
    me->streams[draw(STREAMS)] = stream;
    if (draw(4))
        tocsin_stream_write(stream, data, draw(200));
    return TOCSIN_NEXT;
}

static int on_received(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (is_of_another_loop(tocsin_info_op(info)))
        return TOCSIN_NEXT;
    if (draw(3) == 0)
        tocsin_stream_write(tocsin_info_op(info), data, tocsin_stream_received_of(info)->data.size);
    return TOCSIN_NEXT;
}

static void give_back(void *arg)
{
    struct ledger *ledger = arg;

    require(ledger == me);
    ledger->given_back++;
}

/* Choices */

static const struct tocsin_notify *some_notify(bool *ret_is_called)
{
    static const struct tocsin_notify at_end = { .mode = TOCSIN_AT_END, .fn = on_call },
                                      both = { .mode = TOCSIN_AT_END | TOCSIN_AT_EACH,
                                               .fn = on_call };
    unsigned which = draw(3);

    *ret_is_called = which;
    return which == 0 ? NULL : which == 1 ? &at_end : &both;
}

static const struct tocsin_stream_options *some_options(void)
{
    static __thread struct tocsin_stream_options options;

    options = (struct tocsin_stream_options){
        .flags = (draw(3) ? 0u : TOCSIN_STREAM_HALF) | (draw(4) ? 0u : TOCSIN_STREAM_DUPLEX),
        .high_bytes = draw(3) ? 0 : 1 + draw(5000),
        .limit_bytes = draw(3) ? 0 : 10000 + draw(50000),
        .idle_ms = draw(6) ? 0 : 1 + draw(30),
    };
    if (draw(3) == 0)
        options.part = (struct tocsin_part){ .until = draw(2) ? "\n" : NULL,
                                             .size = 1 + draw(3000) };
    return &options;
}

static struct tocsin_op some_stream(void)
{
    return me->streams[draw(STREAMS)];
}

static int *some_peer(void)
{
    return &me->peers[draw(PEERS)];
}

static void peer_close(int *peer)
{
    if (*peer >= 0)
        close(*peer);
    *peer = -1;
}

static void peer_add(int fd)
{
    int *peer = some_peer();

    require(fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    peer_close(peer);
    *peer = fd;
}

/* Moves: starting streams */

static int stream_start(const char *address)
{
    bool is_called;
    const struct tocsin_notify *notify = some_notify(&is_called);
    struct tocsin_op stream;
    int err = enter(tocsin_stream_open(address, draw(2) ? NULL : some_options(), notify, &stream),
                    stream, is_called);

    if (err == 0)
        me->streams[draw(STREAMS)] = stream;
    return err;
}

static void stream_start_fd(int fd)
{
    char address[20];

    snprintf(address, sizeof address, "fd:%d", fd);
    if (stream_start(address) < 0)
        close(fd);
}

static void move_pair(void)
{
    int ends[2];

    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    peer_add(ends[1]);
    stream_start_fd(ends[0]);
}

static void move_pipe(void)
{
    int ends[2], own = (int)draw(2);

    require(pipe(ends) == 0);
    peer_add(ends[!own]);
    stream_start_fd(ends[own]);
}

static void move_file(void)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, "%s/%u", folder, draw(8));
    fd = open(path, O_RDWR | O_CREAT | (draw(2) ? O_APPEND : 0), 0600);
    require(fd >= 0);
    stream_start_fd(fd);
}

static void move_listen(void)
{
    static _Atomic unsigned names;
    unsigned which = draw(2);
    struct tocsin_stream_facts facts;
    struct tocsin_op listener;
    char address[112] = "tcp:127.0.0.1:0";

    if (tocsin_op_status(me->listeners[which]) == -EINPROGRESS)
        return;
    if (which)
        snprintf(address, sizeof address, "unix:@tocsin-ledger-%d-%u", (int)getpid(), names++);
    if (enter(tocsin_listen(address, NULL, TOCSIN_EACH(on_accepted), &listener), listener, false) <
        0)
        return;
    require(tocsin_stream_get(listener, &facts) == 0);
    me->listeners[which] = listener;
    strcpy(me->addresses[which], facts.local);
}

static void move_connect(void)
{
    unsigned which = draw(2);

    if (me->addresses[which][0])
        stream_start(me->addresses[which]);
}

/* A client that is not a stream connects to the TCP listener. */
static void move_knock(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const char *port = strrchr(me->addresses[0], ':');
    int fd;

    if (!port || tocsin_op_status(me->listeners[0]) != -EINPROGRESS)
        return;
    in.sin_port = htons((uint16_t)atoi(port + 1));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    require(fd >= 0);
    connect(fd, (struct sockaddr *)&in, sizeof in);
    peer_add(fd);
}

/* Moves: other operations */

static void move_read(void)
{
    bool is_called;
    const struct tocsin_notify *notify = some_notify(&is_called);
    struct tocsin_part part = { .size = 1 + draw(5000) };
    unsigned how = draw(4);
    struct tocsin_op op;

    if (how == 1)
        part.flags = TOCSIN_EXACTLY;
    if (how == 2)
        part.until = "\n";
    if (how == 3)
        part = (struct tocsin_part){ .flags = TOCSIN_TO_END };
    if (enter(tocsin_stream_read(some_stream(), draw(3) ? &part : NULL, notify, &op), op,
              is_called) == 0)
        me->others[draw(STREAMS)] = op;
}

static void move_flush(void)
{
    bool is_called;
    const struct tocsin_notify *notify = some_notify(&is_called);
    struct tocsin_op op;

    if (enter(tocsin_stream_flush(some_stream(), notify, &op), op, is_called) == 0)
        me->others[draw(STREAMS)] = op;
}

static void move_pipe_between(void)
{
    bool is_called;
    const struct tocsin_notify *notify = some_notify(&is_called);
    struct tocsin_op op;

    if (enter(tocsin_stream_pipe(some_stream(), some_stream(), notify, &op), op, is_called) == 0)
        me->others[draw(STREAMS)] = op;
}

static void move_timer(void)
{
    bool is_called;
    const struct tocsin_notify *notify = some_notify(&is_called);
    struct tocsin_op op;

    if (enter(tocsin_timer(draw(30), notify, &op), op, is_called) == 0)
        me->others[draw(STREAMS)] = op;
}

static void move_watch(void)
{
    struct tocsin_op op;

    if (enter(tocsin_watch(me->event, POLLIN, TOCSIN_BOTH(on_call), &op), op, true) == 0)
        me->others[draw(STREAMS)] = op;
}

static int job(void *none)
{
    (void)none;
    return 1;
}

static void move_work(void)
{
    bool is_called;
    const struct tocsin_notify *notify = some_notify(&is_called);
    struct tocsin_op op;

    if (enter(tocsin_work(job, NULL, notify, &op), op, is_called) == 0)
        me->others[draw(STREAMS)] = op;
}

/* Moves: calls */

static void move_write(void)
{
    tocsin_stream_write(some_stream(), data, draw(4) ? draw(300) : draw(sizeof data));
}

static void move_lend(void)
{
    const struct tocsin_bytes part = { data, draw(sizeof data) };
    const struct tocsin_outgoing outgoing = {
        .parts = &part, .count = 1, .drop = give_back, .arg = me
    };

    me->lent++;
    tocsin_stream_write_with(some_stream(), &outgoing);
}

static void move_shutdown(void)
{
    tocsin_stream_shutdown(some_stream());
}

static void move_close(void)
{
    tocsin_stream_close(some_stream());
}

static void move_set(void)
{
    tocsin_stream_set(some_stream(), some_options());
}

static void move_cancel(void)
{
    unsigned which = draw(12);

    tocsin_cancel(which == 0  ? me->listeners[draw(2)]
                  : which < 4 ? some_stream()
                              : me->others[draw(STREAMS)]);
}

static void move_deadline(void)
{
    tocsin_op_deadline(draw(2) ? some_stream() : me->others[draw(STREAMS)], draw(20));
}

static void move_turns(void)
{
    for (unsigned i = 1 + draw(3); i > 0; i--)
        require(tocsin_loop_turn(draw(8) ? 0 : 1) >= 0);
}

/* Moves: peers */

static void move_peer_write(void)
{
    int peer = *some_peer();
    char text[3000];
    size_t size = draw(2) ? draw(100) : draw(sizeof text);

    for (size_t i = 0; i < size; i++)
        text[i] = i % 61 == 60 ? '\n' : 'a';
    if (peer >= 0 && write(peer, text, size) < 0)
        require(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET || errno == EBADF ||
                errno == ENOTCONN || errno == ECONNREFUSED);
}

static void move_peer_read(void)
{
    char buffer[30000];
    int peer = *some_peer();

    for (unsigned i = draw(8); peer >= 0 && i > 0; i--)
        if (read(peer, buffer, sizeof buffer) <= 0)
            break;
}

static void move_peer_end(void)
{
    int peer = *some_peer();

    if (peer >= 0)
        shutdown(peer, SHUT_WR);
}

static void move_peer_leave(void)
{
    peer_close(some_peer());
}

static void move_peer_reset(void)
{
    int *peer = some_peer();

    if (*peer >= 0)
        setsockopt(*peer, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    peer_close(peer);
}

static void move_event(void)
{
    uint64_t one = 1;

    if (draw(2))
        require(write(me->event, &one, sizeof one) == sizeof one);
    else
        (void)!read(me->event, &one, sizeof one);
}

typedef void move(void);

static move *const moves[] = {
    move_pair,       move_pair,       move_pipe,      move_file,         move_listen,
    move_connect,    move_connect,    move_knock,     move_read,         move_read,
    move_read,       move_flush,      move_flush,     move_pipe_between, move_timer,
    move_timer,      move_watch,      move_work,      move_write,        move_write,
    move_lend,       move_shutdown,   move_close,     move_set,          move_cancel,
    move_cancel,     move_deadline,   move_turns,     move_turns,        move_turns,
    move_peer_write, move_peer_write, move_peer_read, move_peer_read,    move_peer_end,
    move_peer_leave, move_peer_reset, move_event,
};

/* Epochs */

static bool all_have_ended(void)
{
    for (int i = 0; i < TABLE; i++)
        if (me->table[i].id && !me->table[i].ends)
            return false;
    return true;
}

static void cancel_all(void)
{
    for (int i = 0; i < TABLE; i++)
        if (me->table[i].id && !me->table[i].ends)
            tocsin_cancel((struct tocsin_op){ { me->table[i].id } });
    while (!all_have_ended())
        require(tocsin_loop_turn(-1) >= 0);
}

static void epoch_begin(void)
{
    static const char *const ends[] = { "stream.closed",   "stream.taken",  "stream.flushed",
                                        "stream.piped",    "timer.expired", "fd.done",
                                        "listener.closed", "work.done" };

    memset(me->table, 0, sizeof me->table);
    memset(me->addresses, 0, sizeof me->addresses);
    memset(me->streams, 0, sizeof me->streams);
    memset(me->others, 0, sizeof me->others);
    memset(me->listeners, 0, sizeof me->listeners);
    me->count = 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        require(tocsin_on(ends[i], on_end, NULL) >= 0);
    if (draw(2))
        require(tocsin_on("stream.received", on_received, NULL) >= 0);
}

static void epoch_check(void)
{
    for (int i = 0; i < TABLE; i++) {
        require(!me->table[i].id || me->table[i].ends == 1);
        require(!me->table[i].id || me->table[i].calls == me->table[i].is_called);
    }
    require(me->lent == me->given_back);
    require(me->started == me->ended);
}

static void epoch(void)
{
    epoch_begin();
    while (me->count < EPOCH)
        moves[draw(sizeof moves / sizeof moves[0])]();
    switch (draw(3)) {
    case 0: cancel_all(); break;
    case 1:
        tocsin_drain(draw(20));
        tocsin_run();
        break;
    default: break; /* the loop is freed with all that it has */
    }
    require(tocsin_loop_free() >= 0);
    epoch_check();
    for (int i = 0; i < PEERS; i++)
        peer_close(&me->peers[i]);
    me->epochs++;
}

/* Compares the bytes in use with those after the first epochs. The tables of the loop grow as long
   as an epoch needs more places than all before it. A million operations that lose a byte each
   would exceed this limit. */
static void bytes_check(void)
{
    size_t bytes = mallinfo2().uordblks;

    if (me->epochs == 8)
        me->bytes = bytes;
    if (me->epochs > 8)
        ck_assert_msg(bytes <= me->bytes + (1 << 19),
                      "%zu bytes in use after %ld epochs, %zu before", bytes, me->epochs,
                      me->bytes);
}

static void *keep_ledger(void *arg)
{
    me = arg;
    for (int i = 0; i < PEERS; i++)
        me->peers[i] = -1;
    me->event = eventfd(0, EFD_NONBLOCK);
    require(me->event >= 0);
    while (me->started < me->wanted) {
        epoch();
        if (me->is_alone)
            bytes_check();
    }
    close(me->event);
    return NULL;
}

static unsigned long long seed_of(void)
{
    const char *wish = getenv("TOCSIN_TEST_SEED");
    unsigned long long seed = wish ? strtoull(wish, NULL, 0)
                                   : (unsigned long long)time(NULL) * 1000003u + (unsigned)getpid();

    printf("io/fuzz_ledger: TOCSIN_TEST_SEED=%llu\n", seed);
    fflush(stdout);
    return seed * 0x9e3779b97f4a7c15u | 1;
}

static long operations(void)
{
    const char *wish = getenv("TOCSIN_LEDGER");

    return wish ? atol(wish) : test_scaled(OPERATIONS, 4, 20);
}

static void report(const struct ledger *ledger)
{
    printf("io/fuzz_ledger: %ld started, %ld ended, %ld lent, %ld epochs\n", ledger->started,
           ledger->ended, ledger->lent, ledger->epochs);
    fflush(stdout);
}

static void folder_make(void)
{
    signal(SIGPIPE, SIG_IGN);
    strcpy(folder, "/tmp/tocsin-ledger-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void folder_remove(void)
{
    char path[64];

    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof path, "%s/%d", folder, i);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

/* One loop on the main thread, so that the bytes in use can be compared. */
START_TEST(one_loop)
{
    static struct ledger ledger;

    folder_make();
    ledger.is_alone = true;
    ledger.random = seed_of();
    ledger.wanted = operations();
    keep_ledger(&ledger);
    report(&ledger);
    folder_remove();
}
END_TEST

START_TEST(loops_of_several_threads)
{
    static struct ledger ledgers[THREADS];
    unsigned long long seed = seed_of();
    pthread_t threads[THREADS];

    folder_make();
    for (int i = 0; i < THREADS; i++) {
        ledgers[i].random = (seed + (unsigned)i) * 0x9e3779b97f4a7c15u | 1;
        ledgers[i].wanted = operations() / THREADS;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, keep_ledger, &ledgers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        report(&ledgers[i]);
    }
    folder_remove();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("io/fuzz_ledger");
    TCase *tests = test_case(suite, "ledger");

    tcase_set_timeout(tests, 3600);
    tcase_add_test(tests, one_loop);
    tcase_add_test(tests, loops_of_several_threads);
    return suite;
}
