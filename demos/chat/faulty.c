/* Fails at every line: the host goes on, and after a while does not call it any more. */
#include "chat.h"

TOCSIN_PLUGIN("faulty", "0.1", "Means well." TOCSIN_CONSUMES("chat.said", CHAT_LINE));

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
