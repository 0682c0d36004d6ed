/* A plugin that declares its settings. Its constructor increments a counter of the test, which
   shows that the plugin was mapped. */
#include <stdio.h>
#include <string.h>

#include "host.h"

TOCSIN_PLUGIN("settled", "1",
              "Has settings." TOCSIN_SETTING_REQUIRED("to", "string", "Where to.")
                  TOCSIN_SETTING("every_ms", "u64 1..1000", "10", "How often.")
                      TOCSIN_SETTING("words", "string", "", "What.")
                          TOCSIN_SETTING_OPTIONAL("seed", "u64", "A number."));

static char seen[256];

static __attribute__((constructor)) void begin(void)
{
    host.woken++;
}

int tocsin_plugin_init(void)
{
    snprintf(seen, sizeof seen, "%s|%s|%s|%s", tocsin_setting("to", "?"),
             tocsin_setting("every_ms", "?"), tocsin_setting("words", "?"),
             tocsin_setting("seed", "?"));
    host.version = (int)strlen(seen);
    return strcmp(tocsin_setting("to", ""), "say") == 0 ? tocsin_plugin_fail(-EIO, seen) : 0;
}
