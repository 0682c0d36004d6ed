/* The function that sigaction installs (sa_sigaction) for all real signals that are taken over. */
#ifndef TOCSIN_OS_OS_HANDLER_H
#define TOCSIN_OS_OS_HANDLER_H

#include <signal.h>

void tocsin__os_handler(int number, siginfo_t *info, void *context);

#endif
