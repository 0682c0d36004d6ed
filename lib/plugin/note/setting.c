/* Reads the lines of a note that declare settings, and checks the settings that a host gives. */
#define _GNU_SOURCE /* makes the headers declare memmem */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/text.h>

#include "base/refusal.h"
#include "plugin/note/setting.h"
#include "plugin/note/setting_type.h"
#include "plugin/thread_buffers.h"

enum { SHOWN_MAX = 60 };

/* Functions that read the lines of a note */

static bool text_copy(char *to, size_t room, const char *from, size_t size)
{
    if (size >= room)
        return false;
    memcpy(to, from, size);
    to[size] = '\0';
    return true;
}

const char *tocsin__setting_read(const char *line, size_t size,
                                 struct tocsin_setting_facts *ret_facts)
{
    const char *blank = memchr(line, ' ', size), *colon = memmem(line, size, ": ", 2);
    size_t name = blank ? (size_t)(blank - line) : 0;
    struct tocsin__setting_type type;

    *ret_facts = (struct tocsin_setting_facts){ .name = "" };
    if (!blank || !colon || colon < blank || colon + 2 == line + size)
        return "a setting is \"NAME TYPE: ABOUT\"";
    if (!name || !text_copy(ret_facts->name, sizeof ret_facts->name, line, name) ||
        ret_facts->name[strspn(
            ret_facts->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")])
        return "a setting's name is 1 to 63 of A-Z, a-z, 0-9, _, . and -";
    if (!text_copy(ret_facts->type, sizeof ret_facts->type, blank + 1,
                   (size_t)(colon - blank - 1)) ||
        !tocsin__setting_type_read(&type, ret_facts->type))
        return "a setting's type is string, bool, i64, u64, f64, choice A|B or pattern";
    if (!text_copy(ret_facts->about, sizeof ret_facts->about, colon + 2,
                   (size_t)(line + size - colon - 2)))
        return "what a setting is about has at most 255 bytes";
    return NULL;
}

const char *tocsin__setting_default(struct tocsin_setting_facts *facts, const char *value,
                                    size_t size)
{
    struct tocsin__setting_type type;

    if (!text_copy(facts->otherwise, sizeof facts->otherwise, value, size))
        return "a default has at most 255 bytes";
    if (!tocsin__setting_type_read(&type, facts->type) ||
        !tocsin__setting_type_accepts(&type, facts->otherwise))
        return "the default does not fit the setting's type";
    facts->has_default = true;
    return NULL;
}

struct line {
    const char *key, *value;
    size_t key_size, size;
};

static bool line_next(const char **cursor, struct line *ret_line)
{
    size_t size = strcspn(*cursor, "\n"), key = size;
    const char *blank = memchr(*cursor, ' ', size);

    if (!**cursor)
        return false;
    key = blank ? (size_t)(blank - *cursor) : size;
    *ret_line = (struct line){ *cursor, *cursor + key + (key < size), key,
                               size - key - (key < size) };
    *cursor += size + ((*cursor)[size] == '\n');
    return true;
}

static bool line_is(const struct line *line, const char *key)
{
    return strlen(key) == line->key_size && memcmp(line->key, key, line->key_size) == 0;
}

/* Reads the next declared setting. Returns 1, 0 if there are no more, or -EBADMSG if the note is
   malformed. */
static int setting_next(const char **cursor, struct tocsin_setting_facts *ret_facts)
{
    struct line line;
    const char *after;

    do
        if (!line_next(cursor, &line))
            return 0;
    while (!line_is(&line, "setting"));
    if (tocsin__setting_read(line.value, line.size, ret_facts))
        return -EBADMSG;
    after = *cursor;
    if (line_next(&after, &line) && line_is(&line, "default") &&
        tocsin__setting_default(ret_facts, line.value, line.size))
        return -EBADMSG;
    ret_facts->required = line_is(&line, "required");
    return 1;
}

/* Returns true if the note declares its settings; "settings none" is such a declaration, too. */
static bool has_declarations(const char *note)
{
    struct line line;

    while (line_next(&note, &line))
        if (line_is(&line, "setting") || line_is(&line, "settings"))
            return true;
    return false;
}

/* Finds a setting by its key. Returns 0; -ENOENT if the setting is not declared; or -EBADMSG if the
   note is malformed. After -ENOENT, ret_facts->name is the most similar name, or "". */
static int setting_find(const char *note, const char *key, struct tocsin_setting_facts *ret_facts)
{
    struct tocsin_setting_facts facts, near = { .name = "" };
    size_t nearest = 3; /* a word is similar if its edit distance is less than this number */
    int more;

    while ((more = setting_next(&note, &facts)) > 0) {
        size_t far = tocsin_text_distance(key, strlen(key), facts.name);

        *ret_facts = facts;
        if (strcmp(facts.name, key) == 0)
            return 0;
        if (far < nearest && far < strlen(facts.name)) {
            nearest = far;
            near = facts;
        }
    }
    *ret_facts = near;
    return more < 0 ? more : -ENOENT;
}

/* Checks one setting of a host. `before` is the head of the message, "bell: " or "". */
static int setting_check(const char *before, const char *note, const char *setting,
                         const struct tocsin__reason *reason)
{
    const char *equals = strchr(setting, '='), *value = equals ? equals + 1 : "";
    struct tocsin_setting_facts facts;
    char key[64] = "", expected[320];
    struct tocsin__setting_type type;
    int err;

    if (!equals || equals == setting)
        return tocsin__refuse(reason, -EINVAL, "%sa setting is \"key=value\", not \"%.60s\"",
                              before, setting);
    snprintf(key, sizeof key, "%.*s", (int)(equals - setting < 64 ? equals - setting : 64),
             setting);
    err = setting_find(note, (size_t)(equals - setting) < sizeof key ? key : "", &facts);
    if (err == -ENOENT)
        return tocsin__refuse(reason, err,
                              *facts.name ? "%sthere is no setting '%s': did you mean '%s'?"
                                          : "%sthere is no setting '%s'",
                              before, key, facts.name);
    if (err < 0 || !tocsin__setting_type_read(&type, facts.type))
        return tocsin__refuse(reason, -EBADMSG, "%sits note is malformed", before);
    if (tocsin__setting_type_accepts(&type, value))
        return 0;
    tocsin__setting_type_describe(&type, expected, sizeof expected);
    return tocsin__refuse(reason, -EINVAL, "%s%s: expected %s, got '%.*s%s'", before, key, expected,
                          SHOWN_MAX, value, strlen(value) > SHOWN_MAX ? "..." : "");
}

static bool is_given(const char *const *settings, const char *name)
{
    size_t size = strlen(name);

    for (; settings && *settings; settings++)
        if (strncmp(*settings, name, size) == 0 && (*settings)[size] == '=')
            return true;
    return false;
}

int tocsin__settings_check(const char *plugin, const char *note, const char *const *settings,
                           const struct tocsin__reason *reason)
{
    struct tocsin_setting_facts facts;
    const char *cursor = note;
    char before[80];
    int err = 0;

    if (!has_declarations(note))
        return 0;
    snprintf(before, sizeof before, "%s: ", plugin);
    for (const char *const *one = settings; one && *one && err == 0; one++)
        err = setting_check(before, note, *one, reason);
    while (err == 0 && setting_next(&cursor, &facts) > 0)
        if (facts.required && !is_given(settings, facts.name))
            err = tocsin__refuse(reason, -EINVAL, "%sthe setting '%s' is missing: %s", before,
                                 facts.name, facts.about);
    return err == -ENOENT ? -EINVAL : err;
}

/* Public */

int tocsin_plugin_setting(const char *note, int index, struct tocsin_setting_facts *ret_facts)
{
    int more = 1;

    if (!note || index < 0 || !ret_facts)
        return tocsin__traced(-EINVAL);
    if (!has_declarations(note))
        /* -ENODATA is a normal result here, so it is not traced as a refusal. */
        return -ENODATA;
    while (index-- >= 0 && more > 0)
        more = setting_next(&note, ret_facts);
    return more > 0 ? 0 : more < 0 ? tocsin__traced(more) : -ENOENT;
}

int tocsin_plugin_setting_check(const char *note, const char *setting)
{
    const struct tocsin__reason *reason = tocsin__reason_new();

    if (!reason)
        return tocsin__traced(-ENOMEM);
    if (!note || !setting)
        return tocsin__traced(tocsin__refuse(reason, -EINVAL, "the note or the setting is NULL"));
    return has_declarations(note) ? tocsin__traced(setting_check("", note, setting, reason)) : 0;
}
