/* The names of the real signals: os.sigint and so on. A name is declared when the program first
   uses it: if all were declared in advance, making the first loop would cost twice as much. */
#ifndef TOCSIN_REGISTRY_OS_NAMES_H
#define TOCSIN_REGISTRY_OS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct tocsin__signal;

/* signal numbers are at most this, so a uint64_t holds a set of them */
enum { TOCSIN__OS_MOST = 64 };

/* Declares every real signal that a name, or one item of a pattern, stands for. A text that stands
   for none is no error. -ENOMEM, -ENOSPC */
int tocsin__os_named(const char *text, size_t size);
/* the names of the standard signals, by index from 0; NULL: no more */
const char *tocsin__os_name(int index);
/* the signo of a real signal; 0: not declared yet. Any thread, async-signal-safe */
int tocsin__os_signo(int number);
/* the reverse; 0: not a real signal */
int tocsin__os_number(const struct tocsin__signal *signal);
/* whether no handler can be installed for the real signal (S3) */
bool tocsin__os_excluded(int number);

#endif
