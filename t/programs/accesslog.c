/* A plugin that prints a line for each completed fetch. */
#include <stdio.h>
#include <tocsin.h>
#include <tocsin/http.h>
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("accesslog", "1.0",
              "Writes a line for each page that was fetched." TOCSIN_CONSUMES(
                  "http.client.done", TOCSIN_HTTP_CLIENT_DONE));

static FILE *file;

static int on_done(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_http_client_done *fetch = tocsin_http_client_done_of(info);

    (void)arg;
    fprintf(file, "%s %d %zu\n", fetch->url, fetch->code, fetch->body.size);
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    file = fopen(tocsin_setting("file", "/dev/stderr"), "ae");
    if (!file)
        return -errno;
    return tocsin_observe("http.client.done", &(struct tocsin_action){ .fn = on_done }, NULL);
}

void tocsin_plugin_fini(void)
{
    fclose(file);
}
