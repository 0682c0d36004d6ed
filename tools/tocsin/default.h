/* What "tocsin run" runs where no file is named: something one can see. */
#ifndef TOOLS_DEFAULT_H
#define TOOLS_DEFAULT_H

extern const char config_default[];
int default_print(void);

#endif
