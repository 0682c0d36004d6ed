// Handlers in C++ throw an exception out of an emission, a turn, a notify and a fiber's handler.
// The program catches the exception and continues. cpp_exception.sh compares what the program
// prints.
#include <cstdio>
#include <stdexcept>

#include <tocsin.h>

static int calls, throws;

static int on_said(const struct tocsin_info *, void *)
{
    calls++;
    if (throws-- > 0)
        throw std::runtime_error("no");
    return TOCSIN_NEXT;
}

template <typename Call> static void attempt(const char *what, Call call)
{
    throws = 1;
    calls = 0;
    try {
        call();
        std::printf("%s: nothing was thrown\n", what);
    } catch (const std::exception &e) {
        std::printf("%s: caught %s, ", what, e.what());
    }
}

static void after(int said)
{
    int before = calls, turn = tocsin_loop_turn(0), emitted = tocsin_emit(said, nullptr);

    std::printf("turn %s, emitted %d, calls %d\n", turn >= 0 ? "runs" : tocsin_strerror(turn),
                emitted, calls - before);
}

int main()
{
    tocsin_signal_spec spec{};
    spec.name = "thrown.said";
    spec.doc = "Said.";
    int said = tocsin_declare(&spec);

    tocsin_on("thrown.said", on_said, nullptr);
    attempt("emit", [=] { tocsin_emit(said, nullptr); });
    after(said);
    attempt("turn", [=] {
        tocsin_post(said, nullptr);
        tocsin_loop_turn(0);
    });
    after(said);
    attempt("notify", [] {
        tocsin_timer(0, TOCSIN_CALL(on_said), nullptr);
        tocsin_run();
    });
    after(said);
    std::printf("free %d\n", tocsin_loop_free());
}
