#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "default.h"
#include "mem.h"
#include "usage.h"

enum { SIZE_MOST = 1 << 20 };

/* inih calls a handler for each entry, and says no line, nor that a section begins. So it is given the text line by line, and behind the head of a section an entry without
   a key: a mark. */
struct reading {
    struct config *config;
    const char *text;
    int line;
    enum { NO_HEAD, HEAD, MARK } given_last;            /* the head of a section; the mark behind it */
    char head[256];                                    /* what stands between its brackets: inih would cut it off at 50 bytes */
    bool indented;                                     /* the line begins with a blank */
    int *lines;                                        /* of what inih was given, which it counts itself */
    size_t given;
    bool skips;                                        /* the section was refused */
};

static const char *const kinds[] = { "tocsin", "actions", "loop", "plugin", "limits", NULL };

/* What it said. */
static char *say(const struct config *config, int line, const char *format, va_list args)
{
    char text[1024], *whole;

    vsnprintf(text, sizeof text, format, args);
    whole = line ? must_format("%s:%d: %s", config->file, line, text) : must_format("%s: %s", config->file, text);
    fprintf(stderr, "%s\n", whole);
    return whole;
}

void config_wrong(struct config *config, int line, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = say(config, line, format, args);
    va_end(args);
    if (config->errors++ == 0)
        config->error = text;
    else
        free(text);
}

void config_doubt(const struct config *config, int line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    free(say(config, line, format, args));
    va_end(args);
}

/* Sections */

const struct section *config_section(const struct config *config, enum section_kind kind, const char *name)
{
    for (size_t i = 0; i < config->count; i++)
        if (config->sections[i].kind == kind && strcmp(config->sections[i].name, name) == 0)
            return &config->sections[i];
    return NULL;
}

static bool is_name(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return size > 0 && size <= 63 && !name[size];
}

/* "plugin NAME" in its two words. */
static bool head_split(struct reading *reading, char *head, enum section_kind *ret_kind, const char **ret_name)
{
    struct config *config = reading->config;
    size_t size = strcspn(head, " \t");
    char *name = head + size + strspn(head + size, " \t");
    const char *near;
    int kind = 0;
    bool named;

    head[size] = '\0';
    while (kinds[kind] && strcmp(kinds[kind], head) != 0)
        kind++;
    if (!kinds[kind]) {
        near = meant(head, kinds);
        config_wrong(config, reading->line, near ? "there is no section [%s]: did you mean [%s]?" : "there is no section [%s]", head, near);
        return false;
    }
    *ret_kind = (enum section_kind)kind;
    *ret_name = name;
    named = kind != SECTION_TOCSIN && kind != SECTION_ACTIONS;
    if (!named && *name)
        config_wrong(config, reading->line, "[%s] takes no name", head);
    else if (named && !is_name(name))
        config_wrong(config, reading->line, *name ? "[%s %s]: a name is 1 to 63 of a-z, 0-9, _ and -" : "[%s]: whose? [%s NAME]", head, *name ? name : head);
    else
        return true;
    return false;
}

static void section_begin(struct reading *reading)
{
    struct config *config = reading->config;
    const struct section *before;
    char *head = must_copy(reading->head);
    enum section_kind kind;
    const char *name;

    reading->skips = true;
    if (head_split(reading, head, &kind, &name)) {
        before = config_section(config, kind, name);
        if (before) {
            config_wrong(config, reading->line, "[%s] stands in line %d already", reading->head, before->line);
        } else {
            config->sections = must_grow(config->sections, config->count + 1, sizeof *config->sections);
            config->sections[config->count++] = (struct section){ .kind = kind, .name = must_copy(name), .line = reading->line };
            reading->skips = false;
        }
    }
    free(head);
}

/* Entries */

const char *section_get(const struct section *section, const char *key)
{
    for (size_t i = 0; section && i < section->count; i++)
        if (strcmp(section->entries[i].key, key) == 0)
            return section->entries[i].value;
    return NULL;
}

static void entry_continue(struct entry *entry, const char *more)
{
    char *value = must_format("%s %s", entry->value, more);

    free(entry->value);
    entry->value = value;
}

static void entry_add(struct reading *reading, const char *key, const char *value)
{
    struct config *config = reading->config;
    struct section *section = config->count ? &config->sections[config->count - 1] : NULL;

    if (!section) {
        config_wrong(config, reading->line, "'%s' stands before the first [section]", key);
    } else if (reading->indented && section->count) {
        entry_continue(&section->entries[section->count - 1], value);
    } else if (!*key) {
        config_wrong(config, reading->line, "'= %s': nothing stands in front of it", value);
    } else if (section_get(section, key)) {
        config_wrong(config, reading->line, "'%s' stands there twice", key);
    } else {
        section->entries = must_grow(section->entries, section->count + 1, sizeof *section->entries);
        section->entries[section->count++] = (struct entry){ must_copy(key), must_copy(value), reading->line };
    }
}

static int on_entry(void *arg, const char *section, const char *key, const char *value)
{
    struct reading *reading = arg;

    (void)section;
    if (reading->given_last == MARK)
        section_begin(reading);
    else if (!reading->skips)
        entry_add(reading, key, value);
    return 1;
}

/* Lines */

static char *give(struct reading *reading, char *line)
{
    reading->lines = must_grow(reading->lines, reading->given + 1, sizeof *reading->lines);
    reading->lines[reading->given++] = reading->line;
    return line;
}

static bool head_take(struct reading *reading, const char *line)
{
    const char *end = strchr(line, ']');

    if (!end || reading->indented || (size_t)(end - line) > sizeof reading->head) {
        config_wrong(reading->config, reading->line, end ? "the [ of a section is the first of its line" : "the ] of the section is missing");
        return false;
    }
    memcpy(reading->head, line + 1, (size_t)(end - line - 1));
    reading->head[end - line - 1] = '\0';
    return true;
}

/* As fgets. */
static char *next_line(char *line, int size, struct reading *reading)
{
    size_t length = strcspn(reading->text, "\n"), fits = length < (size_t)size - 2 ? length : (size_t)size - 2, blanks = strspn(reading->text, " \t");

    if (!*reading->text)
        return NULL;
    reading->line++;
    reading->indented = blanks > 0;
    if (fits < length)
        config_wrong(reading->config, reading->line, "it is longer than %d bytes: go on in the next line, after a blank", size - 2);
    memcpy(line, reading->text, fits);
    strcpy(line + fits, "\n");
    reading->text += length + (reading->text[length] == '\n');
    if (blanks < fits && line[blanks] == '[') {
        if (head_take(reading, line))
            reading->given_last = HEAD;
        else
            strcpy(line, "\n"), reading->skips = true;
    }
    return give(reading, line);
}

static char *next_given(char *line, int size, void *arg)
{
    struct reading *reading = arg;

    if (reading->given_last == HEAD) {
        reading->given_last = MARK;
        strcpy(line, "=\n");
        return give(reading, line);
    }
    reading->given_last = NO_HEAD;
    return next_line(line, size, reading);
}

static void parse(struct config *config, const char *text)
{
    struct reading reading = { .config = config, .text = text };
    int line = ini_parse_stream(next_given, &reading, on_entry, &reading);

    if (line > 0)
        config_wrong(config, reading.lines[line - 1], "it is neither a [section] nor key = value");
    else if (line < 0)
        config_wrong(config, 0, "%s", strerror(ENOMEM));
    free(reading.lines);
}

/* The file */

static char *text_of(struct config *config)
{
    FILE *file = fopen(config->file, "re");
    char *text = must_alloc(SIZE_MOST + 1);
    size_t size = file ? fread(text, 1, SIZE_MOST, file) : 0;

    if (!file || ferror(file))
        config_wrong(config, 0, "%s", strerror(errno));
    else if (size == SIZE_MOST)
        config_wrong(config, 0, "it is larger than 1 MiB");
    else if (strlen(text) < size)
        config_wrong(config, 0, "it is no text: it has a NUL in it");
    if (file)
        fclose(file);
    return text;
}

char *config_path(const struct config *config, const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return *path == '/' ? must_copy(path) : strcmp(path, ".") == 0 ? must_format("%.*s", (int)strlen(config->folder) - 1, config->folder) : must_format("%s%s", config->folder, path);
}

static char *folder_of(const char *file)
{
    const char *slash = file ? strrchr(file, '/') : NULL;

    return slash ? must_format("%.*s", (int)(slash - file + 1), file) : must_copy("./");
}

struct config *config_read(const char *file)
{
    struct config *config = must_alloc(sizeof *config);
    char *text = NULL;

    config->file = must_copy(file ? file : "the default");
    config->folder = folder_of(file);
    config->drain_ms = 10000;
    config->watchdog_ms = 1000;
    if (file)
        text = text_of(config);
    if (!config->errors)
        parse(config, text ? text : config_default);
    free(text);
    if (!config->errors)
        config_keys(config);
    return config;
}

void config_free(struct config *config)
{
    for (size_t i = 0; config && i < config->count; i++) {
        for (size_t k = 0; k < config->sections[i].count; k++) {
            free(config->sections[i].entries[k].key);
            free(config->sections[i].entries[k].value);
        }
        free(config->sections[i].entries);
        free(config->sections[i].name);
    }
    if (!config)
        return;
    free(config->sections);
    free(config->file);
    free(config->folder);
    free(config->error);
    free(config->path);
    free(config);
}
