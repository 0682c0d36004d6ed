#include "page.h"

int main(void)
{
    return tocsin_on("http.client.done", show, NULL) < 0 || tocsin_http_get(URL, NULL, NULL) < 0 ||
           tocsin_drain(-1) < 0 || tocsin_run() < 0;
}
