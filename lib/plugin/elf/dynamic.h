/* Reads and checks the dynamic section of a plugin's file. */
#ifndef TOCSIN_PLUGIN_ELF_DYNAMIC_H
#define TOCSIN_PLUGIN_ELF_DYNAMIC_H

#include "plugin/elf/view.h"

/* Reads the values of the tags into the view. Returns 0, or -ENOEXEC if the section is
   malformed. */
int tocsin__dynamic_read(struct tocsin__view *view);
/* Checks the strings and tables that the tags name. Returns 0, or -ENOEXEC if one is malformed. */
int tocsin__dynamic_check(const struct tocsin__view *view);

/* Returns a string of the string table, or NULL if the offset is outside the table. */
const char *tocsin__dynamic_string(const struct tocsin__view *view, uint64_t offset);
/* Returns the next library of the DT_NEEDED entries from *cursor on, or NULL if there are no
   more. */
const char *tocsin__dynamic_needed(const struct tocsin__view *view, uint64_t *cursor);

#endif
