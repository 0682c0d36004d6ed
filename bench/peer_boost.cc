/* Usage: peer_boost HANDLERS HOW. Measures an emission of Boost.Signals2, which bench/emit compares
   with tocsin. */
#include "bench.h"

#include <boost/signals2.hpp>
#include <cstdlib>

struct said {
    const char *text;
    uint64_t user;
};

struct emitter {
    boost::signals2::signal<void(const said *)> signal;
    said payload = { "hello", 7 };
    uint64_t heard = 0, emitted = 0;
};

static void bench_handler(const said *, uint64_t *heard)
{
    ++*heard;
}

/* The emission is a function that is never inlined. Otherwise the compiler would inline it into the
   benchmark's loop, and its cost would not be counted. */
__attribute__((noinline)) static void emit(emitter &from)
{
    from.signal(&from.payload);
}

static void bench_emit(void *arg, long count)
{
    auto *from = static_cast<emitter *>(arg);

    from->emitted += static_cast<uint64_t>(count);
    while (count-- > 0)
        emit(*from);
}

int main(int argc, char **argv)
{
    int handlers = argc == 3 ? std::atoi(argv[1]) : -1;
    emitter from;

    if (handlers < 0)
        return 2;
    for (int i = 0; i < handlers; i++)
        from.signal.connect([&from](const said *payload) { bench_handler(payload, &from.heard); });
    int err = bench_obey(argv[2], bench_emit, &from);
    return err || from.heard != from.emitted * static_cast<uint64_t>(handlers);
}
