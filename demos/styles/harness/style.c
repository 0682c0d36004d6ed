#include "style.h"

#include "../job.h"
#include "demos/styles/lines.h"

#define STYLE(name, kind) \
    { \
#name, kind, name, LINES_##name \
    }

const struct style styles[STYLES] = {
    STYLE(synchronous, STYLE_BLOCKS), STYLE(threads, STYLE_THREADS), STYLE(callback, STYLE_LOOPS),
    STYLE(future, STYLE_LOOPS),       STYLE(queue, STYLE_LOOPS),     STYLE(registry, STYLE_LOOPS),
    STYLE(coroutine, STYLE_LOOPS),
};
