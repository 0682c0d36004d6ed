/* A plugin that handles the question before each line of the chat. The plugin refuses lines that
   contain a certain word. */
#include <tocsin/plugin.h>

#include "chat.h"

/* clang-format off */
TOCSIN_PLUGIN("polite", "1.0", "Refuses lines with a rude word."
    TOCSIN_CONSUMES("chat.may_say", CHAT_LINE)
    TOCSIN_SETTING("word", "string", "fool", "The word to refuse."));
/* clang-format on */

static int on_may_say(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    return strstr(chat_line_of(info)->text, tocsin_setting("word", "fool")) ? TOCSIN_STOP
                                                                            : TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    return tocsin_on("chat.may_say", on_may_say, NULL);
}
