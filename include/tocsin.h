/* tocsin: a callback registry modelled on POSIX signals, on an event loop. The one header that a program needs;
   <tocsin/http.h> comes with the second library, libtocsin-net; <tocsin/trial.h> is for the tests of plugins. */
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
#include <tocsin/watchdog.h>
#include <tocsin/work.h>
#include <tocsin/exec.h>
#include <tocsin/queue.h>
#include <tocsin/future.h>
#include <tocsin/fiber.h>
#include <tocsin/inspect.h>
#include <tocsin/owner.h>
#include <tocsin/plugin.h>

#endif
