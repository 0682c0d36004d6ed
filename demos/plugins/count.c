/* A plugin that counts words. A reload passes the count to the next version, so no word is lost. */
#include <tocsin/plugin.h>

#include "chat.h"

/* clang-format off */
TOCSIN_PLUGIN("count", "1.0", "Counts the words of the chat."
    TOCSIN_CONSUMES("chat.said", CHAT_LINE)
    TOCSIN_NO_SETTINGS);
/* clang-format on */

static unsigned words, loads;

static int on_said(const struct tocsin_info *info, void *arg)
{
    const char *text = chat_line_of(info)->text;

    (void)arg;
    for (; *(text += strspn(text, " ")); text += strcspn(text, " "))
        words++;
    printf("  count   | %u words so far\n", words);
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    struct tocsin_bytes left;

    if (tocsin_state_restore(1, &left) == 0) {
        memcpy(&words, left.data, sizeof words);
        memcpy(&loads, (const char *)left.data + sizeof words, sizeof loads);
    }
    printf("  count   | loaded for the %s time, starts at %u words\n",
           ++loads == 1 ? "first" : "second", words);
    return tocsin_on("chat.said", on_said, NULL);
}

void tocsin_plugin_fini(void)
{
    unsigned state[2] = { words, loads };

    tocsin_state_save(1, state, sizeof state);
}
