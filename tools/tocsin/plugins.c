/* The command "tocsin plugins": lists plugins, and says whether each plugin would load. No code of
   a plugin is run. */
#define _GNU_SOURCE /* makes the headers declare secure_getenv() */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin.h>
#include <tocsin/host.h>

#include "mem.h"
#include "print/json.h"
#include "print/plain.h"
#include "print/table.h"
#include "usage.h"

static int run(int argc, char *argv[]);

const struct command command_plugins = {
    "plugins",
    "plugins [FILE|NAME ...] [--json]",
    "Lists the plugins on the path, or those named, and whether each would load; if not, why.",
    "  --json     print one JSON array of objects\n",
    (const char *const[]){ "--json", "--help", "--version", NULL },
    run,
};

struct found {
    /* the folder of the path in which the file was found; NULL means that the command line names
       it */
    char *folder;
    char *given; /* the name or path that must be checked */
    /* a member is NULL if the note does not contain it */
    char *name, *version, *about, *licence, *needs, *file, *note, *reason;
    bool loads;
};

struct list {
    struct found *all;
    size_t count;
};

enum { TITLE_MOST = 63, VERSION_MOST = 24 }; /* the largest widths of two columns */

static void found_check(struct found *found)
{
    struct tocsin_plugin_facts facts = { .name = NULL };

    found->loads = tocsin_plugin_check(found->given, &facts) == 0;
    found->reason = *tocsin_plugin_last_error() ? must_copy(tocsin_plugin_last_error()) : NULL;
    if (!facts.name)
        return;
    found->name = must_copy(facts.name);
    found->version = must_copy(facts.version);
    found->about = must_copy(facts.about);
    found->licence = facts.licence && *facts.licence ? must_copy(facts.licence) : NULL;
    found->needs = must_copy(facts.needs);
    found->file = must_copy(facts.file);
    found->note = must_copy(facts.note);
}

static struct found *list_add(struct list *list, const char *folder, char *given)
{
    list->all = must_grow(list->all, list->count + 1, sizeof *list->all);
    list->all[list->count] = (struct found){ .folder = must_copy(folder), .given = given };
    found_check(&list->all[list->count]);
    return &list->all[list->count++];
}

/* The path */

static int is_object(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);

    return size > 3 && strcmp(entry->d_name + size - 3, ".so") == 0;
}

/* Marks a file as refused if an earlier folder of the path has a file of the same name. */
static void hide_if_late(struct list *list, struct found *late)
{
    const char *base = strrchr(late->given, '/');

    for (struct found *early = list->all; early < late && late->loads; early++)
        if (strcmp(strrchr(early->given, '/'), base) == 0) {
            late->loads = false;
            free(late->reason);
            late->reason = must_format("%s is found first", early->given);
        }
}

static void search_folder(struct list *list, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_object, alphasort);

    for (int i = 0; i < count; i++) {
        hide_if_late(list,
                     list_add(list, folder, must_format("%s/%s", folder, entries[i]->d_name)));
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void search_path(struct list *list)
{
    char *path = must_copy(secure_getenv("TOCSIN_PLUGIN_PATH")), *rest = path, *folder;

    while (rest && (folder = strsep(&rest, ":")))
        if (*folder)
            search_folder(list, folder);
    search_folder(list, TOCSIN_PLUGINDIR);
    free(path);
}

/* The table */

static const char *file_of(const struct found *found)
{
    const char *slash = strrchr(found->given, '/');

    return slash ? slash + 1 : found->given;
}

static const char *title_of(const struct found *found)
{
    return found->name ? found->name : file_of(found);
}

/* Returns true if the file and the plugin have the same name. */
static bool is_name_of_file(const struct found *found)
{
    size_t size = found->name ? strlen(found->name) : 0;

    return !found->name ||
           (strncmp(file_of(found), found->name, size) == 0 &&
            strcmp(file_of(found) + size, strchr(found->given, '/') ? ".so" : "") == 0);
}

static void print_line(const char *label, const char *text, int column, int columns)
{
    int width = printf("%*s%s", column, "", label);

    print_wrapped(text, width, columns);
}

/* Prints the settings as text, such as "to (string, required): the file …". */
static void print_settings(const char *note, int column, const struct look *look)
{
    struct tocsin_setting_facts facts;

    for (int i = 0; note && tocsin_plugin_setting(note, i, &facts) == 0; i++) {
        const char *comma = facts.required ? ", required" : facts.has_default ? ", default " : "";
        char *label = must_format("%s (%s%s%s): ", facts.name, facts.type, comma,
                                  facts.has_default ? facts.otherwise : "");
        char *line = must_format("%s%s", label, facts.about);

        print_line("", line, column, look->columns);
        free(line);
        free(label);
    }
}

static void print_one(const struct found *found, int longest, int version, const struct look *look)
{
    int column = longest + version + 14;

    fputs(look->bold, stdout);
    print_padded(title_of(found), longest);
    printf("%s  ", look->plain);
    print_padded(found->version ? found->version : "-", version);
    printf("  %-8s  ", found->loads ? "loads" : "refused");
    print_wrapped(found->about ? found->about : found->reason, column, look->columns);
    fputs(look->faint, stdout);
    if (!is_name_of_file(found))
        print_line("in ", file_of(found), column, look->columns);
    if (found->licence)
        print_line("licence ", found->licence, column, look->columns);
    if (found->needs && *found->needs)
        print_line("needs ", found->needs, column, look->columns);
    print_settings(found->note, column, look);
    fputs(look->plain, stdout);
    if (found->reason && found->about)
        print_line("", found->reason, column, look->columns);
}

static void print_head(const char *before, const char *folder)
{
    fputs(before, stdout);
    print_plain(stdout, folder, strlen(folder));
    puts(":");
}

/* Returns the new width of a column. An entry that is wider than the limit does not make the column
   wider. Such an entry shifts only the rest of its own line. */
static int wider(int width, const char *text, int most)
{
    int needed = text_width(text);

    return needed > most || needed < width ? width : needed;
}

static void print_table(const struct list *list)
{
    const struct look look = look_at_terminal();
    int longest = 6, version = 7;
    const char *folder = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->all[i];

        longest = wider(longest, title_of(found), TITLE_MOST);
        version = wider(version, found->version ? found->version : "", VERSION_MOST);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->all[i];

        if (found->folder && (!folder || strcmp(folder, found->folder) != 0))
            print_head(folder ? "\n" : "", found->folder);
        folder = found->folder;
        print_one(found, longest, version, &look);
    }
}

/* JSON */

/* Prints the settings as JSON. If the note declares no settings, prints null, since the plugin then
   accepts any setting. */
static void print_settings_json(const char *note)
{
    struct tocsin_setting_facts facts;

    if (!note || tocsin_plugin_setting(note, 0, &facts) == -ENODATA) {
        fputs("null", stdout);
        return;
    }
    putchar('[');
    for (int i = 0; tocsin_plugin_setting(note, i, &facts) == 0; i++) {
        fputs(i ? ",{" : "{", stdout);
        json_member("name", facts.name), putchar(',');
        json_member("type", facts.type), putchar(',');
        json_member("default", facts.has_default ? facts.otherwise : NULL), putchar(',');
        printf("\"required\":%s,", facts.required ? "true" : "false");
        json_member("about", facts.about), putchar('}');
    }
    putchar(']');
}

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
        json_member("file", found->file                 ? found->file
                            : strchr(found->given, '/') ? found->given
                                                        : NULL),
            putchar(',');
        fputs("\"needs\":", stdout), json_words(found->needs ? found->needs : "");
        printf(",\"loads\":%s,", found->loads ? "true" : "false");
        json_member("reason", found->reason);
        fputs(",\"settings\":", stdout), print_settings_json(found->note), putchar('}');
    }
    puts("\n]");
}

/* The command */

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
        free(found->note);
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
            list_add(&list, NULL, must_copy(argv[at++]));
    }
    if (!named)
        search_path(&list);
    for (size_t i = 0; i < list.count; i++)
        status = list.all[i].loads ? status : EXIT_BAD;
    (json ? print_json : print_table)(&list);
    if (!list.count)
        fputs("tocsin plugins: no plugin found on the path\n", stderr);
    list_free(&list);
    return printed(status);
}
