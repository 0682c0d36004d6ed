/* The file that "tocsin run" reads, as it stands there: sections with entries, each with its line. */
#ifndef TOOLS_CONFIG_H
#define TOOLS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum section_kind { SECTION_TOCSIN, SECTION_ACTIONS, SECTION_LOOP, SECTION_PLUGIN, SECTION_LIMITS };

struct entry { char *key, *value; int line; };

struct section {
    enum section_kind kind;
    char *name;                                        /* of a loop, a plugin, an owner; "" for the others */
    int line;
    struct entry *entries;
    size_t count;
};

struct config {
    char *file;                                        /* as messages name it */
    char *folder;                                      /* what paths in it begin at, with a slash at its end */
    struct section *sections;
    size_t count;
    unsigned errors;
    char *error;                                       /* the first of them */
    int64_t drain_ms, tick_ms, watchdog_ms;
    char *path;                                        /* folders that plugins are looked for in; NULL: none are given */
};

/* file NULL: the embedded default. Everything that is wrong is said on the standard error, with its line, and counted. */
struct config *config_read(const char *file);
void config_free(struct config *config);

const struct section *config_section(const struct config *config, enum section_kind kind, const char *name);
const char *section_get(const struct section *section, const char *key);       /* section NULL, or no such key: NULL */
char *config_path(const struct config *config, const char *path);              /* as it is meant from the file's folder */

/* line 0: of the file as a whole. */
void config_wrong(struct config *config, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What is hardly meant so, but can be: it is said, and no more. */
void config_doubt(const struct config *config, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What is not said here is no number in these bounds, and wrong. */
uint64_t config_number(struct config *config, const struct entry *entry, uint64_t most);

void config_keys(struct config *config);               /* keys.c: kinds of sections have been looked at, now what stands in them */

#endif
