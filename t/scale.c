/* Functions that adapt a test to a sanitizer or to valgrind, where everything takes longer: fewer
   rounds, and longer time limits. */
#include <stdio.h>

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#include "test.h"

bool test_on_valgrind(void)
{
    return RUNNING_ON_VALGRIND;
}

long test_scaled(long count, int sanitized, int valgrind)
{
    return RUNNING_ON_VALGRIND ? count / valgrind : SANITIZED ? count / sanitized : count;
}

int64_t test_longer_ms(int64_t ms)
{
    return RUNNING_ON_VALGRIND ? 8 * ms : SANITIZED ? 3 * ms : ms;
}

void test_skip(const char *what, const char *why)
{
    printf("skip: %s: %s\n", what, why);
    fflush(stdout);
}
