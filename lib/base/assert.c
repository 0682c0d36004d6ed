/* Ends the process if an invariant of the library does not hold. */
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/words.h"

void tocsin__assert_fail(const char *condition, const char *file, int line)
{
    char text[512];
    struct tocsin__text_builder message = tocsin__text_builder(text, sizeof text);

    tocsin__text_add(&message, file);
    tocsin__text_add(&message, ":");
    tocsin__text_add_number(&message, (uint64_t)line);
    tocsin__text_add(&message, ": invariant violated: ");
    tocsin__text_add(&message, condition);
    tocsin__text_add(&message, "\n");
    if (write(STDERR_FILENO, text, message.used) < 0) /* The result of write is not used: if it
                                                       * fails, the process still ends. */
        abort();
    abort();
}
