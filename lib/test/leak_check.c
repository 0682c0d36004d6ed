/* The leak check loads and unloads a plugin between two snapshots of the process, and compares the
   snapshots. Then it does the same a second time. */
#define _GNU_SOURCE /* makes the headers declare pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/leak_check.h>
#include <tocsin/plugin.h>
#include <tocsin/provider.h>
#include <tocsin/host.h>

#include "test/mem.h"
#include "test/process.h"

enum { NAME_SIZE = 64 };
/* A thread that was joined is listed in /proc for a short time longer. So a difference is compared
   several times. */
enum { COMPARISONS_MAX = 25, PAUSE_MS = 10 };

struct tocsin_leak_check {
    struct tocsin__snapshot before;
    char *name, **settings;
    char unloading[NAME_SIZE]; /* the plugin that is being unloaded */
    /* plugin.unloaded was delivered for this plugin; the following members are its values */
    bool is_unloaded;
    int status;
    char held_by[256];
};

/* The error text of the thread. This library is linked with a test program and is not loaded later,
 * so it may use static TLS. */
static __thread char error_text[512];

static struct tocsin__sentence error_sentence(void)
{
    return (struct tocsin__sentence){ error_text, sizeof error_text };
}

const char *tocsin_leak_check_last_error(void)
{
    return error_text;
}

static int error_return(const char *function, int err)
{
    struct tocsin__sentence sentence = error_sentence();

    if (err == 0)
        error_text[0] = '\0';
    else if (!error_text[0])
        tocsin__sentence_set(&sentence, "%s", tocsin_strerror(err));
    return tocsin_refuse(function, err, error_text);
}

/* The settings */

static void settings_free(char **settings)
{
    for (char **setting = settings; setting && *setting; setting++)
        tocsin__test_release(*setting);
    tocsin__test_release(settings);
}

static int settings_copy(const char *const *settings, char ***ret_copy)
{
    size_t count = 0;
    char **copy;

    while (settings && settings[count])
        count++;
    copy = tocsin__test_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = tocsin__test_copy_text(settings[i]))) {
            settings_free(copy);
            copy = NULL;
        }
    *ret_copy = copy;
    return copy ? 0 : -ENOMEM;
}

/* Begin */

/* Opens the descriptors that a loop opens when it first needs them, by starting a watch and
 * cancelling it. So the first snapshot contains these descriptors, and they are not taken for a
 * leak of the plugin. */
static int loop_open(void)
{
    const struct tocsin_notify notify = { .mode = TOCSIN_BACKGROUND | TOCSIN_NO_INJECT };
    struct tocsin_op watch;
    int fds[2], err = tocsin_loop_turn(0);

    if (err < 0)
        return err;
    if (tocsin__fault() ? (errno = EMFILE, true) : pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    err = tocsin_watch(fds[0], 0, &notify, &watch);
    if (err == 0)
        tocsin_cancel(watch);
    while (err >= 0 && tocsin_op_status(watch) == -EINPROGRESS)
        err = tocsin_loop_turn(0);
    close(fds[0]);
    close(fds[1]);
    return err < 0 ? err : 0;
}

static void check_free(struct tocsin_leak_check *check)
{
    tocsin__snapshot_free(&check->before);
    settings_free(check->settings);
    tocsin__test_release(check->name);
    tocsin__test_release(check);
}

static int plugin_load(const struct tocsin_leak_check *check, const char *when)
{
    const struct tocsin__sentence sentence = error_sentence();
    int err = tocsin_plugin_load(check->name, (const char *const *)check->settings);

    if (err < 0)
        tocsin__sentence_set(&sentence, "%s%s", when, tocsin_plugin_last_error());
    return err;
}

static int check_begin(struct tocsin_leak_check *check, const char *name,
                       const char *const *settings)
{
    int err = settings_copy(settings, &check->settings);

    if (err == 0)
        check->name = tocsin__test_copy_text(name);
    if (err == 0)
        err = check->name ? loop_open() : -ENOMEM;
    if (err == 0)
        err = tocsin__snapshot_take(&check->before);
    return err == 0 ? plugin_load(check, "") : err;
}

int tocsin_leak_check_begin(const char *name, const char *const *settings,
                            struct tocsin_leak_check **ret_check)
{
    struct tocsin_leak_check *check;
    int err;

    error_text[0] = '\0';
    if (!name || !ret_check)
        return error_return(__func__, -EINVAL);
    check = tocsin__test_alloc(sizeof *check);
    err = check ? check_begin(check, name, settings) : -ENOMEM;
    if (err == 0)
        *ret_check = check;
    else if (check)
        check_free(check);
    return error_return(__func__, err);
}

/* Unload */

static int on_unloaded(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_plugin_unloaded *unloaded = tocsin_plugin_unloaded_of(info);
    struct tocsin_leak_check *check = arg;

    if (!unloaded || strcmp(unloaded->name, check->unloading) != 0)
        return TOCSIN_NEXT;
    check->is_unloaded = true;
    check->status = info->status;
    snprintf(check->held_by, sizeof check->held_by, "%s", unloaded->reason);
    return TOCSIN_NEXT;
}

/* Finds the plugin that was loaded last since the check began. */
static bool newest_find(struct tocsin_leak_check *check)
{
    struct tocsin_plugin_facts facts;
    char line[NAME_SIZE + 16];
    bool found = false;

    for (const char *after = NULL; tocsin_plugin_next(after, &facts) == 0; after = facts.name) {
        snprintf(line, sizeof line, "plugin %s", facts.name);
        if (tocsin__snapshot_has(&check->before, line))
            continue;
        snprintf(check->unloading, sizeof check->unloading, "%s", facts.name);
        found = true;
    }
    return found;
}

/* Unloads a plugin. The test may have begun an unload or a reload itself (-EALREADY). Then this
   function waits for a while, and the caller tries again if the plugin is still loaded. */
static int plugin_unload(struct tocsin_leak_check *check, int64_t timeout_ms)
{
    const struct tocsin_notify notify = { .mode = TOCSIN_NO_INJECT };
    struct tocsin_op op;
    int err = tocsin_plugin_unload(check->unloading, &notify, &op), limited = 0;

    if (err < 0)
        return err == -EALREADY ? tocsin_loop_turn(PAUSE_MS) : err;
    if (timeout_ms >= 0)
        limited = tocsin_op_deadline(op, timeout_ms);
    if (limited == -ENOMEM)
        /* cancels the operation: without the deadline, the wait might never end */
        tocsin_cancel(op);
    check->is_unloaded = false;
    do
        err = tocsin_loop_turn(-1);
    while (!check->is_unloaded && (err >= 0 || err == -ENOMEM));
    if (limited == -ENOMEM)
        return limited;
    return check->is_unloaded ? check->status : err;
}

static int plugins_unload(struct tocsin_leak_check *check, int64_t timeout_ms)
{
    const struct tocsin_action action = { .fn = on_unloaded, .arg = check };
    struct tocsin_handler handler;
    int err = tocsin_observe("plugin.unloaded", &action, &handler);

    while (err >= 0 && newest_find(check))
        err = plugin_unload(check, timeout_ms);
    tocsin_disconnect(handler);
    return err < 0 ? err : 0;
}

/* Compare */

static int process_compare(const struct tocsin_leak_check *check,
                           const struct tocsin__sentence *sentence)
{
    size_t length = strlen(sentence->text);
    struct tocsin__snapshot after;
    bool differs = true;

    for (int i = 0; differs && i < COMPARISONS_MAX; i++) {
        int err;

        poll(NULL, 0, i ? PAUSE_MS : 0);
        err = tocsin_loop_turn(0);
        if (err >= 0)
            err = tocsin__snapshot_take(&after);
        if (err < 0)
            return err;
        sentence->text[length] = '\0';
        differs = tocsin__snapshot_differs(&check->before, &after, sentence);
        tocsin__snapshot_free(&after);
    }
    return differs ? -ENOTEMPTY : 0;
}

/* Unloads the plugins that were loaded, and compares the process. `when` is the text that follows
   the plugin's name in the error text. */
static int life_end(struct tocsin_leak_check *check, int64_t timeout_ms, const char *when)
{
    const struct tocsin__sentence sentence = error_sentence();
    int err = plugins_unload(check, timeout_ms), compared;

    if (err < 0 && err != -EBUSY) {
        tocsin__sentence_set(&sentence, "%s%s: %s", check->name, when, tocsin_strerror(err));
        return err;
    }
    tocsin__sentence_set(&sentence, "%s%s ", check->name, when);
    if (err == -EBUSY)
        tocsin__sentence_add(&sentence, "cannot be unloaded: %s: %s; ", check->unloading,
                             check->held_by);
    compared = process_compare(check, &sentence);
    if (compared < 0 && compared != -ENOTEMPTY)
        tocsin__sentence_set(&sentence, "%s%s cannot be checked: %s", check->name, when,
                             tocsin_strerror(compared));
    return err < 0 ? err : compared;
}

static int lives_end(struct tocsin_leak_check *check, int64_t timeout_ms)
{
    /* tocsin_loop_turn fails if no turn can run, for example in a handler */
    int err = tocsin_loop_turn(0);

    if (err >= 0)
        err = life_end(check, timeout_ms, "");
    if (err == 0)
        err = plugin_load(check, "loading it a second time: ");
    if (err == 0)
        err = life_end(check, timeout_ms, ", loaded a second time,");
    return err;
}

int tocsin_leak_check_end(struct tocsin_leak_check *check, int64_t timeout_ms)
{
    int err = -EINVAL;

    error_text[0] = '\0';
    if (check && timeout_ms >= -1)
        err = lives_end(check, timeout_ms);
    if (check)
        check_free(check);
    return error_return(__func__, err);
}
