/* Helpers: promise() starts an operation that the test itself completes, and spawn() starts a
   fiber. The test takes the results of both. */
#ifndef TOCSIN_T_STYLE_FUTURES_H
#define TOCSIN_T_STYLE_FUTURES_H

#include <tocsin/provider.h>

#include "test.h"

TOCSIN__UNUSED static struct tocsin_op promise(void)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_op_new(NULL, TOCSIN_FUTURE, &op), 0);
    return op;
}

TOCSIN__UNUSED static struct tocsin_op spawn(tocsin_task task, void *arg)
{
    struct tocsin_op op;

    ck_assert_int_eq(tocsin_spawn(task, arg, TOCSIN_FUTURE, &op), 0);
    return op;
}

#endif
