/* Everything that a network program includes: streams, listeners, and <tocsin.h>. */
#ifndef TOCSIN_IO_H
#define TOCSIN_IO_H

#include <tocsin.h>
#include <tocsin/stream.h>
#include <tocsin/listen.h>

#endif
