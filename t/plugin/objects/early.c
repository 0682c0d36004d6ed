/* The source of plugins that must be refused before they are mapped. If a plugin is mapped, its
   constructor writes a file, which the test finds. One plugin has another ABI, one has another
   layout of a signal, and one has no init. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"

#ifdef ABI
#undef TOCSIN_ABI
#define TOCSIN_ABI 2
#endif

#define OTHER_CALLED(F) F(string, number)

TOCSIN_PLUGIN("early", "1",
              "Acts before it is asked." TOCSIN_CONSUMES("host.called", OTHER_CALLED));

static __attribute__((constructor)) void begin(void)
{
    const char *path = getenv("EARLY_FILE");
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
