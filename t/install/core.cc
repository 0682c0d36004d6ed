// The same test as core.c, but in C++.
#include <tocsin.h>

#define BELL_RUNG(F) F(string, by) F(i32, times)
TOCSIN_LAYOUT(bell_rung, BELL_RUNG);

static int on_rung(const tocsin_info *info, void *arg)
{
    *static_cast<int *>(arg) += bell_rung_of(info)->times;
    return TOCSIN_NEXT;
}

int main()
{
    int times = 0;
    auto spec = tocsin_signal_spec();
    auto rung = bell_rung_make();

    spec.name = "bell.rung";
    spec.doc = "The bell was rung.";
    spec.layout = &bell_rung_layout;
    rung.by = "the sexton";
    rung.times = 3;
    int signo = tocsin_declare(&spec);
    return tocsin_on("bell.rung", on_rung, &times) < 0 ||
           tocsin_emit(signo, &rung.tocsin) != TOCSIN_DELIVERED || times != 3 ||
           tocsin_loop_free() != 0;
}
