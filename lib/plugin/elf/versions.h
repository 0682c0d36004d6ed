/* The versions of symbols. */
#ifndef TOCSIN_PLUGIN_ELF_VERSIONS_H
#define TOCSIN_PLUGIN_ELF_VERSIONS_H

#include "plugin/elf/view.h"

/* 0 or -ENOEXEC. */
int tocsin__versions_check(const struct tocsin__view *view);
/* The version index of a symbol; 1: no version. */
uint16_t tocsin__version_index(const struct tocsin__view *view, uint64_t symbol);
/* Calls fn for each version that the file defines or imports, with its index. library: the library
   that must define the version; NULL: the file itself defines it. */
typedef int (*tocsin__version_fn)(void *arg, uint16_t index, const char *name, const char *library);
int tocsin__versions_each(const struct tocsin__view *view, tocsin__version_fn fn, void *arg);

#endif
