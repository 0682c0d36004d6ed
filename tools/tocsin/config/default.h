/* The built-in file of "tocsin run". It is used if the command line names no file. */
#ifndef TOOLS_CONFIG_DEFAULT_H
#define TOOLS_CONFIG_DEFAULT_H

extern const char config_default[];
int default_print(void);

#endif
