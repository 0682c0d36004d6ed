/* Makes every public function that can return an error fail once, and prints the function's name
   and the error. TOCSIN_DEBUG=1 must print the same. debug_refusals.sh runs this program. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/host.h>
#include <tocsin/inject.h>
#include <tocsin/inspect.h>
#include <tocsin/io.h>
#include <tocsin/layer.h>
#include <tocsin/owner.h>
#include <tocsin/leak_check.h>
#include <tocsin/plugin.h>
#include <tocsin/posix.h>
#include <tocsin/provider.h>
#include <tocsin/watchdog.h>
#ifdef WITH_HTTP
#include <tocsin/http.h>
#endif

#define GONE 0x1234567890u /* the id of a loop that does not exist */

static struct tocsin_op gone = { { GONE } };
static const struct tocsin_handler no_handler = { GONE };
static const struct tocsin_queue no_queue = { GONE };
static const struct tocsin_block no_mask = { GONE };
static const struct tocsin_source no_source = { GONE };
static const struct tocsin_pool no_pool = { GONE };
static const struct tocsin_rate no_rate = { GONE };
static const struct tocsin_loop no_loop = { GONE };

static int on_it(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static void between(const struct tocsin_inject_event *crossing,
                    struct tocsin_inject_action *verdict, void *arg)
{
    (void)crossing, (void)verdict, (void)arg;
}

static void returned(const char *name, int err)
{
    printf("%s %d\n", name, err);
    fflush(stdout);
}

#define try(name, ...) returned(#name, name(__VA_ARGS__))

static int on_run(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    try(tocsin_run, );
    return TOCSIN_NEXT;
}

static void handlers(void)
{
    returned("tocsin_on", tocsin_on("mis.spelt", on_it, NULL));
    returned("tocsin_on", tocsin_on_at("here", "", "mis.spelt", on_it, NULL));
    returned("tocsin_connect", tocsin_connect("mis.spelt", NULL, NULL));
    returned("tocsin_connect", tocsin_connect_at("here", "mis.spelt", NULL, NULL));
    returned("tocsin_observe", tocsin_observe("mis..spelt", NULL, NULL));
    returned("tocsin_observe", tocsin_observe_at("here", "mis..spelt", NULL, NULL));
    try(tocsin_disconnect, no_handler);
    try(tocsin_disconnect_wait, no_handler, -2);
    try(tocsin_handler_get, no_handler, NULL);
    try(tocsin_handler_next, no_handler, NULL);
    try(tocsin_handler_unquarantine, no_handler);
}

static void signals(void)
{
    try(tocsin_declare, NULL);
    try(tocsin_find, "mis.spelt");
    try(tocsin_has_listeners, -1);
    try(tocsin_ignore, "mis..spelt");
    try(tocsin_unignore, "mis..spelt");
    try(tocsin_match, NULL, NULL);
    try(tocsin_signal_get, 1, NULL);
    try(tocsin_pending_peek, -1, 0, NULL);
    try(tocsin_pending_count, "mis..spelt");
    try(tocsin_os_signo, 99);
    try(tocsin_emit, -1, NULL);
    try(tocsin_emit_from, no_source, -1, NULL);
    try(tocsin_ask, -1, NULL, NULL);
    try(tocsin_post, -1, NULL);
    try(tocsin_post_to, no_loop, -1, NULL);
    try(tocsin_post_wait, -1, NULL, -2);
    try(tocsin_info_json, NULL, NULL, 0);
    try(tocsin_payload_field, NULL, 0, NULL);
}

static void masks(void)
{
    returned("tocsin_block", tocsin_block("mis..spelt", NULL));
    try(tocsin_unblock, no_mask);
    try(tocsin_block_next, no_mask, NULL);
    try(tocsin_sigmask, 99, NULL, NULL, 0);
    try(tocsin_suspend, NULL, 0);
}

static void loops(void)
{
    try(tocsin_loop_adopt, NULL);
    try(tocsin_loop_turn, -2);
    try(tocsin_drain, -2);
    try(tocsin_clock_move, -1);
    try(tocsin_loop_get, NULL);
    try(tocsin_loop_name, NULL);
    try(tocsin_loop_call, no_loop, NULL, NULL, NULL);
    try(tocsin_watchdog, -1);
    try(tocsin_loop_name, NULL);
    try(tocsin_report, -1);
    try(tocsin_inject, between, NULL);
    try(tocsin_inject, between, NULL);
    tocsin_inject(NULL, NULL);
}

static void streams(void)
{
    try(tocsin_stream_open, "tcp", NULL, NULL, NULL);
    try(tocsin_stream_open, NULL, NULL, NULL, NULL);
    try(tocsin_rate_new, 0, 0, NULL);
    try(tocsin_rate_set, no_rate, 1, 0);
    try(tocsin_rate_free, no_rate);
    try(tocsin_stream_read, gone, NULL, NULL, NULL);
    try(tocsin_stream_write, gone, "x", 1);
    try(tocsin_stream_write_with, gone, NULL);
    try(tocsin_stream_flush, gone, NULL, NULL);
    try(tocsin_stream_pipe, gone, gone, NULL, NULL);
    try(tocsin_stream_shutdown, gone);
    try(tocsin_stream_close, gone);
    try(tocsin_stream_set, gone, NULL);
    try(tocsin_stream_get, gone, NULL);
    try(tocsin_layer_provide, NULL, NULL);
    try(tocsin_resolver_provide, NULL);
    try(tocsin_resolver_done, 1, 1, NULL, 0);
    try(tocsin_listen, "tcp:*:x", NULL, NULL, NULL);
}

static void operations(void)
{
    struct tocsin_op op;

    try(tocsin_op_new, NULL, NULL, NULL);
    try(tocsin_op_start, gone, 0, NULL);
    try(tocsin_op_wanted, gone, 0);
    try(tocsin_op_progress, gone, 0, NULL, 0);
    try(tocsin_op_complete, gone, 0, NULL);
    try(tocsin_op_status, gone);
    try(tocsin_op_free, gone);
    try(tocsin_op_next, gone, NULL);
    try(tocsin_cancel, gone);
    try(tocsin_op_deadline, gone, -2);
    try(tocsin_op_notify, gone, NULL);
    streams();
    try(tocsin_datagram_open, "udp:*", NULL, NULL, NULL);
    try(tocsin_datagram_send, gone, NULL, "x", 1);
    try(tocsin_datagram_send_with, gone, NULL);
    try(tocsin_datagram_close, gone);
    try(tocsin_datagram_get, gone, NULL);
    try(tocsin_wait, gone, -2, NULL);
    try(tocsin_then, gone, NULL, NULL);
    try(tocsin_all, NULL, 1, NULL, &op);
    try(tocsin_any, NULL, 0, NULL, &op);
    try(tocsin_timer, -1, NULL, &op);
    try(tocsin_every, -1, NULL, &op);
    try(tocsin_timer_set, gone, 0);
    try(tocsin_watch, -1, POLLIN, NULL, &op);
    try(tocsin_watch_set, gone, POLLIN);
    try(tocsin_work, NULL, NULL, NULL, &op);
    try(tocsin_work_with, NULL, NULL, NULL, NULL, &op);
    try(tocsin_pool_new, -1, 0, NULL);
    try(tocsin_pool_free, no_pool);
    try(tocsin_spawn, NULL, NULL, NULL, &op);
    try(tocsin_yield, );
    try(tocsin_refuse, "tocsin_refuse", -EIO, "it is out of tea");
}

static void sources(void)
{
    returned("tocsin_source_new", tocsin_source_new(NULL, NULL));
    try(tocsin_source_free, no_source);
    try(tocsin_source_set, no_source, NULL);
    try(tocsin_source_next, no_source, NULL);
    returned("tocsin_queue_open", tocsin_queue_open("mis..spelt", NULL, NULL));
    try(tocsin_queue_wait, no_queue, 0, NULL);
    try(tocsin_queue_fd, no_queue);
    try(tocsin_queue_close, no_queue);
    try(tocsin_queue_next, no_queue, NULL);
}

static void plugins(void)
{
    struct tocsin_leak_check *check;

    try(tocsin_owner_next, 0, NULL);
    try(tocsin_owner_limit, NULL, TOCSIN_RESOURCE_HANDLERS, 0);
    try(tocsin_owner_fault_limit, NULL, 0, 0);
    try(tocsin_plugin_load, "/nowhere/none.so", NULL);
    try(tocsin_plugin_unload, "none", NULL, NULL);
    try(tocsin_plugin_reload, "none", NULL, NULL, NULL);
    try(tocsin_plugin_next, NULL, NULL);
    try(tocsin_plugin_check, "/nowhere/none.so", NULL);
    try(tocsin_plugin_setting, NULL, 0, NULL);
    try(tocsin_plugin_setting_check, "", NULL);
    try(tocsin_plugin_unquarantine, "none");
    try(tocsin_plugin_setting, NULL, 0, NULL);
    try(tocsin_plugin_setting_check, NULL, NULL);
    try(tocsin_leak_check_begin, "/nowhere/none.so", NULL, &check);
    try(tocsin_leak_check_end, NULL, 0);
    returned("tocsin_state_save", tocsin_state_save(1, NULL, 1));
    returned("tocsin_state_restore", tocsin_state_restore(1, NULL));
}

/* Some functions have no argument that can be wrong. They are refused in the child of a fork, and
   in a handler there. */
static int on_child(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (fork() == 0) {
        try(tocsin_loop_fd, );
        try(tocsin_after_fork, );
        try(tocsin_inject_exempt, );
        _exit(0);
    }
    wait(NULL);
    return TOCSIN_NEXT;
}

static void http(void)
{
#ifdef WITH_HTTP
    try(tocsin_http_get, NULL, NULL, NULL);
    try(tocsin_http_fetch, NULL, NULL, NULL);
    try(tocsin_http_setup, &(struct tocsin_http_options){ .at_once = -1 });
#endif
}

int main(void)
{
    int run, child;

    try(tocsin_stop, 0);
    run = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.run", .doc = "Runs." });
    child = tocsin_declare(&(struct tocsin_signal_spec){ .name = "test.child", .doc = "Forks." });
    if (tocsin_loop_turn(0) < 0 || tocsin_on("test.run", on_run, NULL) < 0 ||
        tocsin_on("test.child", on_child, NULL) < 0)
        return 1;
    handlers();
    signals();
    masks();
    loops();
    operations();
    sources();
    plugins();
    http();
    tocsin_emit(run, NULL);
    tocsin_emit(child, NULL);
    return tocsin_loop_free();
}
