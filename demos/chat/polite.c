/* Is asked before each line, and objects to one word. */
#include "chat.h"

TOCSIN_PLUGIN("polite", "1.0", "Nobody is called a fool." TOCSIN_CONSUMES("chat.may_say", CHAT_LINE));

static int judge(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    return strstr(chat_line_of(info)->text, tocsin_setting("word", "fool")) ? TOCSIN_STOP : TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    return tocsin_on("chat.may_say", judge, NULL);
}
