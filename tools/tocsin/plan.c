#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/plugin.h>
#include <tocsin/host.h>

#include "catalogue.h"
#include "config/keys.h"
#include "mem.h"
#include "plan.h"

struct stamp stamp_of(const char *file)
{
    struct stat it;
    struct stamp stamp;

    memset(&stamp, 0, sizeof stamp);
    if (stat(file, &it) == 0) {
        stamp.device = it.st_dev;
        stamp.inode = it.st_ino;
        stamp.size = it.st_size;
        stamp.modified = it.st_mtim;
        stamp.changed = it.st_ctim;
    }
    return stamp;
}

static bool is_time_same(const struct timespec *one, const struct timespec *other)
{
    return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

bool stamp_same(const struct stamp *one, const struct stamp *other)
{
    return one->device == other->device && one->inode == other->inode && one->size == other->size &&
           is_time_same(&one->modified, &other->modified) &&
           is_time_same(&one->changed, &other->changed);
}

const struct wanted *plan_find(const struct plan *plan, const char *name)
{
    ptrdiff_t place = index_find(&plan->names, 0, name);

    return place == INDEX_NONE ? NULL : &plan->wanted[place];
}

static void names_index(struct plan *plan)
{
    index_free(&plan->names);
    for (size_t i = 0; i < plan->count; i++)
        index_add(&plan->names, 0, plan->wanted[i].name, i);
}

bool plan_needs(const char *needs, const char *name)
{
    size_t length = strlen(name);

    for (needs += strspn(needs, " "); *needs; needs += strspn(needs, " ")) {
        size_t size = strcspn(needs, " ");

        if (size == length && memcmp(needs, name, size) == 0)
            return true;
        needs += size;
    }
    return false;
}

/* Functions that check each plugin */

static bool is_own(const char *key)
{
    return strcmp(key, "file") == 0 || strcmp(key, "loop") == 0;
}

static void settings_read(struct wanted *wanted)
{
    const struct section *section = wanted->section;
    struct growing text = { NULL, 0, 0 };
    size_t count = 0;

    wanted->settings = must_alloc((section->count + 1) * sizeof *wanted->settings);
    must_add(&text, "");
    for (size_t i = 0; i < section->count; i++) {
        const struct entry *entry = &section->entries[i];

        if (is_own(entry->key))
            continue;
        wanted->settings[count] = must_format("%s=%s", entry->key, entry->value);
        must_add(&text, wanted->settings[count++]);
        must_add(&text, "\n");
    }
    wanted->settings_text = text.text;
}

static void wanted_read(const struct config *config, const struct section *section,
                        struct wanted *wanted)
{
    const char *file = section_get(section, "file"), *loop = section_get(section, "loop");

    *wanted =
        (struct wanted){ .section = section, .name = section->name, .loop = loop ? loop : "main" };
    wanted->what = file ? config_path(config, file) : must_copy(section->name);
    settings_read(wanted);
}

/* Checks the plugins that this plugin needs. A needed plugin that has a section of its own is
 * skipped here, because its section may name a file that is not on the path. */
static void needs_check(struct plan *plan, const struct wanted *wanted)
{
    char *needs = must_copy(wanted->needs), *rest = needs, *need;

    while ((need = strsep(&rest, " "))) {
        struct tocsin_plugin_facts facts = { .name = NULL };
        int err = *need && !config_section(plan->config, SECTION_PLUGIN, need)
                      ? tocsin_plugin_check(need, &facts)
                      : 0;

        if (err < 0 && err != -EEXIST)
            config_wrong(plan->config, wanted->section->line, "plugin %s needs %s: %s",
                         wanted->name, need, tocsin_plugin_last_error());
        if (facts.name)
            catalogue_add(plan->catalogue, &facts, wanted->section->line);
    }
    free(needs);
}

/* Checks a setting. If note is NULL, the plugin declares no settings, and so accepts any
   setting. */
static void setting_check(struct plan *plan, const struct entry *entry, const char *note)
{
    const char *own = config_own_key(plan->config, entry);
    char *setting = must_format("%s=%s", entry->key, entry->value);
    int err = note ? tocsin_plugin_setting_check(note, setting) : 0;

    if (err == -ENOENT && own)
        config_wrong(plan->config, entry->line, "there is no setting '%s': did you mean '%s'?",
                     entry->key, own);
    else if (err < 0)
        config_wrong(plan->config, entry->line, "%s", tocsin_plugin_last_error());
    else if (!note && own)
        config_doubt(plan->config, entry->line,
                     "'%s' is passed to the plugin as a setting: did you mean '%s'?", entry->key,
                     own);
    free(setting);
}

static void settings_check(struct plan *plan, const struct wanted *wanted, const char *note)
{
    const struct section *section = wanted->section;
    struct tocsin_setting_facts facts;

    if (note && tocsin_plugin_setting(note, 0, &facts) == -ENODATA)
        note = NULL;
    for (size_t i = 0; i < section->count; i++)
        if (!is_own(section->entries[i].key))
            setting_check(plan, &section->entries[i], note);
    for (int i = 0; note && tocsin_plugin_setting(note, i, &facts) == 0; i++)
        if (facts.required && !section_entry(plan->config, section, facts.name))
            config_wrong(plan->config, section->line,
                         "[plugin %s]: the setting '%s' is missing: %s", wanted->name, facts.name,
                         facts.about);
}

/* Checks the file of a plugin. The result -EEXIST means that the plugin is loaded, and was checked
   when it was loaded. If its file has changed since then, the reload checks the new file. */
static void wanted_check(struct plan *plan, struct wanted *wanted)
{
    struct tocsin_plugin_facts facts = { .name = NULL };
    int err = tocsin_plugin_check(wanted->what, &facts), line = wanted->section->line;
    bool named = facts.name && strcmp(facts.name, wanted->name) == 0;
    bool usable = named && (err >= 0 || err == -EEXIST || err == -ENOENT);
    char *note;

    wanted->file = must_copy(facts.name ? facts.file : "");
    wanted->needs = must_copy(facts.name ? facts.needs : "");
    wanted->stamp = stamp_of(wanted->file);
    note = named && facts.note ? must_copy(facts.note) : NULL;
    if (facts.name && !named)
        config_wrong(plan->config, line,
                     "%s is the plugin %s: name its section [plugin %s], not [plugin %s]",
                     facts.file, facts.name, facts.name, wanted->name);
    else if (err < 0 && err != -EEXIST && !usable)
        config_wrong(plan->config, line, "plugin %s: %s", wanted->name, tocsin_plugin_last_error());
    else if (err == 0 && *tocsin_plugin_last_error())
        config_doubt(plan->config, line, "plugin %s: %s", wanted->name, tocsin_plugin_last_error());
    if (named)
        catalogue_add(plan->catalogue, &facts, line);
    if (usable)
        needs_check(plan, wanted);
    settings_check(plan, wanted, note);
    free(note);
}

/* Puts the plugins in order: each plugin is placed after the plugins that it needs. */

static void wanted_place(struct plan *plan, size_t index, struct wanted *ordered, size_t *count)
{
    struct wanted *wanted = &plan->wanted[index];
    char *needs, *rest, *need;
    ptrdiff_t needed;

    if (wanted->place != NOT_YET) {
        if (wanted->place == BEING_PLACED)
            config_wrong(plan->config, wanted->section->line,
                         "plugin %s needs itself, directly or through another plugin",
                         wanted->name);
        return;
    }
    wanted->place = BEING_PLACED;
    needs = rest = must_copy(wanted->needs);
    while ((need = strsep(&rest, " ")))
        if ((needed = index_find(&plan->names, 0, need)) != INDEX_NONE)
            wanted_place(plan, (size_t)needed, ordered, count);
    free(needs);
    wanted->place = PLACED;
    ordered[(*count)++] = *wanted;
}

static void plan_sort(struct plan *plan)
{
    struct wanted *ordered = must_alloc((plan->count + 1) * sizeof *ordered);
    size_t count = 0;

    names_index(plan);
    for (size_t i = 0; i < plan->count; i++)
        wanted_place(plan, i, ordered, &count);
    free(plan->wanted);
    plan->wanted = ordered;
    names_index(plan);
}

/* Reports each section [limits NAME] for which no owner has that name. */
static void owners_check(struct plan *plan)
{
    for (size_t i = 0; i < plan->config->count; i++) {
        const struct section *section = &plan->config->sections[i];
        bool known = section->kind != SECTION_LIMITS || strcmp(section->name, "program") == 0 ||
                     plan_find(plan, section->name);

        for (size_t k = 0; k < plan->count && !known; k++)
            known = plan_needs(plan->wanted[k].needs, section->name);
        if (!known)
            config_wrong(plan->config, section->line, "[limits %s]: there is no [plugin %s]",
                         section->name, section->name);
    }
}

struct plan *plan_make(struct config *config)
{
    struct plan *plan = must_alloc(sizeof *plan);

    plan->config = config;
    plan->catalogue = catalogue_new();
    plan->wanted = must_alloc((config->count + 1) * sizeof *plan->wanted);
    for (size_t i = 0; i < config->count; i++)
        if (config->sections[i].kind == SECTION_PLUGIN && !config->errors)
            wanted_read(config, &config->sections[i], &plan->wanted[plan->count++]);
    for (size_t i = 0; i < plan->count; i++)
        wanted_check(plan, &plan->wanted[i]);
    catalogue_check(plan->catalogue, config);
    if (!config->errors) {
        plan_sort(plan);
        owners_check(plan);
    }
    return plan;
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; plan && i < plan->count; i++) {
        struct wanted *wanted = &plan->wanted[i];

        for (char **setting = wanted->settings; *setting; setting++)
            free(*setting);
        free(wanted->settings);
        free(wanted->settings_text);
        free(wanted->what);
        free(wanted->file);
        free(wanted->needs);
    }
    if (!plan)
        return;
    free(plan->wanted);
    catalogue_free(plan->catalogue);
    index_free(&plan->names);
    config_free(plan->config);
    free(plan);
}
