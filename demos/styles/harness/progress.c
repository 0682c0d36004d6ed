#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t shown;

void progress_show(const char *text)
{
    size_t length = strlen(text);

    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%s%*s", text, length < shown ? (int)(shown - length) : 0, "");
    fflush(stderr);
    if (length > shown)
        shown = length;
}

void progress_clear(void)
{
    if (shown)
        fprintf(stderr, "\r%*s\r", (int)shown, "");
    shown = 0;
}
