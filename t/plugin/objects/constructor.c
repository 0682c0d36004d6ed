/* The source of plugins that must be refused before they are mapped: one needs another ABI, one
   declares another layout of a signal, and one has no init. Their constructor creates a file. If a
   test finds this file, the plugin was mapped. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"

#ifdef ABI
#undef TOCSIN_ABI
#define TOCSIN_ABI 2
#endif

#define OTHER_CALLED(F) F(string, number)

TOCSIN_PLUGIN("constructor", "1",
              "Acts before it is asked." TOCSIN_CONSUMES("host.called", OTHER_CALLED));

static __attribute__((constructor)) void begin(void)
{
    const char *path = getenv("CONSTRUCTOR_FILE");
    int fd = path ? open(path, O_CREAT | O_WRONLY, 0600) : -1;

    if (fd >= 0)
        close(fd);
}

#ifdef NO_INIT
void tocsin_plugin_fini(void)
{
}
#else
int tocsin_plugin_init(void)
{
    return 0;
}
#endif
