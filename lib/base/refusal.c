#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/provider.h>

#include "base/refusal.h"

/* The sentence that this thread has stored to explain an error. The variable does not use the
   initial-exec TLS model, because static TLS is scarce, and only TOCSIN_DEBUG=1 uses the
   sentence. */
static __thread struct {
    int err;
    char text[512];
} kept;

int(tocsin__because)(int err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(kept.text, sizeof kept.text, format, arguments);
    va_end(arguments);
    kept.err = err;
    return err;
}

void tocsin__because_more(const char *text)
{
    size_t size = strlen(kept.text);

    if (kept.err && size && strncmp(text, kept.text, size) == 0)
        snprintf(kept.text, sizeof kept.text, "%s", text);
}

void tocsin__remark(const char *format, ...)
{
    char text[512];
    va_list arguments;

    if (!tocsin__debug.remark)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tocsin__debug.remark(text);
}

const char *tocsin__reason_take(int err)
{
    bool its = kept.err == err;

    kept.err = 0;
    return its ? kept.text : NULL;
}

int tocsin_refuse(const char *function, int err, const char *why)
{
    if (err < 0 && why)
        tocsin__because(err, "%s", why);
    return tocsin__traced_by(function ? function : "?", NULL, NULL, false, err);
}
