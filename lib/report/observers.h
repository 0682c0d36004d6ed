/* The observers of TOCSIN_DEBUG=1. */
#ifndef TOCSIN_REPORT_OBSERVERS_H
#define TOCSIN_REPORT_OBSERVERS_H

#include <stdbool.h>

#include <tocsin/handler.h>

/* Connects them to the loop of the calling thread. */
void tocsin__observers_connect(void);
/* Whether the handler is one of them, so that the report leaves it out. */
bool tocsin__debug_own(struct tocsin_handler handler);

#endif
