/* A plugin that exports no symbol. */
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("closed", "1", "Exports nothing.");
