/* The observers that TOCSIN_DEBUG=1 connects to each loop. */
#ifndef TOCSIN_REPORT_OBSERVERS_H
#define TOCSIN_REPORT_OBSERVERS_H

#include <stdbool.h>

#include <tocsin/handler.h>

/* Connects the observers to the loop of the calling thread. */
void tocsin__observers_connect(void);
/* Returns true if the handler is one of these observers, so that the report leaves it out. */
bool tocsin__debug_own(struct tocsin_handler handler);

#endif
