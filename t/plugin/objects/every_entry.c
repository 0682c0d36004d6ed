/* A plugin whose note has an entry of every kind. */
#include <tocsin.h>
#include <tocsin/plugin.h>

#define EVERY_SAID(F) F(string, text) F(u64, user)

TOCSIN_PLUGIN("every-entry_1", "2.3-rc1",
              "Says all: even \xc3\xa4." TOCSIN_LICENCE("MIT") TOCSIN_NEEDS("plain")
                  TOCSIN_NEEDS("other") TOCSIN_EMITS("every.said", EVERY_SAID)
                      TOCSIN_EMITS("every.done")
                          TOCSIN_CONSUMES("timer.expired", TOCSIN_TIMER_EXPIRED)
                              TOCSIN_CONSUMES("every.done"));

int tocsin_plugin_init(void)
{
    return 0;
}

void tocsin_plugin_fini(void)
{
}
