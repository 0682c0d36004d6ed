/* Fetches a URL that cannot be fetched. The failure must pass through both installed libraries. */
#include <tocsin/http.h>

static int on_done(const struct tocsin_info *info, void *arg)
{
    *(int *)arg = info->status;
    return TOCSIN_NEXT;
}

int main(void)
{
    int status = 0;

    return tocsin_http_get("gopher://127.0.0.1/", TOCSIN_CALL(on_done, &status), NULL) < 0 ||
           tocsin_drain(-1) < 0 || tocsin_run() < 0 || status != TOCSIN_ESCHEME ||
           tocsin_loop_free() != 0;
}
