/* Checks and reads the versions of symbols in a plugin's file. */
#ifndef TOCSIN_PLUGIN_ELF_VERSIONS_H
#define TOCSIN_PLUGIN_ELF_VERSIONS_H

#include "plugin/elf/view.h"

/* Checks the versions. Returns 0, or -ENOEXEC if they are malformed. */
int tocsin__versions_check(const struct tocsin__view *view);
/* Returns the version index of a symbol; 1 means that the symbol has no version. */
uint16_t tocsin__version_index(const struct tocsin__view *view, uint64_t symbol);
/* Calls `fn` for each version that the file defines or imports, with its index. `library` is the
   library that must define the version. If `library` is NULL, the file itself defines the
   version. */
typedef int (*tocsin__version_fn)(void *arg, uint16_t index, const char *name, const char *library);
int tocsin__versions_each(const struct tocsin__view *view, tocsin__version_fn fn, void *arg);

#endif
