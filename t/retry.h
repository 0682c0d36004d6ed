/* A test makes an allocation fail, or a call that opens a descriptor. The macro retried() then
   repeats the failed call of the library once. */
#ifndef TOCSIN_T_RETRY_H
#define TOCSIN_T_RETRY_H

#include <errno.h>
#include <stdbool.h>

/* The number of calls that failed with -ENOMEM or -EMFILE. Some tests also count calls that
   returned NULL. */
static int failures;

static bool failed(int result)
{
    failures += result == -ENOMEM || result == -EMFILE;
    return result == -ENOMEM || result == -EMFILE;
}

/* Makes the call. If the call fails with -ENOMEM or -EMFILE, the macro makes the call again. The
   macro's value is the result of the last call. */
#define retried(call) \
    ({ \
        int result_ = (call); \
        if (failed(result_)) \
            result_ = (call); \
        result_; \
    })

#endif
