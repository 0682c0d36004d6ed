/* A plugin that exports nothing: its symbols cannot be counted. */
#include <tocsin/plugin.h>

TOCSIN_PLUGIN("closed", "1", "Exports nothing.");
