/* A plugin that emits an unusual payload at each tick. The text is not UTF-8, is NULL, or is a
   megabyte long. The numbers cannot be expressed in JSON. The bytes contain a NUL. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/plugin.h>

#define ODD_SAID(F) \
    F(string, text) \
    F(string, none) \
    F(string, long_one) F(f64, nan) F(f64, infinite) F(bytes, raw) F(bytes, empty) F(bool, yes) \
        F(i32, least) F(u64, most) F(fd, fd) F(object, thing) F(op, op)
TOCSIN_LAYOUT(odd_said, ODD_SAID);
TOCSIN_PLUGIN("odd", "1", "Says odd things." TOCSIN_EMITS("odd.said", ODD_SAID));

static int signo;
static char *long_one;

static int on_ticked(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_emit(
        signo, TOCSIN_PAYLOAD(odd_said, .text = "a \"b\" \\ \x01\n\x7f \xff\xc0\xaf end",
                              .none = NULL, .long_one = long_one, .nan = NAN, .infinite = -INFINITY,
                              .raw = { "\0\n\xff", 3 }, .yes = true, .least = INT32_MIN,
                              .most = UINT64_MAX, .fd = -1, .op = { { 0x100000001 } }));
}

int tocsin_plugin_init(void)
{
    size_t size = (size_t)atol(tocsin_setting("size", "10"));

    signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "odd.said", .doc = "Something odd.", .layout = &odd_said_layout });
    long_one = malloc(size + 1);
    if (signo < 0 || !long_one)
        return signo < 0 ? signo : -ENOMEM;
    memset(long_one, 'x', size);
    long_one[size] = '\0';
    return tocsin_on("host.ticked", on_ticked, NULL);
}

void tocsin_plugin_fini(void)
{
    free(long_one);
}
