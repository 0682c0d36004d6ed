/* A plugin that fetches a page repeatedly. It needs libtocsin-net, which is loaded together with
   the plugin. */
#include <tocsin.h>
#include <tocsin/http.h>
#include <tocsin/plugin.h>

#ifndef NAME
#define NAME "fetcher"
#endif
TOCSIN_PLUGIN(NAME, "1.0", "Fetches a page again and again.");

static int on_tick(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return tocsin_http_get(tocsin_setting("url", ""), NULL, NULL);
}

int tocsin_plugin_init(void)
{
    if (!*tocsin_setting("url", ""))
        return tocsin_plugin_fail(-EINVAL, "url: which page?");
    return tocsin_every(20, TOCSIN_EACH(on_tick), NULL);
}
