#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/owner.h>
#include <tocsin/signal.h>

#include "config/keys.h"
#include "mem.h"
#include "usage.h"

static const char *const actions[] = { "print", "ignore", "drain", "stop", NULL };
static const char *limit_words[LIMITS + 1]; /* the list ends with NULL */
static const char *const settings[] = { "path", "drain_ms", "tick_ms", "watchdog_ms", NULL };

static int word_find(const char *word, const char *const *known)
{
    for (int i = 0; known[i]; i++)
        if (strcmp(known[i], word) == 0)
            return i;
    return -1;
}

int action_of(const char *word)
{
    return word_find(word, actions);
}

static const char *const *limits(void)
{
    for (int i = 0; i < TOCSIN_RESOURCE_TYPES; i++)
        limit_words[i] = tocsin_resource_name((enum tocsin_resource)i);
    limit_words[LIMIT_FAULTS] = "faults";
    limit_words[LIMIT_STALLS] = "stalls";
    return limit_words;
}

int limit_of(const char *word)
{
    return word_find(word, limits());
}

/* returns the words as one text, such as "print, ignore, drain or stop" */
static char *words_join(const char *const *known)
{
    char *text = must_copy(known[0]);

    for (size_t i = 1; known[i]; i++) {
        char *longer = must_format("%s%s%s", text, known[i + 1] ? ", " : " or ", known[i]);

        free(text);
        text = longer;
    }
    return text;
}

static void word_unknown(struct config *config, const struct entry *entry, const char *what,
                         const char *word, const char *const *known)
{
    const char *near = meant(word, known);
    char *all = words_join(known);

    if (near)
        config_wrong(config, entry->line, "there is no %s '%s': did you mean '%s'?", what, word,
                     near);
    else
        config_wrong(config, entry->line, "there is no %s '%s': use %s", what, word, all);
    free(all);
}

uint64_t config_number(struct config *config, const struct entry *entry, uint64_t most)
{
    unsigned long long number;
    char *end;

    errno = 0;
    number = strtoull(entry->value, &end, 10);
    if (*entry->value < '0' || *entry->value > '9' || *end || errno || number > most)
        config_wrong(config, entry->line, "%s = %s: must be a number from 0 to %llu", entry->key,
                     entry->value, (unsigned long long)most);
    return number;
}

/* The section [tocsin] */

static char *trim(char *text)
{
    char *end = text + strlen(text);

    while (end > text && strchr(" \t", end[-1]))
        *--end = '\0';
    return text + strspn(text, " \t");
}

/* Makes each folder of a path relative to the folder of the file. */
static char *path_resolve(const struct config *config, const char *value)
{
    char *folders = must_copy(value), *rest = folders, *folder;
    struct growing path = { NULL, 0, 0 };

    must_add(&path, "");
    while ((folder = strsep(&rest, ":"))) {
        char *bare = trim(folder), *whole = *bare ? config_path(config, bare) : NULL;

        if (whole && path.length)
            must_add(&path, ":");
        must_add(&path, whole ? whole : "");
        free(whole);
    }
    free(folders);
    return path.text;
}

static void tocsin_check(struct config *config, const struct entry *entry)
{
    int key = word_find(entry->key, settings);

    if (key == 0)
        config->path = path_resolve(config, entry->value);
    else if (key == 1)
        config->drain_ms = (int64_t)config_number(config, entry, 1000000000);
    else if (key == 2)
        config->tick_ms = (int64_t)config_number(config, entry, 1000000000);
    else if (key == 3)
        config->watchdog_ms = (int64_t)config_number(config, entry, 1000000000);
    else
        word_unknown(config, entry, "setting", entry->key, settings);
}

/* The other sections */

static void action_check(struct config *config, const struct entry *entry)
{
    if (tocsin_match(entry->key, "a") < 0)
        config_wrong(config, entry->line, "'%s' is not a valid pattern of signals", entry->key);
    if (action_of(entry->value) < 0)
        word_unknown(config, entry, "action", entry->value, actions);
    else if (action_of(entry->value) == ACTION_IGNORE && strchr(entry->key, '!'))
        config_wrong(config, entry->line, "'%s': the action ignore allows no '!' in a pattern",
                     entry->key);
}

static void limit_check(struct config *config, const struct entry *entry)
{
    int limit = limit_of(entry->key);

    if (limit < 0)
        word_unknown(config, entry, "limit", entry->key, limits());
    config_number(config, entry, limit >= LIMIT_FAULTS ? UINT32_MAX : UINT64_MAX - 1);
}

static void loop_check(struct config *config, const struct entry *entry)
{
    config_wrong(config, entry->line, "a [loop] section has no settings: remove '%s'", entry->key);
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

const char *config_own_key(const struct config *config, const struct entry *entry)
{
    const char *near = meant(entry->key, (const char *const[]){ "file", "loop", NULL });
    bool fits = near && (*near == 'f' ? is_object(entry->value) : is_loop(config, entry->value));

    return fits && strcmp(near, entry->key) != 0 ? near : NULL;
}

/* Checks only the keys of the host. plan.c checks the settings of the plugin by the plugin's
   note. */
static void plugin_check(struct config *config, const struct entry *entry)
{
    if (strcmp(entry->key, "loop") == 0 && !is_loop(config, entry->value))
        config_wrong(config, entry->line, "loop = %s: there is no section [loop %s]", entry->value,
                     entry->value);
    if (strcmp(entry->key, "file") == 0 && !*entry->value)
        config_wrong(config, entry->line, "file has no value: must be the path of the plugin");
}

static void (*const checks[])(struct config *config,
                              const struct entry *entry) = { tocsin_check, action_check, loop_check,
                                                             plugin_check, limit_check };

void config_check_keys(struct config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct section *section = &config->sections[i];

        if (section->kind == SECTION_LOOP && strcmp(section->name, "main") == 0)
            config_wrong(config, section->line,
                         "[loop main]: the main loop always exists: remove this section");
        for (size_t k = 0; k < section->count; k++)
            checks[section->kind](config, &section->entries[k]);
    }
}
