/* Usage: logged FILE   The program fetches a page, and a plugin writes the log. */
#include <tocsin/host.h>

#include "page.h"

int main(int argc, char *argv[])
{
    char file[256];
    struct tocsin_op op;

    if (argc != 2)
        return 2;
    snprintf(file, sizeof file, "file=%s", argv[1]);
    if (tocsin_http_setup(NULL) < 0 ||
        tocsin_plugin_load("accesslog", (const char *[]){ file, NULL }) < 0 ||
        tocsin_http_get(URL, TOCSIN_CALL(show), NULL) < 0 || tocsin_drain(-1) < 0 ||
        tocsin_run() < 0) {
        fprintf(stderr, "%s\n", tocsin_plugin_last_error());
        return 1;
    }
    return tocsin_plugin_unload("accesslog", TOCSIN_FUTURE, &op) < 0 ||
           tocsin_wait(op, -1, NULL) < 0;
}
