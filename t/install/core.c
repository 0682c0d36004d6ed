/* Tests that the installed header and the installed library belong together. The program declares a
   signal, connects a handler and emits the signal. */
#include <tocsin.h>

#define BELL_RUNG(F) F(string, by) F(i32, times)
TOCSIN_LAYOUT(bell_rung, BELL_RUNG);

static int on_rung(const struct tocsin_info *info, void *arg)
{
    *(int *)arg += bell_rung_of(info)->times;
    return TOCSIN_NEXT;
}

int main(void)
{
    int times = 0;
    int rung = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "bell.rung", .doc = "The bell was rung.", .layout = &bell_rung_layout });

    return tocsin_on("bell.rung", on_rung, &times) < 0 ||
           tocsin_emit(rung, TOCSIN_PAYLOAD(bell_rung, .by = "the sexton", .times = 3)) !=
               TOCSIN_DELIVERED ||
           times != 3 || tocsin_loop_free() != 0;
}
