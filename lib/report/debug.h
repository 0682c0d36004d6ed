/* TOCSIN_DEBUG=1, and the report. */
#ifndef TOCSIN_REPORT_DEBUG_H
#define TOCSIN_REPORT_DEBUG_H

#include <tocsin/handler.h>

bool tocsin__debug_own(struct tocsin_handler handler);           /* of what TOCSIN_DEBUG=1 has connected: no news */

#endif
