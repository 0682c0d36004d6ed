/* A plugin that fails at every line. The host keeps running. After several failures, the library
   does not call this plugin any more. */
#include <tocsin/plugin.h>

#include "chat.h"

/* clang-format off */
TOCSIN_PLUGIN("faulty", "0.1", "Fails at every line."
    TOCSIN_CONSUMES("chat.said", CHAT_LINE)
    TOCSIN_NO_SETTINGS);
/* clang-format on */

static int on_said(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    printf("  faulty  | fails\n");
    return -EIO;
}

int tocsin_plugin_init(void)
{
    return tocsin_on("chat.said", on_said, NULL);
}
