/* A host that emits the lines of a chat, and plugins that handle these lines. One plugin is
   reloaded while the chat continues, and one plugin is faulty. */
#include <stdlib.h>
#include <tocsin/host.h>
#include <tocsin/owner.h>
#include <tocsin/inspect.h>

#include "chat.h"

static const struct {
    const char *who, *text;
} lines[] = {
    { "ann", "good morning" },        { "bob", "the build is green" },
    { "ann", "then let us ship it" }, { "bob", "only a fool ships on monday" },
    { "ann", "so, tomorrow" },        { "bob", "after the tests" },
    { "ann", "and after lunch" },     { "bob", "see you" },
};
enum { LINES = sizeof lines / sizeof *lines };
static int said, may_say;

static void say(const char *who, const char *text)
{
    const struct tocsin_payload *line = TOCSIN_PAYLOAD(chat_line, .who = who, .text = text);
    struct tocsin_handler_facts facts;
    struct tocsin_handler by;

    printf("%s: %s\n", who, text);
    if (tocsin_ask(may_say, line, &by) == 0)
        tocsin_emit(said, line);
    else if (tocsin_handler_get(by, &facts) == 0)
        printf("  host    | not said: %s refuses it\n", facts.owner);
}

static int on_reloaded(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_plugin_reloaded *what = tocsin_plugin_reloaded_of(info);

    (void)arg;
    printf("  host    | %s %s reloaded: %s\n", what->name, what->version,
           info->status < 0 ? what->reason : tocsin_strerror(info->status));
    return TOCSIN_NEXT;
}

static int on_quarantined(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_plugin_quarantined *what = tocsin_plugin_quarantined_of(info);

    (void)arg;
    printf("  host    | %s is no longer called: %s (%llu times)\n", what->owner, what->reason,
           (unsigned long long)what->count);
    return TOCSIN_NEXT;
}

static int on_tick(const struct tocsin_info *info, void *arg)
{
    static int line;

    (void)info, (void)arg;
    if (line == LINES)
        return tocsin_drain(-1);
    say(lines[line].who, lines[line].text);
    if (++line == 3)
        /* the chat continues while the plugin is reloaded */
        return tocsin_plugin_reload("count", NULL, NULL, NULL);
    return TOCSIN_NEXT;
}

static int load(const char *name)
{
    int err = tocsin_plugin_load(name, NULL);

    if (err < 0)
        fprintf(stderr, "plugins: %s\n", tocsin_plugin_last_error());
    return err;
}

static int unload(const char *name)
{
    struct tocsin_op op;

    tocsin_plugin_unload(name, TOCSIN_FUTURE, &op);
    return tocsin_wait(op, -1, NULL);
}

static int help(const char *program)
{
    printf("Usage: %s\n"
           "A host emits the lines of a chat for three plugins. One counts the words, and is "
           "reloaded\n"
           "meanwhile; one refuses some lines; one fails until it is put into quarantine.\n\n"
           "  -h, --help            print this help\n\n"
           "TOCSIN_PLUGIN_PATH names the folder of the plugins.\n",
           program);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")))
        return help("plugins");
    if (argc > 1)
        return fprintf(stderr, "plugins: unexpected argument '%s' (plugins --help)\n", argv[1]), 2;
    setenv("TOCSIN_PLUGIN_PATH", PLUGINS, 0);
    said = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "chat.said", .doc = "A line of the chat.", .layout = &chat_line_layout });
    may_say = tocsin_declare(&(struct tocsin_signal_spec){ .name = "chat.may_say",
                                                           .doc = "May this line be said?",
                                                           .layout = &chat_line_layout,
                                                           .kind = TOCSIN_DIRECT });
    if (load("count") < 0 || load("polite") < 0 || load("faulty") < 0)
        return 1;
    tocsin_owner_fault_limit("faulty", 3, 0);
    tocsin_on("plugin.quarantined", on_quarantined, NULL);
    tocsin_on("plugin.reloaded", on_reloaded, NULL);
    if (tocsin_every(100, TOCSIN_EACH(on_tick), NULL) < 0 || tocsin_run() < 0)
        return 1;
    return unload("faulty") < 0 || unload("polite") < 0 || unload("count") < 0 ||
           tocsin_loop_free() != 0;
}
