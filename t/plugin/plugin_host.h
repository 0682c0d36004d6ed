/* Helpers for tests that load plugins. They define the struct of t/plugin/objects/host.h, and wait
   until loads and unloads have ended. */
#ifndef TOCSIN_T_PLUGIN_PLUGIN_HOST_H
#define TOCSIN_T_PLUGIN_PLUGIN_HOST_H

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <tocsin/host.h>
#include <tocsin/owner.h>

#include "plugin/transition.h"

#include "objects/host.h"
#include "command_threads.h"

struct host host;
static int called_signo, asks_signo;

#define PATH_OF(name) OBJECTS "/" name ".so"
#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int declare_signal(const char *name, const struct tocsin_layout *layout,
                          enum tocsin_kind kind)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = name, .doc = "Of a test.", .layout = layout, .kind = kind });

    ck_assert_int_gt(signo, 0);
    return signo;
}

/* Prepares the test. A sanitizer creates a thread of its own when the program creates its first
   thread. So a first thread is created here, before a plugin is loaded. */
TOCSIN__UNUSED static void host_begin(void)
{
    struct peer first;

    peer_begin(&first);
    peer_leaves(&first);
    setenv("TOCSIN_PLUGIN_PATH", OBJECTS, 1);
    called_signo = declare_signal("host.called", &host_called_layout, TOCSIN_QUEUED);
    asks_signo = declare_signal("host.asks", NULL, TOCSIN_DIRECT);
}

/* Returns how many copies of plugin files are mapped into this process. */
static int mapped_lines(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[PATH_MAX + 128];
    int count = 0;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps))
        count += strstr(line, "/memfd:tocsin:") != NULL;
    fclose(maps);
    return count;
}

TOCSIN__UNUSED static void loads(const char *name, const char *const *settings)
{
    int err = tocsin_plugin_load(name, settings);

    ck_assert_msg(err == 0, "%s: %d: %s", name, err, tocsin_plugin_last_error());
    ck_assert_str_eq(tocsin_plugin_last_error(), "");
}

TOCSIN__UNUSED static void refused(const char *name, const char *const *settings, int err,
                                   const char *why)
{
    int answer = tocsin_plugin_load(name, settings);

    ck_assert_msg(answer == err && strstr(tocsin_plugin_last_error(), why),
                  "%s: %d: '%s' instead of %d: '%s'", name, answer, tocsin_plugin_last_error(), err,
                  why);
}

TOCSIN__UNUSED static bool is_loaded(const char *name)
{
    struct tocsin_plugin_facts facts;
    const char *after = NULL;

    for (; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        if (strcmp(facts.name, name) == 0)
            return true;
    return false;
}

TOCSIN__UNUSED static int state_of(const char *name)
{
    struct tocsin_plugin_facts facts;
    const char *after = NULL;

    for (; tocsin_plugin_next(after, &facts) == 0; after = facts.name)
        if (strcmp(facts.name, name) == 0)
            return (int)facts.state;
    return -1;
}

TOCSIN__UNUSED static uint64_t holds(const char *name, enum tocsin_resource what)
{
    struct tocsin_owner_facts facts = { .id = 0 };

    while (tocsin_owner_next(facts.id, &facts) == 0)
        if (strcmp(facts.name, name) == 0)
            return facts.held[what];
    return 0;
}

/* Copies the next version of a plugin into a folder of the test. So the file of the plugin
   changes. */
static char folder[256], path[400];

TOCSIN__UNUSED static void put(const char *object, const char *as)
{
    char command[1024];

    if (!*folder) {
        snprintf(folder, sizeof folder, "%s/tocsin.XXXXXX",
                 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/%s.so", folder, as);
    }
    snprintf(command, sizeof command, "cp %s/%s.so %s", OBJECTS, object, path);
    ck_assert_int_eq(system(command), 0);
}

TOCSIN__UNUSED static void put_end(void)
{
    unlink(path);
    rmdir(folder);
}

/* The result of an unload or a reload, as its completion has announced it. */
struct gone {
    int count, status;
    bool mapped;
    char reason[512], version[64];
};

TOCSIN__UNUSED static int on_gone(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_plugin_unloaded *unloaded = tocsin_plugin_unloaded_of(info);
    const struct tocsin_plugin_reloaded *reloaded = tocsin_plugin_reloaded_of(info);
    struct gone *gone = arg;

    gone->count++;
    gone->status = info->status;
    gone->mapped = unloaded ? unloaded->mapped : reloaded->mapped;
    snprintf(gone->reason, sizeof gone->reason, "%s",
             unloaded ? unloaded->reason : reloaded->reason);
    snprintf(gone->version, sizeof gone->version, "%s", reloaded ? reloaded->version : "");
    return TOCSIN_NEXT;
}

TOCSIN__UNUSED static void gone_with(const struct gone *gone, int status, const char *why)
{
    turns_until(&gone->count, 1);
    ck_assert_msg(gone->status == status && strstr(gone->reason, why),
                  "%d: '%s' instead of %d: '%s'", gone->status, gone->reason, status, why);
}

/* Writes what the unload or the reload of the plugin waits for. */
static void transition_describe(const char *name, char *text, size_t size)
{
    const struct tocsin__plugin *plugin;

    *text = 0;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_named(name);
    if (plugin && plugin->transition)
        tocsin__transition_describe(plugin->transition, text, size);
    pthread_mutex_unlock(&tocsin__plugins_lock);
}

/* Runs turns until the unload or the reload of the plugin waits for `what`, and ten turns do not
   change this. Only then the deadline passes, so a slow machine does not change the reason. */
TOCSIN__UNUSED static void times_out(const char *name, struct tocsin_op op,
                                     const struct gone *gone, const char *what)
{
    char text[512], before[512] = "";

    for (int same = 0; same < 10; same++) {
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
        ck_assert_msg(gone->count == 0, "%s: %d: %s", name, gone->status, gone->reason);
        transition_describe(name, text, sizeof text);
        if (!strstr(text, what) || strcmp(text, before) != 0)
            same = 0;
        strcpy(before, text);
    }
    ck_assert_int_eq(tocsin_op_deadline(op, 0), 0);
    gone_with(gone, -EBUSY, what);
}

TOCSIN__UNUSED static struct tocsin_op unloads(const char *name, struct gone *gone)
{
    struct tocsin_op op;
    int err = tocsin_plugin_unload(name, TOCSIN_CALL(on_gone, gone), &op);

    ck_assert_msg(err == 0, "%s: %d: %s", name, err, tocsin_plugin_last_error());
    return op;
}

/* Unloads the plugin, and checks that nothing of the plugin is left. */
TOCSIN__UNUSED static void unloaded(const char *name)
{
    struct gone gone = { .count = 0 };

    unloads(name, &gone);
    gone_with(&gone, 0, "");
    ck_assert(!gone.mapped);
    ck_assert(!is_loaded(name));
}

TOCSIN__UNUSED static void emits(uint64_t number)
{
    ck_assert_int_ge(tocsin_emit(called_signo, TOCSIN_PAYLOAD(host_called, .number = number)), 0);
}

TOCSIN__UNUSED static void turns_until_mapped(int lines)
{
    while (mapped_lines() != lines)
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
}

#endif
