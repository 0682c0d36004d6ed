/* Parses the text of an INI file into a configuration. */
#ifndef TOOLS_CONFIG_PARSE_H
#define TOOLS_CONFIG_PARSE_H

#include "config/config.h"

/* Adds the sections and entries of the text to config. Reports errors, and counts them in
   config->errors. */
void config_parse(struct config *config, const char *text);

#endif
