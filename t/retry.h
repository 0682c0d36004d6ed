/* Repeats a call once if it failed because a test made an allocation or a call that opens a
   descriptor fail. */
#ifndef TOCSIN_T_RETRY_H
#define TOCSIN_T_RETRY_H

#include <errno.h>
#include <stdbool.h>

/* the number of calls that failed in this way; some tests also count calls that returned NULL */
static int failures;

static bool failed(int result)
{
    failures += result == -ENOMEM || result == -EMFILE;
    return result == -ENOMEM || result == -EMFILE;
}

/* Makes the call, and makes it again if it failed with -ENOMEM or -EMFILE. The value is the last
   result. */
#define retried(call) \
    ({ \
        int result_ = (call); \
        if (failed(result_)) \
            result_ = (call); \
        result_; \
    })

#endif
