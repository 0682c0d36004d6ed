/* The built-in file of "tocsin run", used if the command line names none. */
#ifndef TOOLS_CONFIG_DEFAULT_H
#define TOOLS_CONFIG_DEFAULT_H

extern const char config_default[];
int default_print(void);

#endif
