/* TOCSIN_DEBUG=1: the calls that are refused. */
#ifndef TOCSIN_REPORT_REFUSALS_H
#define TOCSIN_REPORT_REFUSALS_H

#include <stddef.h>

/* Prints refusals from now on. */
void tocsin__debug_refusals(void);
/* The address in the program that called the library; NULL: unknown. */
const void *tocsin__debug_caller(void);
/* File, function or address as text. */
void tocsin__debug_place(const void *code, char *buffer, size_t size);

#endif
