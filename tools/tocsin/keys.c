#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/owner.h>
#include <tocsin/signal.h>

#include "config.h"
#include "keys.h"
#include "mem.h"
#include "usage.h"

static const char *const actions[] = { "print", "ignore", "drain", "stop", NULL };
static const char *words[LIMITS + 1];                      /* of limits, NULL at the end */
static const char *const settings[] = { "path", "drain_ms", "tick_ms", "watchdog_ms", NULL };

static int place_of(const char *word, const char *const *known)
{
    for (int i = 0; known[i]; i++)
        if (strcmp(known[i], word) == 0)
            return i;
    return -1;
}

int action_of(const char *word)
{
    return place_of(word, actions);
}

static const char *const *limits(void)
{
    for (int i = 0; i < TOCSIN_HOLDS_TYPES; i++)
        words[i] = tocsin_holding_name((enum tocsin_holding)i);
    words[LIMIT_FAULTS] = "faults";
    words[LIMIT_STALLS] = "stalls";
    return words;
}

int limit_of(const char *word)
{
    return place_of(word, limits());
}

static void unknown(struct config *config, const struct entry *entry, const char *what, const char *word, const char *const *known)
{
    const char *near = meant(word, known);

    if (near)
        config_wrong(config, entry->line, "there is no %s '%s': did you mean '%s'?", what, word, near);
    else
        config_wrong(config, entry->line, "there is no %s '%s'", what, word);
}

uint64_t config_number(struct config *config, const struct entry *entry, uint64_t most)
{
    unsigned long long number;
    char *end;

    errno = 0;
    number = strtoull(entry->value, &end, 10);
    if (*entry->value < '0' || *entry->value > '9' || *end || errno || number > most)
        config_wrong(config, entry->line, "%s = %s: a number from 0 to %llu is wanted", entry->key, entry->value, (unsigned long long)most);
    return number;
}

/* [tocsin] */

static char *trimmed(char *text)
{
    char *end = text + strlen(text);

    while (end > text && strchr(" \t", end[-1]))
        *--end = '\0';
    return text + strspn(text, " \t");
}

/* Folders, each as it is meant from the file's own. */
static char *path_of(const struct config *config, const char *value)
{
    char *path = must_copy(""), *folders = must_copy(value), *rest = folders, *folder;

    while ((folder = strsep(&rest, ":"))) {
        char *bare = trimmed(folder), *whole = *bare ? config_path(config, bare) : NULL;
        char *longer = whole ? must_format("%s%s%s", path, *path ? ":" : "", whole) : NULL;

        free(whole);
        if (!longer)
            continue;
        free(path);
        path = longer;
    }
    free(folders);
    return path;
}

static void own_look(struct config *config, const struct entry *entry)
{
    int key = place_of(entry->key, settings);

    if (key == 0)
        config->path = path_of(config, entry->value);
    else if (key == 1)
        config->drain_ms = (int64_t)config_number(config, entry, 1000000000);
    else if (key == 2)
        config->tick_ms = (int64_t)config_number(config, entry, 1000000000);
    else if (key == 3)
        config->watchdog_ms = (int64_t)config_number(config, entry, 1000000000);
    else
        unknown(config, entry, "setting", entry->key, settings);
}

/* The others */

static void action_look(struct config *config, const struct entry *entry)
{
    if (tocsin_match(entry->key, "a") < 0)
        config_wrong(config, entry->line, "'%s' is no pattern of signals", entry->key);
    if (action_of(entry->value) < 0)
        unknown(config, entry, "action", entry->value, actions);
    else if (action_of(entry->value) == ACTION_IGNORE && strchr(entry->key, '!'))
        config_wrong(config, entry->line, "'%s': a pattern that is ignored has no !", entry->key);
}

static void limit_look(struct config *config, const struct entry *entry)
{
    int limit = limit_of(entry->key);

    if (limit < 0)
        unknown(config, entry, "limit", entry->key, limits());
    config_number(config, entry, limit >= LIMIT_FAULTS ? UINT32_MAX : UINT64_MAX - 1);
}

static void loop_look(struct config *config, const struct entry *entry)
{
    config_wrong(config, entry->line, "a loop has no setting '%s'", entry->key);
}

static bool is_loop(const struct config *config, const char *name)
{
    return strcmp(name, "main") == 0 || config_section(config, SECTION_LOOP, name);
}

static bool is_object(const char *file)
{
    size_t size = strlen(file);

    return size > 3 && strcmp(file + size - 3, ".so") == 0;
}

/* "fiel = x.so" is a setting as any other, which no plugin asks for. */
static void near_look(const struct config *config, const struct entry *entry)
{
    const char *near = meant(entry->key, (const char *const []){ "file", "loop", NULL });

    if (near && strcmp(near, entry->key) != 0 && (*near == 'f' ? is_object(entry->value) : is_loop(config, entry->value)))
        config_doubt(config, entry->line, "'%s' is taken for a setting of the plugin: did you mean '%s'?", entry->key, near);
}

/* What a plugin does not know it does not ask for: only the host's own are looked at. */
static void plugin_look(struct config *config, const struct entry *entry)
{
    near_look(config, entry);
    if (strcmp(entry->key, "loop") == 0 && !is_loop(config, entry->value))
        config_wrong(config, entry->line, "there is no [loop %s]", entry->value);
    if (strcmp(entry->key, "file") == 0 && !*entry->value)
        config_wrong(config, entry->line, "file = which?");
}

static void (*const looks[])(struct config *config, const struct entry *entry) = { own_look, action_look, loop_look, plugin_look, limit_look };

void config_keys(struct config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct section *section = &config->sections[i];

        if (section->kind == SECTION_LOOP && strcmp(section->name, "main") == 0)
            config_wrong(config, section->line, "the loop 'main' is there already");
        for (size_t k = 0; k < section->count; k++)
            looks[section->kind](config, &section->entries[k]);
    }
}
