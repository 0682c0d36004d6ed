/* Reports write errors on the standard error. The first error is reported. A later error is
   reported only if a write has succeeded since the last report. */
#ifndef PLUGINS_TROUBLE_H
#define PLUGINS_TROUBLE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/text.h>

struct trouble {
    const char *plugin, *lost;
    bool said;
};

/* Records the result of a write. The parameter `err` is 0 if the write succeeded. */
static inline void trouble_note(struct trouble *trouble, const char *where, int err)
{
    char plain[512];

    if (err < 0 && !trouble->said) {
        tocsin_text_plain(where, strlen(where), plain, sizeof plain);
        fprintf(stderr, "tocsin: plugin %s: cannot write %s: %s; %s\n", trouble->plugin, plain,
                strerror(-err), trouble->lost);
    }
    trouble->said = err < 0;
}

#endif
