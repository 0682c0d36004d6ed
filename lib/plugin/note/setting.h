/* The settings that a plugin's note declares. These functions read them, and check the values that
   a host gives. */
#ifndef TOCSIN_PLUGIN_NOTE_SETTING_H
#define TOCSIN_PLUGIN_NOTE_SETTING_H

#include <tocsin/plugin.h>
#include <tocsin/host.h>

#include "plugin/reason.h"

/* Reads the value "NAME TYPE: ABOUT" of a "setting" line. Returns NULL, or a text that says what is
   wrong. */
const char *tocsin__setting_read(const char *line, size_t size,
                                 struct tocsin_setting_facts *ret_facts);
/* Reads the value of a "default" line. Returns NULL, or a text that says what is wrong. */
const char *tocsin__setting_default(struct tocsin_setting_facts *facts, const char *value,
                                    size_t size);

/* Checks the settings of a host. `settings` is a list "key=value", …, NULL; or NULL if there are
   none. Returns 0; or -EINVAL if a key is not declared, a value does not fit its type, or a
   required setting is missing. */
int tocsin__settings_check(const char *plugin, const char *note, const char *const *settings,
                           const struct tocsin__reason *reason);

#endif
