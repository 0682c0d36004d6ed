/* Steps of loading a plugin. A reload uses them, too. */
#ifndef TOCSIN_PLUGIN_LOAD_H
#define TOCSIN_PLUGIN_LOAD_H

#include "plugin/plugin.h"

/* Reads a plugin's file and checks it against the registry and the other plugins. `reloaded` is the
 * name of the plugin that the file must contain and may replace. If `reloaded` is NULL, the file
 * must contain a plugin that is not loaded. If `loads_needs` is true, also loads the plugins that
 * this plugin needs. Returns NULL if the file could not be read. If the file was read but is
 * refused, the result is not NULL and *ret_err is negative. */
struct tocsin__image *tocsin__load_read(const char *name, const char *reloaded, bool loads_needs,
                                        const struct tocsin__reason *reason, int *ret_err);

/* Maps an image, makes it the plugin's image, calls its init, and checks the signals that it
   declared. If this fails, the caller must discard what the init began (tocsin__unload_image). */
int tocsin__load_start(struct tocsin__plugin *plugin, struct tocsin__image *image,
                       const struct tocsin__reason *reason);

#endif
