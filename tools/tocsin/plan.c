#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/plugin.h>

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

static bool time_same(const struct timespec *one, const struct timespec *other)
{
    return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

bool stamp_same(const struct stamp *one, const struct stamp *other)
{
    return one->device == other->device && one->inode == other->inode && one->size == other->size &&
           time_same(&one->modified, &other->modified) && time_same(&one->changed, &other->changed);
}

const struct wanted *plan_find(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->wanted[i].name, name) == 0)
            return &plan->wanted[i];
    return NULL;
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

/* Each plugin, looked at */

static bool is_own(const char *key)
{
    return strcmp(key, "file") == 0 || strcmp(key, "loop") == 0;
}

static void settings_take(struct wanted *wanted)
{
    const struct section *section = wanted->section;
    size_t count = 0;

    wanted->settings = must_alloc((section->count + 1) * sizeof *wanted->settings);
    wanted->said = must_copy("");
    for (size_t i = 0; i < section->count; i++) {
        const struct entry *entry = &section->entries[i];
        char *longer;

        if (is_own(entry->key))
            continue;
        wanted->settings[count] = must_format("%s=%s", entry->key, entry->value);
        longer = must_format("%s%s\n", wanted->said, wanted->settings[count++]);
        free(wanted->said);
        wanted->said = longer;
    }
}

static void wanted_begin(const struct config *config, const struct section *section, struct wanted *wanted)
{
    const char *file = section_get(section, "file"), *loop = section_get(section, "loop");

    *wanted = (struct wanted){ .section = section, .name = section->name, .loop = loop ? loop : "main" };
    wanted->what = file ? config_path(config, file) : must_copy(section->name);
    settings_take(wanted);
}

/* What it needs may be loaded from a file that the section of that says, so it need not be on the path. */
static void needs_judge(struct plan *plan, const struct wanted *wanted)
{
    char *needs = must_copy(wanted->needs), *rest = needs, *need;

    while ((need = strsep(&rest, " "))) {
        int err = *need && !config_section(plan->config, SECTION_PLUGIN, need) ? tocsin_plugin_check(need, NULL) : 0;

        if (err < 0 && err != -EEXIST)
            config_wrong(plan->config, wanted->section->line, "%s needs %s: %s", wanted->name, need, tocsin_plugin_reason());
    }
    free(needs);
}

/* One that is loaded (-EEXIST) has been found fit; its file, if that has changed, is judged when it is reloaded. */
static void judge(struct plan *plan, struct wanted *wanted)
{
    struct tocsin_plugin_facts facts = { .name = NULL };
    int err = tocsin_plugin_check(wanted->what, &facts), line = wanted->section->line;
    bool named = facts.name && strcmp(facts.name, wanted->name) == 0;

    wanted->file = must_copy(facts.name ? facts.file : "");
    wanted->needs = must_copy(facts.name ? facts.needs : "");
    wanted->stamp = stamp_of(wanted->file);
    if (facts.name && !named)
        config_wrong(plan->config, line, "%s is the plugin %s: its section is [plugin %s], not [plugin %s]", facts.file, facts.name, facts.name, wanted->name);
    else if (err < 0 && err != -EEXIST && !(err == -ENOENT && named))
        config_wrong(plan->config, line, "plugin %s: %s", wanted->name, tocsin_plugin_reason());
    else if (named)
        needs_judge(plan, wanted);
}

/* Their order */

static void place(struct plan *plan, size_t index, struct wanted *ordered, size_t *count)
{
    struct wanted *wanted = &plan->wanted[index];

    if (wanted->place != NOT_YET) {
        if (wanted->place == BEING_PLACED)
            config_wrong(plan->config, wanted->section->line, "%s needs itself", wanted->name);
        return;
    }
    wanted->place = BEING_PLACED;
    for (size_t i = 0; i < plan->count; i++)
        if (plan_needs(wanted->needs, plan->wanted[i].name))
            place(plan, i, ordered, count);
    wanted->place = PLACED;
    ordered[(*count)++] = *wanted;
}

static void order(struct plan *plan)
{
    struct wanted *ordered = must_alloc((plan->count + 1) * sizeof *ordered);
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        place(plan, i, ordered, &count);
    free(plan->wanted);
    plan->wanted = ordered;
}

static void owners_judge(struct plan *plan)
{
    for (size_t i = 0; i < plan->config->count; i++) {
        const struct section *section = &plan->config->sections[i];
        bool known = strcmp(section->name, "program") == 0 || plan_find(plan, section->name);

        for (size_t k = 0; k < plan->count && !known; k++)
            known = plan_needs(plan->wanted[k].needs, section->name);
        if (section->kind == SECTION_LIMITS && !known)
            config_wrong(plan->config, section->line, "[limits %s]: there is no [plugin %s]", section->name, section->name);
    }
}

struct plan *plan_make(struct config *config)
{
    struct plan *plan = must_alloc(sizeof *plan);

    plan->config = config;
    plan->wanted = must_alloc((config->count + 1) * sizeof *plan->wanted);
    for (size_t i = 0; i < config->count; i++)
        if (config->sections[i].kind == SECTION_PLUGIN && !config->errors)
            wanted_begin(config, &config->sections[i], &plan->wanted[plan->count++]);
    for (size_t i = 0; i < plan->count; i++)
        judge(plan, &plan->wanted[i]);
    if (!config->errors) {
        order(plan);
        owners_judge(plan);
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
        free(wanted->said);
        free(wanted->what);
        free(wanted->file);
        free(wanted->needs);
    }
    if (!plan)
        return;
    free(plan->wanted);
    config_free(plan->config);
    free(plan);
}
