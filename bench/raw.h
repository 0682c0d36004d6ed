/* A list of handlers without anything else: what every registry is measured against. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <tocsin.h>

struct raw_list {
    int count;
    struct { tocsin_fn fn; void *arg; } items[16];
};

static inline void raw_loop(const struct raw_list *list, const struct tocsin_info *info)
{
    for (int i = 0; i < list->count; i++)
        list->items[i].fn(info, list->items[i].arg);
}

/* The loop in a shared object of its own, as any library's is. Some processors take 3 to 4 cycles more for a call or return
   between code that lies far apart, and a program and its shared objects do (seen on an AMD Zen 4). */
TOCSIN_API void raw_emit(const struct raw_list *list, const struct tocsin_info *info);

#endif
