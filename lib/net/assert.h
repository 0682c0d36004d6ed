/* tocsin__net_assert(condition) checks an invariant in builds with --enable-debug or with
   sanitizers. In other builds the condition is not evaluated. */
#ifndef TOCSIN_NET_ASSERT_H
#define TOCSIN_NET_ASSERT_H

#include <assert.h>

#if TOCSIN__DEBUG
#define tocsin__net_assert(condition) assert(condition)
#else
#define tocsin__net_assert(condition) ((void)(0 && (condition)))
#endif

#endif
