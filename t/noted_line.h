/* Records the source line of a call, so that a test can compare it with the line that the library
   recorded. */
#ifndef TOCSIN_T_NOTED_LINE_H
#define TOCSIN_T_NOTED_LINE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

static int line;
#define noted(call) (line = __LINE__, (call))

/* Returns true if the text `where` ends with FOLDER/FILE:LINE. LINE must be the source line that
   noted() recorded. */
static bool is_line(const char *where, const char *file)
{
    const char *name = strstr(file, "t/contract/");
    char tail[64];

    snprintf(tail, sizeof tail, "%s:%d", name + strlen("t/"), line);
    return strlen(where) >= strlen(tail) && strcmp(where + strlen(where) - strlen(tail), tail) == 0;
}

#define check_line(where) ck_assert_msg(is_line(where, __FILE__), "%s is not line %d", where, line)

#endif
