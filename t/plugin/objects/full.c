/* A plugin whose note has an entry of every kind. */
#include <tocsin.h>
#include <tocsin/plugin.h>

#define FULL_SAID(F) F(string, text) F(u64, user)

TOCSIN_PLUGIN("full-1_x", "2.3-rc1",
              "Says all: even \xc3\xa4." TOCSIN_LICENCE("MIT") TOCSIN_NEEDS("plain")
                  TOCSIN_NEEDS("other") TOCSIN_EMITS("full.said", FULL_SAID)
                      TOCSIN_EMITS("full.done")
                          TOCSIN_CONSUMES("timer.expired", TOCSIN_TIMER_EXPIRED)
                              TOCSIN_CONSUMES("full.done"));

int tocsin_plugin_init(void)
{
    return 0;
}

void tocsin_plugin_fini(void)
{
}
