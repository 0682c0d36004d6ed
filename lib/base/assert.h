/* tocsin__assert(condition) checks an invariant of the library in builds with --enable-debug or
   with sanitizers. In every other build it generates no code and does not evaluate its condition.
 */
#ifndef TOCSIN_BASE_ASSERT_H
#define TOCSIN_BASE_ASSERT_H

/* Prints file:line and the condition on standard error, then aborts. This function is
   async-signal-safe. */
void tocsin__assert_fail(const char *condition, const char *file, int line)
    __attribute__((noreturn, cold));

#if TOCSIN__DEBUG
#define tocsin__assert(condition) \
    ((condition) ? (void)0 : tocsin__assert_fail(#condition, __FILE__, __LINE__))
#else
#define tocsin__assert(condition) ((void)(0 && (condition)))
#endif

#endif
