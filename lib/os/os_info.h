/* Makes the payload of a real signal. */
#ifndef TOCSIN_OS_OS_INFO_H
#define TOCSIN_OS_OS_INFO_H

#include <signal.h>

#include <tocsin/os.h>

/* Sets the fields that the kernel provides for this si_code. This function is async-signal-safe. */
void tocsin__os_info_fill(struct tocsin_os_signal *what, const siginfo_t *info);

#endif
