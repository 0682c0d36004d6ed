/* tocsin plugins: what is on the path, and whether it would be loaded. Nothing of it is run. */
#define _GNU_SOURCE                                    /* secure_getenv */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin.h>

#include "json.h"
#include "mem.h"
#include "table.h"
#include "usage.h"

static int run(int argc, char *argv[]);

const struct command command_plugins = {
    "plugins", "plugins [FILE|NAME ...] [--json]",
    "Says of each plugin on the path, or of those that are named, who it is, and whether it would be loaded; if not, why.",
    "  --json     one array of objects\n",
    (const char *const []){ "--json", "--help", "--version", NULL }, run,
};

struct found {
    char *folder;                                      /* where it was looked for; NULL: it was named */
    char *given;                                       /* what is asked about */
    char *name, *version, *about, *licence, *needs, *file, *reason;    /* NULL: it does not say */
    bool loads;
};

struct list { struct found *all; size_t count; };

static void ask(struct found *found)
{
    struct tocsin_plugin_facts facts = { .name = NULL };

    found->loads = tocsin_plugin_check(found->given, &facts) == 0;
    found->reason = found->loads ? NULL : must_copy(tocsin_plugin_reason());
    if (!facts.name)
        return;
    found->name = must_copy(facts.name);
    found->version = must_copy(facts.version);
    found->about = must_copy(facts.about);
    found->licence = facts.licence && *facts.licence ? must_copy(facts.licence) : NULL;
    found->needs = must_copy(facts.needs);
    found->file = must_copy(facts.file);
}

static struct found *add(struct list *list, const char *folder, char *given)
{
    list->all = must_grow(list->all, list->count + 1, sizeof *list->all);
    list->all[list->count] = (struct found){ .folder = must_copy(folder), .given = given };
    ask(&list->all[list->count]);
    return &list->all[list->count++];
}

/* The path */

static int is_object(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);

    return size > 3 && strcmp(entry->d_name + size - 3, ".so") == 0;
}

/* The first of a name on the path is the one that is found by it. */
static void hide(struct list *list, struct found *late)
{
    const char *base = strrchr(late->given, '/');

    for (struct found *early = list->all; early < late && late->loads; early++)
        if (strcmp(strrchr(early->given, '/'), base) == 0) {
            late->loads = false;
            late->reason = must_format("%s comes before it", early->given);
        }
}

static void look_into(struct list *list, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_object, alphasort);

    for (int i = 0; i < count; i++) {
        hide(list, add(list, folder, must_format("%s/%s", folder, entries[i]->d_name)));
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void look_everywhere(struct list *list)
{
    char *path = must_copy(secure_getenv("TOCSIN_PLUGIN_PATH")), *rest = path, *folder;

    while (rest && (folder = strsep(&rest, ":")))
        if (*folder)
            look_into(list, folder);
    look_into(list, TOCSIN_PLUGINDIR);
    free(path);
}

/* ---- the table ---- */

static const char *file_of(const struct found *found)
{
    const char *slash = strrchr(found->given, '/');

    return slash ? slash + 1 : found->given;
}

static const char *title_of(const struct found *found)
{
    return found->name ? found->name : file_of(found);
}

/* By its file's name it is asked for; by its own it is known. */
static bool is_called_so(const struct found *found)
{
    size_t size = found->name ? strlen(found->name) : 0;

    return !found->name || (strncmp(file_of(found), found->name, size) == 0 && strcmp(file_of(found) + size, strchr(found->given, '/') ? ".so" : "") == 0);
}

static void print_line(const char *label, const char *text, int column, int columns)
{
    int width = printf("%*s%s", column, "", label);

    print_wrapped(text, width, columns);
}

static void print_one(const struct found *found, int longest, int version, const struct look *look)
{
    int column = longest + version + 14;

    fputs(look->bold, stdout);
    print_padded(title_of(found), longest);
    printf("%s  ", look->plain);
    print_padded(found->version ? found->version : "-", version);
    printf("  %-8s  ", found->loads ? "loads" : "does not");
    print_wrapped(found->about ? found->about : found->reason, column, look->columns);
    fputs(look->faint, stdout);
    if (!is_called_so(found))
        print_line("in ", file_of(found), column, look->columns);
    if (found->licence)
        print_line("licence ", found->licence, column, look->columns);
    if (found->needs && *found->needs)
        print_line("needs ", found->needs, column, look->columns);
    fputs(look->plain, stdout);
    if (found->reason && found->about)
        print_line("", found->reason, column, look->columns);
}

static void print_table(const struct list *list)
{
    const struct look look = look_at_terminal();
    int longest = 6, version = 7;
    const char *folder = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->all[i];

        longest = text_width(title_of(found)) > longest ? text_width(title_of(found)) : longest;
        version = found->version && text_width(found->version) > version ? text_width(found->version) : version;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->all[i];

        if (found->folder && (!folder || strcmp(folder, found->folder) != 0))
            printf("%s%s:\n", folder ? "\n" : "", found->folder);
        folder = found->folder;
        print_one(found, longest, version, &look);
    }
}

/* ---- JSON ---- */

static void print_json(const struct list *list)
{
    putchar('[');
    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->all[i];

        printf("%s\n{", i ? "," : "");
        json_member("name", found->name), putchar(',');
        json_member("version", found->version), putchar(',');
        json_member("about", found->about), putchar(',');
        json_member("licence", found->licence), putchar(',');
        json_member("file", found->file ? found->file : strchr(found->given, '/') ? found->given : NULL), putchar(',');
        fputs("\"needs\":", stdout), json_words(found->needs ? found->needs : "");
        printf(",\"loads\":%s,", found->loads ? "true" : "false");
        json_member("reason", found->reason), putchar('}');
    }
    puts("\n]");
}

/* ---- */

static void list_free(struct list *list)
{
    for (struct found *found = list->all; found < list->all + list->count; found++) {
        free(found->folder);
        free(found->given);
        free(found->name);
        free(found->version);
        free(found->about);
        free(found->licence);
        free(found->needs);
        free(found->file);
        free(found->reason);
    }
    free(list->all);
}

static int run(int argc, char *argv[])
{
    struct list list = { NULL, 0 };
    bool json = false, named = false;
    const char *option;
    int at = 0, status = EXIT_FINE;

    while (at < argc) {
        if ((option = option_take(&command_plugins, &at, argc, argv)))
            json = true;
        else if (at < argc && (named = true))
            add(&list, NULL, must_copy(argv[at++]));
    }
    if (!named)
        look_everywhere(&list);
    for (size_t i = 0; i < list.count; i++)
        status = list.all[i].loads ? status : EXIT_BAD;
    (json ? print_json : print_table)(&list);
    if (!list.count)
        fputs("tocsin plugins: there is none on the path\n", stderr);
    list_free(&list);
    return printed(status);
}
