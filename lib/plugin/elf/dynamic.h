/* The dynamic section. */
#ifndef TOCSIN_PLUGIN_ELF_DYNAMIC_H
#define TOCSIN_PLUGIN_ELF_DYNAMIC_H

#include "plugin/elf/view.h"

/* Reads the values of the tags into the view. 0 or -ENOEXEC. */
int tocsin__dynamic_read(struct tocsin__view *view);
/* Checks the strings and tables that the tags name. 0 or -ENOEXEC. */
int tocsin__dynamic_check(const struct tocsin__view *view);

/* A string of the string table; NULL: the offset is outside. */
const char *tocsin__dynamic_string(const struct tocsin__view *view, uint64_t offset);
/* The next DT_NEEDED library from *cursor on; NULL: no more. */
const char *tocsin__dynamic_needed(const struct tocsin__view *view, uint64_t *cursor);

#endif
