/* Compares a plugin's symbols with those of the process. Finds the symbols that the dynamic linker
   would bind to another object's definition, and those that it could not bind at all. */
#ifndef TOCSIN_PLUGIN_SCOPE_H
#define TOCSIN_PLUGIN_SCOPE_H

#include "plugin/image.h"

/* Checks the symbols of a plugin. Returns 0; -ENOMEM; or -ELIBACC with a reason. There are three
   reasons. The program or one of its libraries defines the same symbol. Nothing provides an import.
   The process has a unique symbol of the same name, with another size or from an earlier version of
   the plugin. */
int tocsin__scope_check(const struct tocsin__image *image, const struct tocsin__reason *reason);
/* Writes warnings about a plugin that can be loaded. Returns false if there are no warnings. */
bool tocsin__scope_warn(const struct tocsin__image *image, const struct tocsin__reason *reason);
/* Writes the names of the plugin's dependencies that are not mapped yet, separated by spaces.
   Returns the text. */
const char *tocsin__scope_brings(const struct tocsin__image *image, char *buffer, size_t size);
/* Writes the reason why a plugin with unique symbols cannot be reloaded. Returns -ELIBACC. */
int tocsin__scope_refuse_reload(const struct tocsin__image *image,
                                const struct tocsin__reason *reason);

#endif
