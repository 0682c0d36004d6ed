#include "page.h"

int main(void)
{
    return tocsin_http_get(URL, TOCSIN_CALL(show), NULL) < 0 || tocsin_drain(-1) < 0 ||
           tocsin_run() < 0;
}
