/* Compares a plugin's symbols with those of the process: which ones the dynamic linker would bind
   to another object's definition, and which ones it could not bind at all. */
#ifndef TOCSIN_PLUGIN_SCOPE_H
#define TOCSIN_PLUGIN_SCOPE_H

#include "plugin/image.h"

/* 0; -ENOMEM; or -ELIBACC and the reason. Reasons: the program or one of its libraries defines the
   same symbol; nothing provides an import; the process has a unique symbol of the same name with
   another size, or from an earlier version of the plugin. */
int tocsin__scope_check(const struct tocsin__image *image, const struct tocsin__reason *reason);
/* Writes warnings about a plugin that can be loaded. False: no warnings. */
bool tocsin__scope_warn(const struct tocsin__image *image, const struct tocsin__reason *reason);
/* The dependencies that are not mapped yet, separated by spaces. */
const char *tocsin__scope_brings(const struct tocsin__image *image, char *buffer, size_t size);
/* Writes why a plugin with unique symbols cannot be reloaded, and returns -ELIBACC. */
int tocsin__scope_refuse_reload(const struct tocsin__image *image,
                                const struct tocsin__reason *reason);

#endif
