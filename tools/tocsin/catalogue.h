/* Collects the signals in the notes of all plugins, and checks that each signal has one layout. */
#ifndef TOOLS_CATALOGUE_H
#define TOOLS_CATALOGUE_H

#include <tocsin/plugin.h>
#include <tocsin/host.h>

#include "config/config.h"

struct catalogue;

struct catalogue *catalogue_new(void);
void catalogue_free(struct catalogue *catalogue);
/* Adds a plugin, whose section begins in this line. A second call for the same plugin does
   nothing. */
void catalogue_add(struct catalogue *catalogue, const struct tocsin_plugin_facts *facts, int line);
/* Reports plugins whose layouts of the same signal differ. */
void catalogue_check(struct catalogue *catalogue, struct config *config);
/* Reports names in [actions] that nothing declares: as an error if strict and no plugin maps a
   library that may declare them, otherwise as a warning. */
void catalogue_actions(const struct catalogue *catalogue, struct config *config, bool strict);

#endif
