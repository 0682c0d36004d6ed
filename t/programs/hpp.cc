// Tests tocsin.hpp as a user writes programs with it. The destructor of an id ends the object. A
// callable is destroyed once. An error is stored in the id.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include <poll.h>
#include <unistd.h>

#include <tocsin.hpp>

#define HPP_SAID(F) F(string, text) F(i32, times)
TOCSIN_LAYOUT(hpp_said, HPP_SAID);

static int said, failures;

static void expect(bool holds, int line, const char *text)
{
    if (!holds)
        std::printf("line %d: %s\n", line, text), failures++;
}
#define EXPECT(what) expect(static_cast<bool>(what), __LINE__, #what)

static tocsin::options with(int priority, unsigned flags)
{
    tocsin::options made;

    made.priority = priority;
    made.flags = flags;
    return made;
}

// Counts the callables that exist: each callable below holds one token.
static int alive;
struct token {
    token()
    {
        alive++;
    }
    token(const token &)
    {
        alive++;
    }
    token(token &&) noexcept
    {
        alive++;
    }
    ~token()
    {
        alive--;
    }
};

static void say(const char *text, int times)
{
    auto line = hpp_said_make();

    line.text = text;
    line.times = times;
    tocsin::emit(said, line);
}

static void turns_until(const bool &done)
{
    while (!done)
        EXPECT(tocsin_loop_turn(-1) >= 0);
}

static void handlers()
{
    std::string heard;
    int calls = 0;
    token held;

    {
        auto one = tocsin::on("hpp.said", [&heard, held](const tocsin_info &info) {
            heard += hpp_said_of(&info)->text;
        });
        auto two = tocsin::on(
            "hpp.*",
            [&calls] {
                calls++;
                return TOCSIN_NEXT;
            },
            with(5, 0), TOCSIN_HERE);
        auto seen = tocsin::observe("hpp.said", [&calls] { calls += 10; });

        EXPECT(one && two && seen && !one.error());
        say("a", 1);
        one = std::move(two); /* the assignment ends the handler that `one` had before */
        EXPECT(!two && alive == 1);
        say("b", 1);
        EXPECT(heard == "a" && calls == 22);
    }
    say("c", 1);
    EXPECT(heard == "a" && calls == 22 && alive == 1);

    auto none = tocsin::on("hpp.sadi", [held] {});
    EXPECT(!none && none.error() == -ENOENT && alive == 1);

    auto once = tocsin::on(
        "hpp.said", [&calls, held] { calls = 0; }, with(0, TOCSIN_ONCE));
    say("d", 1);
    EXPECT(calls == 0 && alive == 1);
}

// A handler ends itself. Its callable must live until the handler has returned.
static void ends_itself()
{
    tocsin::handler self;
    int calls = 0;

    self = tocsin::on("hpp.said", [&, held = token()] {
        self.reset();
        EXPECT(alive == 1);
        calls++;
    });
    say("a", 1);
    say("b", 1);
    EXPECT(calls == 1 && alive == 0);
}

static void throws()
{
    int failed = 0;
    auto bad = tocsin::on("hpp.said", [] { throw std::runtime_error("no"); });
    auto told = tocsin::on("tocsin.handler.failed", [&](const tocsin_info &info) {
        failed = tocsin_handler_failed_of(&info)->error;
    });
    auto after = tocsin::on("hpp.said", [&](const tocsin_info &) { failed++; });

    say("a", 1);
    EXPECT(failed == -ECANCELED + 1 || failed == -ECANCELED);
    EXPECT(tocsin_loop_turn(0) >= 0);
}

static void operations()
{
    bool done = false;
    int ticks = 0, status = 1;

    {
        auto timer = tocsin::timer(1, [&, held = token()](const tocsin_info &info) {
            status = info.status;
            done = true;
        });
        EXPECT(timer && alive == 1);
        turns_until(done);
        EXPECT(status == 0 && timer.status() == -ENOENT);
    }
    EXPECT(alive == 0);

    done = false;
    auto tick = tocsin::every(1, [&] { done = ++ticks == 3; });
    turns_until(done);
    /* the assignment cancels the timer, so its callable is not called any more */
    tick = tocsin::op();
    done = false;
    /* the operation continues after its id is destroyed */
    tocsin::timer(5, [&] { done = true; }).detach();
    turns_until(done);
    EXPECT(ticks == 3);

    auto kept = tocsin::timer(1, tocsin::future());
    auto result = kept.wait();
    EXPECT(result && result.info && tocsin_timer_expired_of(result.info.get()));

    auto bad = tocsin::timer(-1, [held = token()] {});
    EXPECT(!bad && bad.error() == -EINVAL && alive == 0);
    EXPECT(bad.wait().status == -EINVAL);
    EXPECT(tocsin::start(tocsin::future(), tocsin_timer, 0).wait().status == 0);
}

static void cancelled()
{
    int status = 0;
    bool done = false;
    auto timer = tocsin::timer(100000,
                               [&](const tocsin_info &info) { status = info.status, done = true; });

    EXPECT(timer.cancel() == 0);
    turns_until(done);
    EXPECT(status == -ECANCELED);
    {
        auto forgotten = tocsin::timer(100000, [&, held = token()] { status = 1; });
    }
    EXPECT(tocsin_loop_turn(0) >= 0);
    EXPECT(status == -ECANCELED && alive == 0);
}

static void watches()
{
    int ends[2], ready = 0;
    bool done = false;

    EXPECT(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    {
        auto watch = tocsin::watch(ends[0], POLLIN, [&](const tocsin_info &info) {
            ready = tocsin_fd_ready_of(&info)->events;
            done = true;
        });
        turns_until(done);
    }
    EXPECT(ready == POLLIN);
    EXPECT(tocsin_loop_turn(0) >= 0);
    close(ends[0]);
    close(ends[1]);
}

static void tasks()
{
    auto work = tocsin::work([held = token()] { return 7; });
    EXPECT(work.wait().status == 7);
    auto thrown = tocsin::work([] { throw 1; });
    EXPECT(thrown.wait().status == -ECANCELED);

    bool done = false;
    int status = 0;
    auto fiber = tocsin::spawn(
        [held = token()] { return tocsin::timer(1, tocsin::future()).wait().status + 3; },
        [&](const tocsin_info &info) { status = info.status, done = true; });
    turns_until(done);
    EXPECT(status == 3);

    int called = 0;
    EXPECT(tocsin::call_on(tocsin_loop_current(), [&, held = token()] { called++; }) == 0);
    EXPECT(tocsin_loop_turn(0) >= 0);
    EXPECT(called == 1);
    EXPECT(tocsin::call_on(tocsin_loop{}, [held = token()] {}) == -EINVAL);
}

static void queues()
{
    auto queue = tocsin::open("hpp.said");
    auto own = tocsin::open();
    auto source = tocsin::make_source();
    tocsin::info kept;

    EXPECT(queue && own && source);
    say("a", 4);
    {
        auto taken = tocsin::take(queue, 0);
        EXPECT(taken && hpp_said_of(taken.info.get())->times == 4);
        kept = taken.info;
    }
    EXPECT(kept && hpp_said_of(kept.get())->text == std::string("a"));
    EXPECT(tocsin::take(queue, 0).status == -ETIMEDOUT);
    tocsin::timer(0, tocsin::into(own)).detach();
    EXPECT(tocsin::take(own).status == 0);
    {
        auto held = tocsin::hold("hpp.said");
        int calls = 0;
        auto handler = tocsin::on("hpp.said", [&] { calls++; });

        EXPECT(held);
        say("b", 1);
        EXPECT(calls == 0);
        held.reset();
        EXPECT(calls == 1);
    }
    auto pool = tocsin::make_pool(1);
    EXPECT(pool);
}

int main()
{
    {
        tocsin::loop loop;
        auto spec = tocsin_signal_spec();

        spec.name = "hpp.said";
        spec.doc = "Somebody said something.";
        spec.layout = &hpp_said_layout;
        said = tocsin_declare(&spec);
        EXPECT(said > 0);
        handlers();
        ends_itself();
        throws();
        operations();
        cancelled();
        watches();
        tasks();
        queues();
    }
    EXPECT(alive == 0 && tocsin_loop_free() == 0);
    return failures != 0;
}
