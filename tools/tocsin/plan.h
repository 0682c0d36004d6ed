/* The plugins that a file lists: checked, and in the order in which they can be loaded. */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include <sys/stat.h>

#include "config/config.h"

/* Identifies a version of a file. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct catalogue;

struct wanted {
    const struct section *section;
    const char *name, *loop;
    char *what;          /* the name or path to load the plugin by */
    char *file;          /* the path where it was found */
    char *needs;         /* names of plugins, with spaces between */
    char **settings;     /* "key=value", …, NULL */
    char *settings_text; /* all settings in one text, to compare */
    struct stamp stamp;
    enum { NOT_YET, BEING_PLACED, PLACED } place;
};

struct plan {
    struct config *config;
    struct wanted *wanted;
    size_t count;
    struct catalogue *catalogue;
    struct index names; /* finds a plugin by its name */
};

/* Reports errors and counts them in config->errors. The plan owns the config afterwards. */
struct plan *plan_make(struct config *config);
void plan_free(struct plan *plan);
const struct wanted *plan_find(const struct plan *plan, const char *name);
/* needs is a list of names, separated by spaces */
bool plan_needs(const char *needs, const char *name);

struct stamp stamp_of(const char *file); /* returns all zero if there is no such file */
bool stamp_same(const struct stamp *one, const struct stamp *other);

#endif
