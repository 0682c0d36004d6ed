/* Collects the signals in the notes of all plugins, and checks that each signal has one layout. */
#ifndef TOOLS_CATALOGUE_H
#define TOOLS_CATALOGUE_H

#include <tocsin/plugin.h>
#include <tocsin/host.h>

#include "config/config.h"

struct catalogue;

struct catalogue *catalogue_new(void);
void catalogue_free(struct catalogue *catalogue);
/* Adds a plugin whose section begins in this line of the file. A second call for the same plugin
   does nothing. */
void catalogue_add(struct catalogue *catalogue, const struct tocsin_plugin_facts *facts, int line);
/* Reports plugins that declare different layouts for the same signal. */
void catalogue_check(struct catalogue *catalogue, struct config *config);
/* Reports names in [actions] that nothing declares, as a warning. If strict is true, the report is
   an error, unless a plugin maps a library that may declare the name. */
void catalogue_actions(const struct catalogue *catalogue, struct config *config, bool strict);

#endif
