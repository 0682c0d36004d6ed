/* The command "tocsin signals": lists the declared signals, as a table or as JSON. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/host.h>
#include <tocsin/inspect.h>

#include "mem.h"
#include "print/json.h"
#include "print/plain.h"
#include "print/table.h"
#include "usage.h"

static int run(int argc, char *argv[]);

const struct command command_signals = {
    "signals",
    "signals [PATTERN] [--json] [--plugin NAME|FILE ...]",
    "Lists the signals that the library and the given plugins declare, each with its documentation "
    "and the fields of its payload.",
    "  --json     print one JSON array of objects\n"
    "  --plugin   load this plugin too, which calls its init; may be repeated\n",
    (const char *const[]){ "--json", "--plugin", "--help", "--version", NULL },
    run,
};

static const char *const kinds[] = {
    [TOCSIN_QUEUED] = "queued", [TOCSIN_COALESCE] = "coalesce", [TOCSIN_DIRECT] = "question"
};
static const char *const defaults[] = {
    [TOCSIN_IGNORE] = "ignore", [TOCSIN_STOP_LOOP] = "stop", [TOCSIN_ABORT] = "abort"
};

static const char *default_of(const struct tocsin_signal_spec *spec)
{
    return spec->unhandled_fn ? "function" : defaults[spec->unhandled];
}

/* Finds the next declared signal that matches the pattern, in alphabetical order: the first one
 * whose name comes after the text `after`. If `after` is NULL, finds the first signal. */
static bool next_by_name(const char *pattern, const char *after,
                         struct tocsin_signal_facts *ret_facts)
{
    struct tocsin_signal_facts facts;
    bool found = false;

    for (int signo = 1; tocsin_signal_get(signo, &facts) == 0; signo++)
        if (facts.spec && (!after || strcmp(facts.name, after) > 0) &&
            tocsin_match(pattern, facts.name) > 0 &&
            (!found || strcmp(facts.name, ret_facts->name) < 0)) {
            *ret_facts = facts;
            found = true;
        }
    return found;
}

static const char *fields_of(const struct tocsin_signal_facts *facts)
{
    return facts->spec->layout ? facts->spec->layout->fields : "";
}

/* The table */

/* Prints the fields "string text;u64 user;" as "string text, u64 user". No line break is made
   within a field. */
static void print_layout(const char *fields, int column, const struct look *look)
{
    char *text = must_alloc(2 * strlen(fields) + 1), *end = text;

    for (; *fields; fields++) {
        if (*fields != ';')
            *end++ = *fields == ' ' ? GLUE : *fields;
        else if (fields[1])
            *end++ = ',', *end++ = ' ';
    }
    printf("%*s%s", column, "", look->faint);
    print_wrapped(text, column, look->columns);
    fputs(look->plain, stdout);
    free(text);
}

static void print_table(const char *pattern)
{
    const struct look look = look_at_terminal();
    struct tocsin_signal_facts facts;
    int longest = 6, column;

    for (const char *last = NULL; next_by_name(pattern, last, &facts); last = facts.name)
        longest = text_width(facts.name) > longest ? text_width(facts.name) : longest;
    column = longest + 22;
    if (!next_by_name(pattern, NULL, &facts))
        return;
    printf("%-*s  %-8s  %-8s  %s\n", longest, "signal", "kind", "default",
           "documentation and payload");
    for (const char *last = NULL; next_by_name(pattern, last, &facts); last = facts.name) {
        printf("%s%-*s%s  %-8s  %-8s  ", look.bold, longest, facts.name, look.plain,
               kinds[facts.spec->kind], default_of(facts.spec));
        print_wrapped(facts.spec->doc ? facts.spec->doc : "", column, look.columns);
        if (*fields_of(&facts))
            print_layout(fields_of(&facts), column, &look);
    }
}

/* JSON */

static void print_fields_json(const char *fields)
{
    const char *comma = "";

    putchar('[');
    while (*fields) {
        int type = (int)strcspn(fields, " "), name = (int)strcspn(fields + type + 1, ";");

        printf("%s{\"type\":\"%.*s\",\"name\":\"%.*s\"}", comma, type, fields, name,
               fields + type + 1);
        fields += type + 1 + name + 1;
        comma = ",";
    }
    putchar(']');
}

static void print_json(const char *pattern)
{
    struct tocsin_signal_facts facts;
    const char *comma = "";

    putchar('[');
    for (const char *last = NULL; next_by_name(pattern, last, &facts); last = facts.name) {
        printf("%s\n{", comma);
        json_member("name", facts.name), putchar(',');
        json_member("doc", facts.spec->doc), putchar(',');
        json_member("owner", facts.owner), putchar(',');
        json_member("kind", kinds[facts.spec->kind]), putchar(',');
        json_member("default", default_of(facts.spec));
        printf(",\"rank\":%d,\"limit\":%zu,\"limit_bytes\":%zu,\"fields\":", facts.spec->rank,
               facts.spec->limit, facts.spec->limit_bytes);
        print_fields_json(fields_of(&facts));
        putchar('}');
        comma = ",";
    }
    puts("\n]");
}

/* The command */

/* Loads a plugin. The output of its init goes to the standard error, since that output is not part
   of the list. */
static int load_aside(const char *name)
{
    int out = dup(STDOUT_FILENO), err;

    fflush(stdout);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    err = tocsin_plugin_load(name, NULL);
    fflush(stdout);
    if (out >= 0) {
        dup2(out, STDOUT_FILENO);
        close(out);
    }
    return err;
}

static bool load(const char *name)
{
    int err = load_aside(name);

    if (err < 0 && err != -EEXIST)
        complain("tocsin signals: %s", tocsin_plugin_last_error());
    return err >= 0 || err == -EEXIST;
}

/* Loads libtocsin-net, which declares its signals when it is loaded. If it is not installed, the
   list does not contain these signals. */
static void load_net(void)
{
    if (!dlopen("libtocsin-net.so.0", RTLD_NOW))
        dlerror();
}

static int run(int argc, char *argv[])
{
    const char *pattern = NULL, *option;
    bool json = false, good = true;
    struct tocsin_signal_facts facts;
    int at = 0;

    load_net();
    while (at < argc) {
        if (!(option = option_take(&command_signals, &at, argc, argv))) {
            if (at < argc && pattern)
                misused(&command_signals, "only one PATTERN is allowed: remove '%s'", argv[at]);
            if (at < argc)
                pattern = argv[at++];
        } else if (strcmp(option, "--json") == 0) {
            json = true;
        } else {
            good &= load(option_value(&command_signals, option, &at, argc, argv));
        }
    }
    if (pattern && (!*pattern || tocsin_match(pattern, "a") < 0))
        misused(&command_signals, "'%s' is not a valid pattern of signals", pattern);
    if (!good)
        return EXIT_BAD;
    (json ? print_json : print_table)(pattern ? pattern : "**");
    if (pattern && !next_by_name(pattern, NULL, &facts)) {
        complain("tocsin signals: no signal matches %s", pattern);
        good = false;
    }
    return printed(good ? EXIT_FINE : EXIT_BAD);
}
