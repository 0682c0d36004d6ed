#include "raw.h"

void raw_emit(const struct raw_list *list, const struct tocsin_info *info)
{
    raw_loop(list, info);
}
