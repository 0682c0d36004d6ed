#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin.h>
#include <tocsin/inspect.h>

#include "actions.h"
#include "catalogue.h"
#include "mem.h"
#include "usage.h"

struct declaration { /* a line of a plugin's note that declares a signal */
    const char *name, *fields, *plugin;
    int line;
    size_t number;
};
struct noted {
    char *plugin, *note;
};

struct catalogue {
    struct noted *notes;
    size_t notes_count;
    /* the list of declarations, which catalogue_check() sorts by name */
    struct declaration *entries;
    size_t entries_count;
    bool brings; /* true if a plugin also loads libraries, which may declare more signals */
};

struct catalogue *catalogue_new(void)
{
    return must_alloc(sizeof(struct catalogue));
}

void catalogue_free(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->notes_count; i++) {
        free(catalogue->notes[i].plugin);
        free(catalogue->notes[i].note);
    }
    free(catalogue->notes);
    free(catalogue->entries);
    free(catalogue);
}

/* Splits a line such as "emits NAME FIELDS" or "consumes NAME FIELDS", and adds it. */
static void line_add(struct catalogue *catalogue, char *text, const char *plugin, int line)
{
    size_t key = strncmp(text, "emits ", 6) == 0 ? 6 : strncmp(text, "consumes ", 9) == 0 ? 9 : 0;
    char *fields = key ? strchr(text + key, ' ') : NULL;

    if (!fields)
        return;
    *fields++ = '\0';
    if ((catalogue->entries_count & (catalogue->entries_count - 1)) == 0)
        catalogue->entries = must_grow(catalogue->entries, 2 * catalogue->entries_count + 1,
                                       sizeof *catalogue->entries);
    catalogue->entries[catalogue->entries_count] =
        (struct declaration){ text + key, fields, plugin, line, catalogue->entries_count };
    catalogue->entries_count++;
}

void catalogue_add(struct catalogue *catalogue, const struct tocsin_plugin_facts *facts, int line)
{
    struct noted *noted;
    char *rest, *text;

    for (size_t i = 0; i < catalogue->notes_count; i++)
        if (strcmp(catalogue->notes[i].plugin, facts->name) == 0)
            return;
    if ((catalogue->notes_count & (catalogue->notes_count - 1)) == 0)
        catalogue->notes = must_grow(catalogue->notes, 2 * catalogue->notes_count + 1,
                                     sizeof *catalogue->notes);
    noted = &catalogue->notes[catalogue->notes_count++];
    *noted = (struct noted){ must_copy(facts->name), must_copy(facts->note) };
    catalogue->brings |= *facts->brings;
    for (rest = noted->note; (text = strsep(&rest, "\n"));)
        line_add(catalogue, text, noted->plugin, line);
}

static int compare_names(const void *one, const void *other)
{
    const struct declaration *a = one, *b = other;
    int order = strcmp(a->name, b->name);

    return order ? order : a->number < b->number ? -1 : a->number > b->number;
}

void catalogue_check(struct catalogue *catalogue, struct config *config)
{
    const struct declaration *first = catalogue->entries;

    if (!catalogue->entries_count)
        return;
    qsort(catalogue->entries, catalogue->entries_count, sizeof *catalogue->entries, compare_names);
    for (size_t i = 1; i < catalogue->entries_count; i++) {
        const struct declaration *entry = &catalogue->entries[i];

        if (strcmp(entry->name, first->name) != 0)
            first = entry;
        else if (strcmp(entry->fields, first->fields) != 0 &&
                 strcmp(entry->plugin, first->plugin) != 0)
            config_wrong(config, entry->line,
                         "plugin %s gives %s the payload \"%s\", but plugin %s gives it \"%s\"",
                         entry->plugin, entry->name, entry->fields, first->plugin, first->fields);
    }
}

/* Functions that check the names in the section [actions] */

static bool is_known(const struct catalogue *catalogue, const char *name)
{
    const struct declaration wanted = { .name = name };
    struct tocsin_signal_facts facts;
    int signo = tocsin_find(name);
    size_t low = 0, high = catalogue->entries_count;

    for (size_t i = 0; host_signal(i); i++)
        if (strcmp(host_signal(i), name) == 0)
            return true;
    if (signo > 0 && tocsin_signal_get(signo, &facts) == 0 && facts.spec)
        return true;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(catalogue->entries[middle].name, wanted.name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < catalogue->entries_count && strcmp(catalogue->entries[low].name, name) == 0;
}

/* Returns the most similar name among the signals of the plugins and the host. Returns NULL if no
   name is similar. */
static const char *name_nearest(const struct catalogue *catalogue, const char *name)
{
    size_t count = catalogue->entries_count, own = 0;
    const char **names, *near;

    while (host_signal(own))
        own++;
    names = must_alloc((count + own + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = catalogue->entries[i].name;
    for (size_t i = 0; i < own; i++)
        names[count + i] = host_signal(i);
    near = meant(name, names);
    free(names);
    return near;
}

static void name_check(const struct catalogue *catalogue, struct config *config, int line,
                       const char *name, bool strict)
{
    const char *near;
    char *text;

    if (!*name || *name == '!' || strchr(name, '*') || is_known(catalogue, name))
        return;
    near = name_nearest(catalogue, name);
    text = near ? must_format("nothing declares '%s': did you mean '%s'?", name, near)
                : must_format("nothing declares '%s'", name);
    if (strict && !catalogue->brings)
        config_wrong(config, line, "%s", text);
    else
        config_doubt(config, line, "%s", text);
    free(text);
}

void catalogue_actions(const struct catalogue *catalogue, struct config *config, bool strict)
{
    const struct section *section = config_section(config, SECTION_ACTIONS, "");

    for (size_t i = 0; section && i < section->count; i++) {
        char *pattern = must_copy(section->entries[i].key), *rest = pattern, *name;

        while ((name = strsep(&rest, ","))) {
            name += strspn(name, " \t");
            name[strcspn(name, " \t")] = '\0';
            name_check(catalogue, config, section->entries[i].line, name, strict);
        }
        free(pattern);
    }
}
