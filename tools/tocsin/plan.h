/* The plugins that a file lists. They are checked, and are in the order in which they can be
   loaded. */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include <sys/stat.h>

#include "config/config.h"

/* Identifies a version of a file: a changed file has another stamp. */
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
    char *what; /* the name or path by which the plugin is loaded */
    char *file; /* the path where the plugin's file was found */
    /* the names of the plugins that this plugin needs, with spaces between them */
    char *needs;
    char **settings;     /* a list of "key=value" texts that ends with NULL */
    char *settings_text; /* all settings in one text, for comparisons */
    struct stamp stamp;
    enum { NOT_YET, BEING_PLACED, PLACED } place;
};

struct plan {
    struct config *config;
    struct wanted *wanted;
    size_t count;
    struct catalogue *catalogue;
    struct index names; /* an index that finds a plugin by its name */
};

/* Makes a plan from the config. Reports errors, and counts them in config->errors. The plan owns
   the config after this call. */
struct plan *plan_make(struct config *config);
void plan_free(struct plan *plan);
const struct wanted *plan_find(const struct plan *plan, const char *name);
/* returns true if the name is in needs, a list of names that are separated by spaces */
bool plan_needs(const char *needs, const char *name);

/* returns a stamp that is all zero if there is no such file */
struct stamp stamp_of(const char *file);
bool stamp_same(const struct stamp *one, const struct stamp *other);

#endif
