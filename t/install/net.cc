// The same test as net.c, but in C++.
#include <tocsin/http.h>

static int on_done(const tocsin_info *info, void *arg)
{
    *static_cast<int *>(arg) = info->status;
    return TOCSIN_NEXT;
}

int main()
{
    int status = 0;

    return tocsin_http_get("gopher://127.0.0.1/", TOCSIN_CALL(on_done, &status), nullptr) < 0 ||
           tocsin_drain(-1) < 0 || tocsin_run() < 0 || status != TOCSIN_ESCHEME ||
           tocsin_loop_free() != 0;
}
