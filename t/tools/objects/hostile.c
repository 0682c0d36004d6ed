/* A plugin with control characters in all its texts: its note, the documentation of its signal,
   its payload, and the reason for its failed init. */
#include <string.h>

#include <tocsin/plugin.h>

#define HOSTILE \
    "\xc2\x9b" \
    "31m\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf\xff\xc0\xaf\xed\xa0\x80 \xc3\xa4"

#define HOST_TICKED(F) F(u64, count)
#define HOSTILE_SAID(F) F(string, text) F(string, escape)
TOCSIN_LAYOUT(hostile_said, HOSTILE_SAID);
TOCSIN_PLUGIN("hostile", "1" HOSTILE,
              "Means harm: " HOSTILE TOCSIN_LICENCE("None " HOSTILE)
                  TOCSIN_EMITS("hostile.said", HOSTILE_SAID)
                      TOCSIN_CONSUMES("host.ticked", HOST_TICKED));

static int signo;

static int on_ticked(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_emit(
        signo, TOCSIN_PAYLOAD(hostile_said, .text = HOSTILE, .escape = "\033]0;x\a\177\r\n"));
}

int tocsin_plugin_init(void)
{
    if (strcmp(tocsin_setting("refuse", "no"), "yes") == 0)
        return tocsin_plugin_fail(-EINVAL, "because \033[2J" HOSTILE);
    signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "hostile.said", .layout = &hostile_said_layout, .doc = "Says \033[2J" HOSTILE });
    return signo < 0 ? signo : tocsin_on("host.ticked", on_ticked, NULL);
}
