/* A bare list of handlers, with which the benchmarks compare tocsin and all other libraries. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <tocsin.h>

struct raw_list {
    int count;
    struct {
        tocsin_fn fn;
        void *arg;
    } items[16];
};

static inline void raw_loop(const struct raw_list *list, const struct tocsin_info *info)
{
    for (int i = 0; i < list->count; i++)
        list->items[i].fn(info, list->items[i].arg);
}

/* This function is in a shared object of its own, as it would be in a library. On some processors,
   a call between a program and a distant shared object takes 3 to 4 cycles more (measured on an AMD
   Zen 4). */
TOCSIN_API void raw_emit(const struct raw_list *list, const struct tocsin_info *info);

#endif
