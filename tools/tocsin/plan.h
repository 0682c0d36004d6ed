/* What a file comes to: its plugins, each looked at, in the order in which they can be loaded. */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include <sys/stat.h>

#include "config.h"

/* Which file it was, and which version of it. */
struct stamp { dev_t device; ino_t inode; off_t size; struct timespec modified, changed; };

struct wanted {
    const struct section *section;
    const char *name, *loop;
    char *what;                                        /* what it is loaded by: its name, or a path */
    char *file, *needs;                                /* where it was found; names with spaces between */
    char **settings;                                   /* "key=value", …, NULL */
    char *said;                                        /* all of them in one text: to see whether they have changed */
    struct stamp stamp;
    enum { NOT_YET, BEING_PLACED, PLACED } place;
};

struct plan {
    struct config *config;
    struct wanted *wanted;
    size_t count;
};

/* What is wrong is said, and counted in config->errors. The config is the plan's from then on. */
struct plan *plan_make(struct config *config);
void plan_free(struct plan *plan);
const struct wanted *plan_find(const struct plan *plan, const char *name);
bool plan_needs(const char *needs, const char *name);  /* whether the name is among them */

struct stamp stamp_of(const char *file);               /* all zero: there is none */
bool stamp_same(const struct stamp *one, const struct stamp *other);

#endif
