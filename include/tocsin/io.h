/* Streams, listeners and datagrams, and <tocsin.h>: what a network program includes. */
#ifndef TOCSIN_IO_H
#define TOCSIN_IO_H

#include <tocsin.h>
#include <tocsin/datagram.h>
#include <tocsin/stream.h>
#include <tocsin/listen.h>

#endif
