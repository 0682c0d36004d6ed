/* The payload of a real signal. */
#ifndef TOCSIN_OS_OS_INFO_H
#define TOCSIN_OS_OS_INFO_H

#include <signal.h>

#include <tocsin/os.h>

/* Async-signal-safe. Fills the fields that the kernel gives for this si_code. */
void tocsin__os_info_fill(struct tocsin_os_signal *what, const siginfo_t *info);

#endif
