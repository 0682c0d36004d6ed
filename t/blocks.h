/* Helpers for tests with blocks, and a type of object that counts its references. A test puts such
   an object into a payload. While an emission is pending behind a block, it must keep a reference
   to the object. */
#ifndef TOCSIN_T_BLOCKS_H
#define TOCSIN_T_BLOCKS_H

#include "test.h"

/* the number of references to objects whose operations are `shared` */
TOCSIN__UNUSED static int refs;

TOCSIN__UNUSED static int ref(void *object)
{
    (void)object;
    refs++;
    return 0;
}

TOCSIN__UNUSED static void unref(void *object)
{
    (void)object;
    refs--;
}

TOCSIN__UNUSED static const struct tocsin_object_ops shared = { .name = "thing",
                                                                .ref = ref,
                                                                .unref = unref };

TOCSIN__UNUSED static struct tocsin_block block(const char *pattern)
{
    struct tocsin_block token;

    ck_assert_int_eq(tocsin_block(pattern, &token), 0);
    return token;
}

TOCSIN__UNUSED static void unblock(struct tocsin_block token)
{
    ck_assert_int_eq(tocsin_unblock(token), 0);
}

#endif
