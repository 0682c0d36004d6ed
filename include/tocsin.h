/* tocsin: a callback registry modelled on POSIX signals, on an event loop.

   This header is what a normal program needs. Others are included by the programs that need them:
   <tocsin/plugin.h>      a plugin; it includes this header
   <tocsin/host.h>        a program that loads plugins
   <tocsin/io.h>          streams and listeners; it includes this header
   <tocsin/provider.h>    operations of one's own, promises
   <tocsin/posix.h>       sigprocmask and sigsuspend
   <tocsin/inspect.h>     facts of signals, handlers, queues, operations; the report
   <tocsin/owner.h>       what the program and each plugin hold, and their limits
   <tocsin/watchdog.h>    which handler blocks a loop
   <tocsin/crash.h>       a line about a crash
   <tocsin/text.h>        escaping of foreign text
   <tocsin/inject.h>      faults and delays, for tests of a program
   <tocsin/leak_check.h>  tests of a plugin, in libtocsin-test
   <tocsin/http.h>        HTTP, in libtocsin-net */
#ifndef TOCSIN_H
#define TOCSIN_H

#include <tocsin/base.h>
#include <tocsin/payload.h>
#include <tocsin/info.h>
#include <tocsin/signal.h>
#include <tocsin/source.h>
#include <tocsin/handler.h>
#include <tocsin/mask.h>
#include <tocsin/emit.h>
#include <tocsin/post.h>
#include <tocsin/loop.h>
#include <tocsin/os.h>
#include <tocsin/op.h>
#include <tocsin/timer.h>
#include <tocsin/watch.h>
#include <tocsin/work.h>
#include <tocsin/queue.h>
#include <tocsin/future.h>
#include <tocsin/fiber.h>

#endif
