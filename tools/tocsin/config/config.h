/* The file of "tocsin run", as a list of sections. A section has entries, each with its line
   number. */
#ifndef TOOLS_CONFIG_H
#define TOOLS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/index.h"

enum section_kind { SECTION_TOCSIN, SECTION_ACTIONS, SECTION_LOOP, SECTION_PLUGIN, SECTION_LIMITS };

struct entry {
    char *key, *value;
    int line;
    size_t length, room; /* the bytes of value that are used, and that are allocated */
};

struct section {
    enum section_kind kind;
    char *name; /* the name of a loop, a plugin or an owner; "" in other sections */
    int line;
    struct entry *entries;
    size_t count;
};

struct config {
    char *file;   /* the name of the file, for messages */
    char *folder; /* the folder in which relative paths of the file begin; ends with a slash */
    struct section *sections;
    size_t count;
    struct index names; /* an index that finds a section by its kind and name */
    struct index keys;  /* an index that finds an entry by its section and key */
    unsigned errors;
    char *error; /* the first error message that was printed */
    int64_t drain_ms, tick_ms, watchdog_ms;
    /* the folders in which plugins are searched, separated by colons; NULL means not set */
    char *path;
};

/* Reads and checks a file. If file is NULL, the built-in default is used. Prints each error with
   its line, and counts the errors in the member errors. */
struct config *config_read(const char *file);
void config_free(struct config *config);

const struct section *config_section(const struct config *config, enum section_kind kind,
                                     const char *name);
/* Returns NULL if section is NULL, or if the section has no such key. */
const struct entry *section_entry(const struct config *config, const struct section *section,
                                  const char *key);
const char *section_get(const struct section *section, const char *key);
/* Makes a path in the file relative to the folder of the file. The caller frees the returned
   path. */
char *config_path(const struct config *config, const char *path);

void config_section_add(struct config *config, enum section_kind kind, const char *name, int line);
/* Adds an entry to the last section. */
void config_entry_add(struct config *config, const char *key, const char *value, int line);
/* appends a blank and the text more to the value of the entry */
void config_entry_continue(struct entry *entry, const char *more);

/* Prints an error and counts it. Line 0 means that the error concerns the whole file. */
void config_wrong(struct config *config, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Prints a warning. The file is valid, but it probably does not say what its author means. */
void config_doubt(const struct config *config, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
