/* Operations with TOCSIN_FUTURE, which keep their result. */
#ifndef TOCSIN_STYLE_FUTURE_H
#define TOCSIN_STYLE_FUTURE_H

#include "op/op.h"

/* Finds an operation whose result the caller may take. -EINVAL: it was not started with
 * TOCSIN_FUTURE; -EBUSY: it has a waiter already; and the errors of tocsin__op_find. */
int tocsin__future_find(struct tocsin_op id, struct tocsin__op **ret_op);

#endif
