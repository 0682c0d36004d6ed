/* The names of the real signals: os.sigint and so on. A name is declared when the program first
   uses it. If all these names were declared in advance, making the first loop would cost twice as
   much. */
#ifndef TOCSIN_REGISTRY_OS_NAMES_H
#define TOCSIN_REGISTRY_OS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct tocsin__signal;

/* the largest signal number, so a uint64_t holds a set of signal numbers */
enum { TOCSIN__OS_MOST = 64 };

/* Declares every real signal that a name, or one item of a pattern, stands for. A text that
 * stands for no real signal is not an error. Returns 0, -ENOMEM, or -ENOSPC if there are too
 * many names. */
int tocsin__os_named(const char *text, size_t size);
/* Returns the name of a standard signal by its index, which begins at 0. Returns NULL if the index
 * is larger than the last one. */
const char *tocsin__os_name(int index);
/* Returns the signo of a real signal, or 0 if the signal is not declared yet. Any thread may call
   this function, which is async-signal-safe. */
int tocsin__os_signo(int number);
/* Returns the number of the real signal that this signal stands for, or 0 if the signal is not a
   real signal. */
int tocsin__os_number(const struct tocsin__signal *signal);
/* Returns true if no handler can be installed for the real signal (S3). */
bool tocsin__os_excluded(int number);

#endif
