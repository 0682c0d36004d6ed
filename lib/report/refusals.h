/* TOCSIN_DEBUG=1: prints the public calls that return an error. */
#ifndef TOCSIN_REPORT_REFUSALS_H
#define TOCSIN_REPORT_REFUSALS_H

#include <stddef.h>

/* From this call on, the library prints refusals. */
void tocsin__debug_refusals(void);
/* Returns the address in the program from which the library was called, or NULL if it is
   unknown. */
const void *tocsin__debug_caller(void);
/* Writes the file, the function or the address of `code` as text. */
void tocsin__debug_place(const void *code, char *buffer, size_t size);

#endif
