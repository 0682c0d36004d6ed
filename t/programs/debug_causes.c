/* Makes one mistake of each kind. TOCSIN_DEBUG=1 must print the cause of each mistake.
   debug_causes.sh runs this program. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/host.h>
#include <tocsin/provider.h>

#define PLACE(F) F(string, name) F(u64, user)
#define OTHER(F) F(u64, user)
TOCSIN_LAYOUT(place, PLACE);
TOCSIN_LAYOUT(other, OTHER);

static int said, asked;

static int on_it(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static void on_signal(int number)
{
    (void)number;
}

static int on_run(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    tocsin_run();
    return TOCSIN_NEXT;
}

static void names(void)
{
    struct tocsin_action action = { .fn = on_it };

    said = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "chat.said", .doc = "Said.", .layout = &place_layout, .limit = 2 });
    asked = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "chat.may", .doc = "May it?", .kind = TOCSIN_DIRECT });
    tocsin_on("chat.siad", on_it, NULL);
    tocsin_connect("chat.said, chat.sayed", &action, NULL);
    tocsin_on("nothing.that.is.alike", on_it, NULL);
    if (tocsin_find("caht.said") > 0 ||
        tocsin_declare(
            &(struct tocsin_signal_spec){ .name = "chat.said", .layout = &other_layout }) > 0 ||
        tocsin_declare(&(struct tocsin_signal_spec){ .name = "chat.may", .kind = TOCSIN_QUEUED }) >
            0)
        puts("no mistake");
}

static void patterns(void)
{
    struct tocsin_action action = { .fn = on_it, .priority = 40000 };
    struct tocsin_queue queue;
    struct tocsin_block mask;

    tocsin_on("timer..ticked", on_it, NULL);
    tocsin_on("timer.tick*", on_it, NULL);
    tocsin_on("!chat.said", on_it, NULL);
    tocsin_on(NULL, on_it, NULL);
    tocsin_on("chat.said", NULL, NULL);
    tocsin_connect("chat.said", &action, NULL);
    tocsin_block("chat.siad", &mask);
    tocsin_block("chat.said", NULL);
    tocsin_ignore("chat.siad");
    tocsin_ignore("!chat.said");
    tocsin_ignore("chat.may");
    tocsin_queue_open("chat.may", NULL, &queue);
    tocsin_pending_count("a..b");
    tocsin_match("chat.*", "chat..said");
    tocsin_timer(1, TOCSIN_CALL(NULL), NULL);
}

static void real(void)
{
    tocsin_on("os.SIGHUP", on_it, NULL);
    tocsin_on("os.sighub", on_it, NULL);
    tocsin_on("sigterm", on_it, NULL);
    tocsin_on("os.sigkill", on_it, NULL);
    signal(SIGUSR1, on_signal);
    tocsin_on("os.sigusr1", on_it, NULL);
}

static void declarations(void)
{
    struct tocsin_layout odd = { "odd", "i32 a;", 3 };

    if (tocsin_declare(NULL) > 0 ||
        tocsin_declare(&(struct tocsin_signal_spec){ .doc = "None." }) > 0 ||
        tocsin_declare(&(struct tocsin_signal_spec){ .name = "chat said" }) > 0 ||
        tocsin_declare(&(struct tocsin_signal_spec){ .name = "chat.flag", .flags = 8 }) > 0 ||
        tocsin_declare(&(struct tocsin_signal_spec){ .name = "chat.odd", .layout = &odd }) > 0 ||
        tocsin_declare(&(struct tocsin_signal_spec){
            .name = "chat.async", .layout = &place_layout, .flags = TOCSIN_ASYNC }) > 0)
        puts("no mistake");
}

static void plugins(void)
{
    setenv("TOCSIN_PLUGIN_PATH", "/nothing/here", 1);
    tocsin_plugin_load("nothing", NULL);
    tocsin_plugin_load("/etc/passwd", NULL);
    tocsin_plugin_unload("nothing", NULL, NULL);
    tocsin_plugin_reload("nothing", NULL, NULL, NULL);
}

static void payloads(void)
{
    tocsin_on("chat.said", on_it, NULL);
    tocsin_emit(said, TOCSIN_PAYLOAD(other, .user = 1));
    tocsin_post(said, TOCSIN_PAYLOAD(other, .user = 1));
    tocsin_emit(said, NULL);
    tocsin_emit(asked, NULL);
    tocsin_emit(4000, NULL);
    tocsin_post(-ENOMEM, NULL);
    if (tocsin_ask(said, NULL, NULL) == 0)
        puts("no mistake");
}

static void ids(void)
{
    struct tocsin_handler handler;
    struct tocsin_action action = { .fn = on_it };
    struct tocsin_op op;

    tocsin_connect("chat.said", &action, &handler);
    tocsin_disconnect(handler);
    tocsin_disconnect(handler);
    tocsin_timer(-1, NULL, &op);
    tocsin_cancel(op);
    tocsin_cancel((struct tocsin_op){ { 0 } });
    tocsin_cancel((struct tocsin_op){ { handler.id } });
    tocsin_timer(0, NULL, &op);
    for (int i = 0; i < 3; i++)
        tocsin_loop_turn(10);
    tocsin_cancel(op);
}

static sem_t ready, over;
static struct tocsin_op theirs;

static void *beside(void *arg)
{
    (void)arg;
    tocsin_on("chat.said", on_it, NULL);
    tocsin_timer(1000, NULL, &theirs);
    sem_post(&ready);
    sem_wait(&over);
    tocsin_loop_free();
    return NULL;
}

static void threads(void)
{
    pthread_t thread;

    sem_init(&ready, 0, 0);
    sem_init(&over, 0, 0);
    if (pthread_create(&thread, NULL, beside, NULL) != 0)
        return;
    sem_wait(&ready);
    tocsin_cancel(theirs);
    while (tocsin_post_to((struct tocsin_loop){ theirs.source.id >> 48 << 48 | 1 }, said,
                          TOCSIN_PAYLOAD(place, .user = 1)) >= 0)
        ;
    sem_post(&over);
    pthread_join(thread, NULL);
    tocsin_cancel(theirs);
}

static void limits(void)
{
    struct tocsin_queue_options options = { .limit = 1 };
    struct tocsin_queue queue;
    struct tocsin_block mask;

    tocsin_block("chat.said", &mask);
    for (int i = 0; i < 3; i++)
        tocsin_emit(said, TOCSIN_PAYLOAD(place, .user = 1));
    tocsin_unblock(mask);
    tocsin_queue_open(NULL, &options, &queue);
    tocsin_timer(1000, TOCSIN_QUEUE(queue), NULL);
    tocsin_timer(1000, TOCSIN_QUEUE(queue), NULL);
    tocsin_queue_close(queue);
}

static void loops(void)
{
    struct tocsin_op promise;
    int run = tocsin_declare(&(struct tocsin_signal_spec){ .name = "chat.run", .doc = "Runs." });

    tocsin_on("chat.run", on_run, NULL);
    tocsin_emit(run, NULL);
    if (tocsin_op_new(NULL, NULL, &promise) < 0)
        return;
    tocsin_timer(100000, NULL, NULL);
    tocsin_drain(1);
    tocsin_run();
}

int main(void)
{
    names();
    patterns();
    real();
    declarations();
    plugins();
    payloads();
    ids();
    threads();
    limits();
    loops();
    fflush(stdout);
    _exit(0);
}
