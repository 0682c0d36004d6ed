#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/default.h"
#include "config/keys.h"
#include "config/parse.h"
#include "mem.h"
#include "print/plain.h"

enum { SIZE_MOST = 1 << 20 };

/* Prints the message with its place in the file, and returns the printed line. */
static char *message_print(const struct config *config, int line, const char *level,
                           const char *format, va_list args)
{
    char text[1024], *whole;

    vsnprintf(text, sizeof text, format, args);
    whole = line ? must_format("%s:%d: %s%s", config->file, line, level, text)
                 : must_format("%s: %s%s", config->file, level, text);
    complain("%s", whole);
    return whole;
}

void config_wrong(struct config *config, int line, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = message_print(config, line, "", format, args);
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
    free(message_print(config, line, "warning: ", format, args));
    va_end(args);
}

/* Sections */

const struct section *config_section(const struct config *config, enum section_kind kind,
                                     const char *name)
{
    ptrdiff_t place = index_find(&config->names, kind, name);

    return place == INDEX_NONE ? NULL : &config->sections[place];
}

void config_section_add(struct config *config, enum section_kind kind, const char *name, int line)
{
    struct section section = { .kind = kind, .name = must_copy(name), .line = line };

    config->sections = must_room(config->sections, config->count, sizeof *config->sections);
    config->sections[config->count] = section;
    index_add(&config->names, kind, section.name, config->count++);
}

/* Entries */

const char *section_get(const struct section *section, const char *key)
{
    for (size_t i = 0; section && i < section->count; i++)
        if (strcmp(section->entries[i].key, key) == 0)
            return section->entries[i].value;
    return NULL;
}

const struct entry *section_entry(const struct config *config, const struct section *section,
                                  const char *key)
{
    ptrdiff_t place = section ? index_find(&config->keys, (size_t)(section - config->sections), key)
                              : INDEX_NONE;

    return place == INDEX_NONE ? NULL : &section->entries[place];
}

void config_entry_continue(struct entry *entry, const char *more)
{
    struct growing value = { entry->value, entry->length, entry->room };

    must_add(&value, " ");
    must_add(&value, more);
    entry->value = value.text;
    entry->length = value.length;
    entry->room = value.room;
}

void config_entry_add(struct config *config, const char *key, const char *value, int line)
{
    struct section *section = &config->sections[config->count - 1];
    struct entry entry = { must_copy(key), must_copy(value), line, strlen(value),
                           strlen(value) + 1 };

    section->entries = must_room(section->entries, section->count, sizeof *section->entries);
    section->entries[section->count] = entry;
    index_add(&config->keys, config->count - 1, entry.key, section->count++);
}

/* The file */

static const struct mark {
    const char *bytes;
    size_t size;
    const char *encoding;
} marks[] = {
    { "\xff\xfe\0\0", 4, "UTF-32" },
    { "\0\0\xfe\xff", 4, "UTF-32" },
    { "\xff\xfe", 2, "UTF-16" },
    { "\xfe\xff", 2, "UTF-16" },
};

/* Refuses byte order marks of other encodings than UTF-8, and NUL bytes. */
static void text_check(struct config *config, const char *text, size_t size)
{
    const char *nul = memchr(text, '\0', size);
    int line = 1;

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (size >= marks[i].size && memcmp(text, marks[i].bytes, marks[i].size) == 0) {
            config_wrong(config, 0, "the file is %s: save it as UTF-8", marks[i].encoding);
            return;
        }
    for (const char *at = text; nul && at < nul; at++)
        line += *at == '\n';
    if (nul)
        config_wrong(config, line,
                     "the line has a NUL byte: if the file is UTF-16, save it as UTF-8");
}

static char *text_read(struct config *config)
{
    FILE *file = fopen(config->file, "re");
    char *text = must_alloc(SIZE_MOST + 2);
    size_t size = file ? fread(text, 1, SIZE_MOST + 1, file) : 0;

    if (!file || ferror(file))
        config_wrong(config, 0, "%s", strerror(errno));
    else if (size > SIZE_MOST)
        config_wrong(config, 0, "the file is larger than 1 MiB");
    else
        text_check(config, text, size);
    if (file)
        fclose(file);
    return text;
}

/* If the text begins with a UTF-8 byte order mark, skips the mark. */
static const char *text_skip_mark(const char *text)
{
    return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

char *config_path(const struct config *config, const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return *path == '/' ? must_copy(path)
           : strcmp(path, ".") == 0
               ? must_format("%.*s", (int)strlen(config->folder) - 1, config->folder)
               : must_format("%s%s", config->folder, path);
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

    config->file = must_copy(file ? file : "the built-in default");
    config->folder = folder_of(file);
    config->drain_ms = 10000;
    config->watchdog_ms = 1000;
    if (file)
        text = text_read(config);
    if (!config->errors)
        config_parse(config, text ? text_skip_mark(text) : config_default);
    free(text);
    if (!config->errors)
        config_check_keys(config);
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
    index_free(&config->names);
    index_free(&config->keys);
    free(config->file);
    free(config->folder);
    free(config->error);
    free(config->path);
    free(config);
}
