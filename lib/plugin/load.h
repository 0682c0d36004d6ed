/* Loading. */
#ifndef TOCSIN_PLUGIN_LOAD_H
#define TOCSIN_PLUGIN_LOAD_H

#include "plugin/plugin.h"

/* Reads a plugin's file and checks it against the registry and the other plugins. `reloaded` is the
   name of the plugin that the file must contain, and may replace; NULL: a plugin that is not
   loaded. With `loads_needs`, loads the plugins that it needs. The result is NULL if the file could
   not be read; if it was read but is refused, *ret_err says so. */
struct tocsin__image *tocsin__load_read(const char *name, const char *reloaded, bool loads_needs,
                                        const struct tocsin__reason *reason, int *ret_err);

/* Maps an image, makes it the plugin's, calls its init, and checks what it declared. If that fails,
   the caller must discard what the init began: tocsin__unload_image. */
int tocsin__load_start(struct tocsin__plugin *plugin, struct tocsin__image *image,
                       const struct tocsin__reason *reason);

#endif
