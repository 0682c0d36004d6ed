/* Contract line T8: a process with a loop forks, or executes a program. The child checks its own
   state. The exit code 0 of the child means that all of its checks hold. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handlers.h"

extern char **environ;

static struct told told, other;
static int note, newest, to_parent[2], to_child[2];

static int ended(pid_t child)
{
    int status = -1;

    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void begin(void)
{
    memset(&told, 0, sizeof told);
    memset(&other, 0, sizeof other);
    note = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "test.note", .doc = "A note.", .flags = TOCSIN_ASYNC });
    newest = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "test.newest", .doc = "The newest.", .kind = TOCSIN_COALESCE });
    ck_assert_int_gt(note, 0);
    ck_assert_int_gt(newest, 0);
    ck_assert_int_eq(pipe2(to_parent, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(to_child, O_CLOEXEC), 0);
}

static void end(void)
{
    close(to_parent[0]), close(to_parent[1]);
    close(to_child[0]), close(to_child[1]);
}

/* One process calls hear(), which waits until the other process calls say(). */
static void say(int *pipe)
{
    if (write(pipe[1], "x", 1) != 1)
        _exit(9);
}

static void hear(int *pipe)
{
    char c;

    if (read(pipe[0], &c, 1) != 1)
        _exit(9);
}

static void run_timer(struct told *into)
{
    int before = into->count;

    if (tocsin_timer(1, TOCSIN_CALL(tell, into), NULL) < 0)
        _exit(8);
    while (into->count == before)
        if (tocsin_loop_turn(-1) < 0)
            _exit(7);
}

/* The loop of the parent process has a watch, a timer and a handler of posts. Each of them makes
   the loop wait in the kernel. */
struct parent {
    int ends[2];
    struct tocsin_op watch, timer;
    struct told ready, ticked, posted;
};

static void parent_begin(struct parent *parent)
{
    memset(parent, 0, sizeof *parent);
    ck_assert_int_eq(pipe(parent->ends), 0);
    connect_to("test.note", tell, &parent->posted);
    ck_assert_int_eq(
        tocsin_watch(parent->ends[0], POLLIN, TOCSIN_EACH(tell, &parent->ready), &parent->watch),
        0);
    ck_assert_int_eq(tocsin_timer(100000, TOCSIN_CALL(tell, &parent->ticked), &parent->timer), 0);
    /* This turn registers the descriptors of the operations with the kernel. */
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
}

static void *post_note(void *arg)
{
    *(int *)arg = tocsin_post(note, NULL);
    return NULL;
}

/* The watch, the timer and a post must each wake the loop of the parent. If one of them does not
   wake the loop, the test times out. */
static void parent_goes_on(struct parent *parent)
{
    struct told before = parent->ready;
    pthread_t thread;
    int answer = 0, posted = parent->posted.count;

    ck_assert_int_eq(write(parent->ends[1], "x", 1), 1);
    turns_until(&parent->ready.count, before.count + 1);
    ck_assert_int_eq(read(parent->ends[0], &(char){ 0 }, 1), 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, post_note, &answer), 0);
    turns_until(&parent->posted.count, posted + 1);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(answer, TOCSIN_PENDED);
    ck_assert_int_eq(tocsin_op_status(parent->timer), -EINPROGRESS);
    run_timer(&told);
}

static void parent_ends(struct parent *parent)
{
    ck_assert_int_eq(tocsin_cancel(parent->watch), 0);
    ck_assert_int_eq(tocsin_cancel(parent->timer), 0);
    drain_all();
    close(parent->ends[0]);
    close(parent->ends[1]);
}

START_TEST(T8_the_child_frees_its_loop_and_the_parent_continues)
{
    struct parent parent;
    pid_t child;

    parent_begin(&parent);
    child = fork();
    if (child == 0) {
        require(tocsin_loop_turn(0) == -EOWNERDEAD);
        require(tocsin_emit(note, NULL) == -EOWNERDEAD);
        require(tocsin_post(note, NULL) == -EOWNERDEAD);
        require(tocsin_loop_free() == 0);
        require(tocsin_loop_current().id == 0);
        require(tocsin_emit(note, NULL) == TOCSIN_NOBODY);
        run_timer(&other); /* the child makes a new loop of its own */
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    ck_assert_int_eq(ended(child), 0);
    parent_goes_on(&parent);
    parent_ends(&parent);
}
END_TEST

START_TEST(T8_parent_and_child_continue_at_the_same_time)
{
    struct parent parent;
    pid_t child;

    parent_begin(&parent);
    child = fork();
    if (child == 0) {
        struct tocsin_loop loop;

        require(tocsin_after_fork() == 0);
        /* tocsin_after_fork() returns 0 if nothing is left to repair */
        require(tocsin_after_fork() == 0);
        loop = tocsin_loop_current();
        require(tocsin_id_error(loop.id) == 0 && loop.id == tocsin_loop_main().id);
        require(tocsin_op_status(parent.timer) == -ENOENT && parent.ticked.count == 0);
        for (int i = 0; i < 20; i++) {
            say(to_parent);
            hear(to_child);
            run_timer(&other);
            require(tocsin_post_to(loop, note, NULL) == TOCSIN_PENDED);
            while (parent.posted.count <= i)
                require(tocsin_loop_turn(-1) >= 0);
            require(tocsin_emit(note, NULL) == TOCSIN_DELIVERED);
            parent.posted.count = i + 1;
        }
        require(parent.ready.count == 0);
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    for (int i = 0; i < 20; i++) {
        hear(to_parent);
        say(to_child);
        parent_goes_on(&parent);
    }
    ck_assert_int_eq(ended(child), 0);
    parent_goes_on(&parent);
    parent_ends(&parent);
}
END_TEST

START_TEST(T8_a_child_of_a_child)
{
    struct parent parent;
    pid_t child;

    parent_begin(&parent);
    child = fork();
    if (child == 0) {
        /* the child itself calls no function of the library; only the grandchild does */
        pid_t grandchild = fork();
        int status = -1;

        if (grandchild == 0) {
            require(tocsin_loop_turn(0) == -EOWNERDEAD);
            require(tocsin_after_fork() == 0);
            run_timer(&other);
            require(tocsin_loop_free() == 0);
            _exit(0);
        }
        require(waitpid(grandchild, &status, 0) == grandchild && status == 0);
        require(tocsin_after_fork() == 0);
        run_timer(&other);
        grandchild = fork();
        if (grandchild == 0) {
            require(tocsin_loop_turn(0) == -EOWNERDEAD);
            require(tocsin_loop_free() == 0);
            _exit(0);
        }
        require(waitpid(grandchild, &status, 0) == grandchild && status == 0);
        run_timer(&other);
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    ck_assert_int_eq(ended(child), 0);
    parent_goes_on(&parent);
    parent_ends(&parent);
}
END_TEST

START_TEST(T8_daemon_after_the_loop_was_created)
{
    pid_t child = fork(); /* daemon() ends the process that calls it, so a child calls it */

    if (child == 0) {
        connect_to("test.note", tell, &told);
        run_timer(&other);
        if (daemon(1, 1) < 0)
            _exit(1);
        require(tocsin_loop_turn(0) == -EOWNERDEAD);
        require(tocsin_after_fork() == 0);
        run_timer(&other);
        require(tocsin_emit(note, NULL) == TOCSIN_DELIVERED && told.count == 1);
        require(tocsin_loop_free() == 0);
        say(to_parent);
        _exit(0);
    }
    close(to_parent[1]);
    ck_assert_int_eq(ended(child), 0);
    hear(to_parent); /* hear() waits until the daemon has made all of its checks */
    to_parent[1] = dup(to_parent[0]);
}
END_TEST

/* Tests: the process forks inside a handler */

enum what { RETURNS, FREES, EXITS, EXECS };
static enum what what;
static pid_t forked;

static int on_note(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    forked = fork();
    if (forked)
        return TOCSIN_NEXT;
    require(tocsin_after_fork() == -EDEADLK);
    require(tocsin_emit(newest, NULL) == -EOWNERDEAD);
    if (what == FREES)
        require(tocsin_loop_free() == 0);
    if (what == EXECS)
        execl("/bin/true", "true", (char *)NULL);
    if (what >= EXITS)
        _exit(0);
    return TOCSIN_NEXT;
}

START_TEST(T8_fork_in_a_handler)
{
    struct parent parent;
    int answer;

    what = (enum what)_i;
    parent_begin(&parent);
    ck_assert_int_eq(tocsin_connect("test.newest", &(struct tocsin_action){ .fn = on_note }, NULL),
                     0);
    ck_assert_int_eq(
        tocsin_connect("test.newest",
                       &(struct tocsin_action){ .fn = tell, .arg = &told, .flags = TOCSIN_ONCE },
                       NULL),
        0);
    ck_assert_int_eq(tocsin_post(newest, NULL), TOCSIN_PENDED);
    forked = -1;
    do
        answer = tocsin_loop_turn(-1);
    while (answer >= 0 && forked == -1);
    if (forked == 0) {
        /* the delivery in which the process forked has ended, but the turn has not ended */
        require(answer == -EOWNERDEAD && told.count == 1);
        if (what == RETURNS)
            require(tocsin_loop_turn(0) == -EOWNERDEAD && tocsin_after_fork() == 0);
        else
            require(tocsin_loop_current().id == 0);
        run_timer(&other);
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    ck_assert_int_eq(ended(forked), 0);
    parent_goes_on(&parent);
    parent_ends(&parent);
}
END_TEST

static int stop_after_fork(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    forked = fork();
    if (forked)
        ck_assert_int_eq(tocsin_stop(3), 0);
    return TOCSIN_NEXT;
}

START_TEST(T8_tocsin_run_ends_in_the_child)
{
    int status;

    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(stop_after_fork, NULL), NULL), 0);
    status = tocsin_run();
    if (forked == 0)
        _exit(status == -EOWNERDEAD ? 0 : 1);
    ck_assert_int_eq(status, 3);
    ck_assert_int_eq(ended(forked), 0);
}
END_TEST

/* Tests: other threads run while the process forks */

static atomic_bool over;
static atomic_int running;

static void *keep_posting(void *arg)
{
    struct tocsin_handler none = { 1 };

    (void)arg;
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&over)) {
        tocsin_post(note, NULL);
        tocsin_post(newest, NULL);
        tocsin_disconnect(none);
        if (tocsin_find("test.note") < 0) /* this call takes the locks of the library */
            abort();
        tocsin_pool_free((struct tocsin_pool){ (uint64_t)0xfffe << 48 });
        if (tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.note", .limit = 7 }) !=
            -EEXIST)
            abort();
    }
    return NULL;
}

static void *keep_looping(void *arg)
{
    struct told mine = { 0 };

    (void)arg;
    connect_to("test.note, *.newest", tell, &mine);
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&over))
        /* This code makes no assertion of Check: a fork during the assertion would leak memory that
           Check allocates for it. */
        if (tocsin_loop_turn(0) < 0)
            abort();
    ck_assert_int_ge(tocsin_loop_free(), 0);
    return NULL;
}

static void child_among_threads(int i)
{
    require(tocsin_post(note, NULL) == -EOWNERDEAD);
    if (i % 3 == 0)
        _exit(tocsin_loop_free() == 0 ? 0 : 1);
    require(tocsin_after_fork() == 0);
    told.count = other.count = 0;
    /* the child's own loop is the only listener, so the emission is delivered at once and
       completely */
    require(tocsin_emit(note, NULL) == TOCSIN_DELIVERED && told.count == 1);
    require(tocsin_post(newest, NULL) == TOCSIN_PENDED);
    require(tocsin_declare(&(struct tocsin_signal_spec){
                .name = "other.newest",
                .doc = "Matches the pattern of a loop that is not here." }) > 0);
    require(tocsin_emit(tocsin_find("other.newest"), NULL) == TOCSIN_NOBODY);
    while (!other.count)
        require(tocsin_loop_turn(-1) >= 0);
    require(other.count == 1 && other.overrun == 0);
    run_timer(&told);
    require(tocsin_loop_free() == 0);
    _exit(0);
}

START_TEST(T8_fork_while_other_threads_post)
{
    pthread_t threads[3];

    connect_to("test.note", tell, &told);
    connect_to("test.newest", tell, &other);
    ck_assert_int_eq(tocsin_loop_turn(0), 0);
    atomic_store(&over, false);
    atomic_store(&running, 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, keep_posting, NULL), 0);
    ck_assert_int_eq(pthread_create(&threads[2], NULL, keep_looping, NULL), 0);
    while (atomic_load(&running) < 3)
        sched_yield();
    for (int i = 0; i < (int)test_scaled(200, 1, 10); i++) {
        pid_t child = fork();

        if (child == 0)
            child_among_threads(i);
        ck_assert_int_eq(ended(child), 0);
        ck_assert_int_ge(tocsin_loop_turn(0), 0);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

static void *fork_here(void *arg)
{
    struct tocsin_loop *loop = arg;
    pid_t child = fork();

    if (child == 0) {
        require(tocsin_loop_current().id == 0 && tocsin_loop_main().id == 0);
        require(tocsin_post_to(*loop, note, NULL) == -EOWNERDEAD);
        require(tocsin_loop_call(*loop, (tocsin_task)abort, NULL, NULL) == -EOWNERDEAD);
        /* The loop that listens belongs to a thread that does not exist in the child. */
        require(tocsin_emit(note, NULL) == TOCSIN_NOBODY);
        require(tocsin_post(note, NULL) == TOCSIN_NOBODY);
        require(tocsin_after_fork() == 0);
        connect_to("test.note", tell, &other);
        require(tocsin_emit(note, NULL) == TOCSIN_DELIVERED && other.count == 1 && told.count == 0);
        run_timer(&other);
        require(tocsin_loop_main().id == tocsin_loop_current().id);
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    ck_assert_int_eq(ended(child), 0);
    return NULL;
}

START_TEST(T8_fork_on_a_thread_without_a_loop)
{
    struct tocsin_loop loop;
    struct parent parent;
    pthread_t thread;
    int err;

    parent_begin(&parent);
    connect_to("*.note", tell, &told);
    loop = tocsin_loop_current();
    /* the child makes no assertion before this call, since an assertion takes a lock of Check */
    err = pthread_create(&thread, NULL, fork_here, &loop);
    if (err == 0)
        err = pthread_join(thread, NULL);
    ck_assert_int_eq(err, 0);
    parent_goes_on(&parent);
    parent_ends(&parent);
}
END_TEST

/* Tests: the process forks while the pool has running and queued tasks */

static int drops;

static void on_drop(void *arg)
{
    (void)arg;
    drops++;
}

static atomic_bool at_work;

static int wait_for_word(void *arg)
{
    atomic_store(&at_work, true);
    hear(arg);
    return 0;
}

static int no_task(void *arg)
{
    (void)arg;
    return 5;
}

START_TEST(T8_tasks_of_the_pool_in_the_child)
{
    const struct tocsin_work_options options = { .drop = on_drop };
    struct tocsin_work_options of_pool = { .drop = on_drop };
    struct tocsin_op op;
    pid_t child;

#ifdef __SANITIZE_THREAD__
    test_skip("contract/fork: work in the child",
              "the thread sanitizer ends a child that starts threads");
    return;
#endif
    drops = 0;
    ck_assert_int_eq(tocsin_pool_new(1, 0, &of_pool.pool), 0);
    ck_assert_int_eq(tocsin_work_with(&of_pool, wait_for_word, to_child, NULL, NULL), 0);
    while (!atomic_load(&at_work))
        sched_yield();
    /* this task is queued, since the pool's only thread is busy */
    ck_assert_int_eq(tocsin_work_with(&of_pool, no_task, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tocsin_work_with(&options, no_task, NULL, TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 5);
    child = fork();
    if (child == 0) {
        drops = 0;
        require(tocsin_after_fork() == 0);
        /* the drop function of the queued task was called; the running task belongs to the parent
           only */
        require(drops == 1);
        require(tocsin_work_with(&options, no_task, NULL, TOCSIN_FUTURE, &op) == 0);
        require(tocsin_wait(op, -1, NULL) == 5);
        require(tocsin_work_with(&of_pool, no_task, NULL, TOCSIN_FUTURE, &op) == 0);
        require(tocsin_wait(op, -1, NULL) == 5);
        require(tocsin_pool_free(of_pool.pool) == 0);
        require(tocsin_loop_free() == 0);
        _exit(0);
    }
    ck_assert_int_eq(ended(child), 0);
    say(to_child);
    drain_all();
    ck_assert_int_eq(tocsin_pool_free(of_pool.pool), 0);
}
END_TEST

/* Tests of real signals after a fork. In the child, each real signal has the disposition that it
   had before the library installed its own handler. tocsin_after_fork() installs the library's
   handler again, and so does a connect in the child. */

static bool is_default(int number)
{
    struct sigaction now;

    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL;
}

static int fork_and_stop(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    forked = fork();
    return tocsin_stop(0);
}

START_TEST(T8_real_signals_belong_to_the_parent)
{
    pid_t child;

    connect_to("os.sigusr1", tell, &told);
    child = fork();
    if (child == 0) {
        require(is_default(SIGUSR1));
        require(tocsin_after_fork() == 0);
        require(!is_default(SIGUSR1));
        require(raise(SIGUSR1) == 0);
        while (!told.count)
            require(tocsin_loop_turn(-1) >= 0);
        require(tocsin_loop_free() == 0);
        require(is_default(SIGUSR1));
        _exit(0);
    }
    ck_assert_int_eq(ended(child), 0);
    child = fork();
    if (child == 0) {
        require(tocsin_loop_free() == 0 && is_default(SIGUSR1));
        raise(SIGUSR1);
        _exit(0);
    }
    ck_assert_int_eq(WTERMSIG(ended(child)), SIGUSR1);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    turns_until(&told.count, 1);
}
END_TEST

START_TEST(T8_SIGTERM_ends_a_child_that_was_forked_in_a_run)
{
    int status;

    signal(SIGTERM, SIG_DFL); /* the test framework has installed a handler */
    ck_assert_int_eq(tocsin_timer(0, TOCSIN_CALL(fork_and_stop, NULL), NULL), 0);
    status = tocsin_run();
    ck_assert_int_eq(status, forked ? 0 : -EOWNERDEAD);
    if (forked == 0) {
        require(tocsin_after_fork() == 0);
        raise(SIGTERM);
        _exit(0);
    }
    ck_assert_int_eq(WTERMSIG(ended(forked)), SIGTERM);
    ck_assert(is_default(SIGTERM));
}
END_TEST

/* The test executes a program. /proc/self/status shows which signals that program blocks, ignores
   and handles. */

static const char *const program[] = { "sh", "-c",
                                       "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; exit 0",
                                       NULL };

/* Returns the signal set in the named line of a /proc status file, or -1 if the line is missing. */
static long long signals_of(const char *text, const char *name)
{
    const char *line = strstr(text, name);

    return line ? (long long)strtoull(line + strlen(name), NULL, 16) : -1;
}

static void check_plain(int *pipe)
{
    char text[512] = "";
    size_t size = 0;
    ssize_t got;

    close(pipe[1]);
    pipe[1] = dup(pipe[0]);
    while ((got = read(pipe[0], text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    ck_assert_msg(signals_of(text, "SigBlk:\t") == 0, "%s", text);
    /* all signals are compared except the two that the C library reserves */
    ck_assert_msg((signals_of(text, "SigIgn:\t") & ~0x180000000) == 0, "%s", text);
}

static int fork_and_exec(void *arg)
{
    pid_t child = fork();

    (void)arg;
    if (child == 0) {
        dup2(to_parent[1], 1);
        execv("/bin/sh", (char *const *)program);
        _exit(1);
    }
    return child;
}

static int spawn_program(void *arg)
{
    posix_spawn_file_actions_t actions;
    pid_t child = -1;

    (void)arg;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to_parent[1], 1);
    if (posix_spawn(&child, "/bin/sh", &actions, NULL, (char *const *)program, environ) != 0)
        child = -1;
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

static tocsin_task const starts[] = { fork_and_exec, spawn_program };

START_TEST(T8_an_executed_program_has_default_signals)
{
    bool on_pool = _i >= 2;
    tocsin_task start = starts[_i % 2];
    struct tocsin_op op;
    int child;

    run_timer(&told);
    if (!on_pool)
        child = start(NULL);
    else {
        ck_assert_int_eq(tocsin_work(start, NULL, TOCSIN_FUTURE, &op), 0);
        child = tocsin_wait(op, -1, NULL);
    }
    ck_assert_int_eq(ended(child), 0);
    check_plain(to_parent);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("contract/fork");
    TCase *tests = test_case(suite, "fork");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, T8_the_child_frees_its_loop_and_the_parent_continues);
    tcase_add_test(tests, T8_parent_and_child_continue_at_the_same_time);
    tcase_add_test(tests, T8_a_child_of_a_child);
    tcase_add_test(tests, T8_daemon_after_the_loop_was_created);
    tcase_add_loop_test(tests, T8_fork_in_a_handler, RETURNS, EXECS + 1);
    tcase_add_test(tests, T8_tocsin_run_ends_in_the_child);
    tcase_add_test(tests, T8_fork_while_other_threads_post);
    tcase_add_test(tests, T8_fork_on_a_thread_without_a_loop);
    tcase_add_test(tests, T8_tasks_of_the_pool_in_the_child);
    tcase_add_test(tests, T8_real_signals_belong_to_the_parent);
    tcase_add_test(tests, T8_SIGTERM_ends_a_child_that_was_forked_in_a_run);
    tcase_add_loop_test(tests, T8_an_executed_program_has_default_signals, 0, 4);
    return suite;
}
