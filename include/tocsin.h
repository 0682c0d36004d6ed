/* tocsin is a callback registry on an event loop. It is modelled on POSIX signals.

   A normal program includes this header only. Some programs also include further headers:
   <tocsin/plugin.h>      for a plugin; it includes this header
   <tocsin/host.h>        for a program that loads plugins
   <tocsin/io.h>          for streams and listeners; it includes this header
   <tocsin/provider.h>    for a program's own operations, and for promises
   <tocsin/posix.h>       sigprocmask and sigsuspend
   <tocsin/inspect.h>     facts of signals, handlers, queues and operations; the report
   <tocsin/owner.h>       the objects of the program and of each plugin, and their limits
   <tocsin/watchdog.h>    reports which handler blocks a loop
   <tocsin/crash.h>       reports a crash in one line
   <tocsin/text.h>        escapes foreign text
   <tocsin/inject.h>      faults and delays, for tests of a program
   <tocsin/leak_check.h>  tests of a plugin, in libtocsin-test
   <tocsin/http.h>        HTTP, in libtocsin-net

   The rules of the library have names such as E3, O2 or T6. The header that states such a rule puts
   the name in front of it. All other comments refer to the rule by its name. */
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
