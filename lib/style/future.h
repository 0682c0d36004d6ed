#ifndef TOCSIN_STYLE_FUTURE_H
#define TOCSIN_STYLE_FUTURE_H

#include "op/op.h"

/* An operation whose result can be taken: -EINVAL, it does not keep one; -EBUSY, somebody waits for it. */
int tocsin__future_find(struct tocsin_op id, struct tocsin__op **ret_op);

#endif
