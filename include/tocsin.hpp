// tocsin for C++17 and later: handlers from lambdas, and ids that free themselves. This file is
// header-only. Each function wraps the function of the same name in <tocsin.h>. The comment there
// states the contract: errors, thread, emissions.
//
//   Errors      An id that could not be made is false, and its error() is the negative errno (F1).
//               Nothing in this header throws, except the copy constructor of a callable.
//   Ownership   An id is move-only. Its destructor ends the object: a handler is disconnected, a
//               block undone, a queue closed, a source freed, a pool freed, an operation cancelled.
//               release() returns the C id, and the destructor then ends nothing.
//   Functions   A callable may take the info or nothing, and may return an int (TOCSIN_NEXT,
//               TOCSIN_STOP, -errno) or nothing. The callable is copied or moved to the heap, and
//               destroyed on its loop after its last use. If a callable throws, the library gets
//               the result -ECANCELED. The library emits tocsin.handler.failed, or the task has
//               this status.
//   Place       The report names the file of a call. If a program passes TOCSIN_HERE as the last
//               argument, the report also names the line.
#ifndef TOCSIN_HPP
#define TOCSIN_HPP

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <tocsin.h>

#define TOCSIN_HERE TOCSIN__HERE

namespace tocsin
{

namespace detail
{

// A callable on the heap. The op object and the library each have a reference to the callable. They
// may give up their references in any order.
template <class F> struct closure {
    F function;
    std::atomic<int> references;
    std::atomic<bool> muted{ false }; // true: the op was destroyed, so the callable is not called

    closure(F &&f, int count) : function(std::move(f)), references(count)
    {
    }
    static void drop(void *arg)
    {
        static_cast<closure *>(arg)->unref();
    }
    static bool mute(void *arg) // true: the library has no reference, so the operation has ended
    {
        static_cast<closure *>(arg)->muted = true;
        return static_cast<closure *>(arg)->unref();
    }
    bool unref() // true: that was the last reference
    {
        bool last = references.fetch_sub(1) == 1;

        if (last)
            delete this;
        return last;
    }
};

template <class F> using closure_of = closure<std::decay_t<F>>;

template <class F> closure_of<F> *make_closure(F &&f, int references)
{
    return new (std::nothrow) closure_of<F>(std::decay_t<F>(std::forward<F>(f)), references);
}

template <class Call> int result_of(Call &&call)
{
#ifdef __cpp_exceptions
    try {
#endif
        if constexpr (std::is_void_v<decltype(call())>)
            return call(), 0;
        else
            return static_cast<int>(call());
#ifdef __cpp_exceptions
    } catch (...) {
        return -ECANCELED;
    }
#endif
}

template <class F> int call_with(F &function, const tocsin_info *info)
{
    if constexpr (std::is_invocable_v<F &, const tocsin_info &>)
        return result_of([&] { return function(*info); });
    else
        return result_of([&] { return function(); });
}

template <class F> int on_handler(const tocsin_info *info, void *arg)
{
    return call_with(static_cast<closure<F> *>(arg)->function, info);
}

template <class F, int How> int on_notify(const tocsin_info *info, void *arg)
{
    auto self = static_cast<closure<F> *>(arg);
    bool ended = info->code == TOCSIN_DONE;
    int result = 0;

    if (!self->muted && (How == TOCSIN_AT_END ? ended : !ended))
        result = call_with(self->function, info);
    if (ended)
        closure<F>::drop(self);
    return result;
}

template <class F> int on_task(void *arg)
{
    return result_of([&] { return static_cast<closure<F> *>(arg)->function(); });
}

inline std::uint64_t carry(int error)
{
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(error));
}

inline void end(tocsin_handler id)
{
    tocsin_disconnect(id);
}
inline void end(struct tocsin_block id)
{
    tocsin_unblock(id);
}
inline void end(tocsin_queue id)
{
    tocsin_queue_close(id);
}
inline void end(tocsin_source id)
{
    tocsin_source_free(id);
}
inline void end(tocsin_pool id)
{
    tocsin_pool_free(id);
}

} // namespace detail

// The base of all ids in this header. The destructor of an id ends the object.
template <class Id> class unique
{
  public:
    unique() noexcept : id_{}
    {
    }
    explicit unique(Id id) noexcept : id_(id)
    {
    }
    unique(unique &&other) noexcept : id_(other.release())
    {
    }
    unique &operator=(unique &&other) noexcept
    {
        if (this != &other)
            reset(other.release());
        return *this;
    }
    unique(const unique &) = delete;
    unique &operator=(const unique &) = delete;
    ~unique()
    {
        reset();
    }

    explicit operator bool() const noexcept
    {
        return id_.id && !error();
    }
    int error() const noexcept
    {
        return tocsin_id_error(id_.id);
    } // returns 0 if the id carries no error
    Id get() const noexcept
    {
        return id_;
    }
    Id release() noexcept
    {
        return std::exchange(id_, Id{});
    } // from now on the caller must end the object
    void reset(Id id = Id{}) noexcept
    {
        Id old = std::exchange(id_, id);

        if (old.id && !tocsin_id_error(old.id))
            detail::end(old);
    }

  private:
    Id id_;
};

using handler = unique<tocsin_handler>;
using block = unique<struct tocsin_block>;
using queue = unique<tocsin_queue>;
using source = unique<tocsin_source>;
using pool = unique<tocsin_pool>;

// A counted reference to an info, which the destructor gives up.
class info
{
  public:
    info() noexcept = default;
    explicit info(const tocsin_info *borrowed) noexcept : info_(tocsin_info_ref(borrowed))
    {
    } // the result is false if there is no memory
    static info adopt(tocsin_info *owned) noexcept
    {
        info made;
        made.info_ = owned;
        return made;
    }
    info(const info &other) noexcept : info_(other.info_ ? tocsin_info_ref(other.info_) : nullptr)
    {
    }
    info(info &&other) noexcept : info_(std::exchange(other.info_, nullptr))
    {
    }
    info &operator=(info other) noexcept
    {
        std::swap(info_, other.info_);
        return *this;
    }
    ~info()
    {
        tocsin_info_unref(info_);
    }

    explicit operator bool() const noexcept
    {
        return info_;
    }
    const tocsin_info *get() const noexcept
    {
        return info_;
    }
    const tocsin_info *operator->() const noexcept
    {
        return info_;
    }
    const tocsin_info &operator*() const noexcept
    {
        return *info_;
    }

  private:
    tocsin_info *info_ = nullptr;
};

// The result of a wait: a status, and also the info if the status is 0 or more.
struct result {
    int status;
    tocsin::info info;

    explicit operator bool() const noexcept
    {
        return status >= 0;
    }
};

// An operation. The destructor cancels the operation and drops its result. The callable is not
// called after that. After detach(), the operation continues without this object, and the callable
// is still called.
class op
{
  public:
    op() noexcept = default;
    op(op &&other) noexcept
    {
        swap(other);
    }
    op &operator=(op &&other) noexcept
    {
        op(std::move(other)).swap(*this);
        return *this;
    }
    op(const op &) = delete;
    op &operator=(const op &) = delete;
    ~op()
    {
        forget();
        if (!*this || over_)
            return;
        tocsin_cancel(id_);
        if (keeps_)
            tocsin_op_free(id_);
    }

    explicit operator bool() const noexcept
    {
        return id_.source.id && !error();
    }
    int error() const noexcept
    {
        return tocsin_id_error(id_.source.id);
    }
    tocsin_op get() const noexcept
    {
        return id_;
    }
    int status() const noexcept
    {
        return tocsin_op_status(id_);
    }
    int cancel() noexcept
    {
        return tocsin_cancel(id_);
    } // the callable is called with -ECANCELED
    int deadline(std::int64_t timeout_ms) noexcept
    {
        return tocsin_op_deadline(id_, timeout_ms);
    }

    // Takes the result of an operation that was started with tocsin::future.
    result wait(std::int64_t timeout_ms = -1) noexcept
    {
        tocsin_info *taken = nullptr;
        int status = tocsin_wait(id_, timeout_ms, &taken);

        over_ = over_ || !is_refusal(status);
        return { status, tocsin::info::adopt(taken) };
    }
    tocsin_op detach() noexcept
    {
        if (drop_)
            drop_(std::exchange(closure_, nullptr));
        mute_ = nullptr;
        drop_ = nullptr;
        return std::exchange(id_, tocsin_op{});
    }

    // start() uses this constructor: it passes the id, and a reference to the closure.
    op(tocsin_op id, void *closure, bool (*mute)(void *), tocsin_drop drop,
       bool keeps = false) noexcept
        : id_(id), closure_(closure), mute_(mute), drop_(drop), keeps_(keeps)
    {
    }

  private:
    tocsin_op id_{};
    void *closure_ = nullptr;
    bool (*mute_)(void *) = nullptr;
    tocsin_drop drop_ = nullptr;
    bool keeps_ = false; // the operation was started with tocsin::future
    bool over_ = false;  // the operation has ended, and its result cannot be taken any more

    // Returns true if tocsin_wait may have left the operation unchanged.
    static bool is_refusal(int status) noexcept
    {
        return status == -EDEADLK || status == -EBUSY || status == -EINVAL || status == -EXDEV ||
               status == -ENOMEM;
    }
    void swap(op &other) noexcept
    {
        std::swap(id_, other.id_);
        std::swap(closure_, other.closure_);
        std::swap(mute_, other.mute_);
        std::swap(drop_, other.drop_);
        std::swap(keeps_, other.keeps_);
        std::swap(over_, other.over_);
    }
    void forget() noexcept
    {
        if (mute_)
            over_ = mute_(std::exchange(closure_, nullptr));
        mute_ = nullptr;
        drop_ = nullptr;
    }
};

// How the caller of a start learns of the end of the operation (O9): call(f) at its end, each(f) at
// each progress, future, or a queue.
class notify
{
  public:
    static notify keep() noexcept
    {
        notify made;
        made.raw_.mode = TOCSIN_KEEP;
        return made;
    }
    static notify into(tocsin_queue id) noexcept
    {
        notify made;

        made.raw_.mode = TOCSIN_INTO_QUEUE;
        made.raw_.queue = id;
        return made;
    }
    template <int How, class F> static notify of(F &&f)
    {
        using plain = std::decay_t<F>;
        notify made;

        made.raw_.mode = How == TOCSIN_AT_END ? TOCSIN_AT_END : TOCSIN_AT_END | TOCSIN_AT_EACH;
        made.raw_.fn = detail::on_notify<plain, How>;
        made.raw_.arg = detail::make_closure(std::forward<F>(f), 2);
        made.mute_ = detail::closure<plain>::mute;
        made.drop_ = detail::closure<plain>::drop;
        return made;
    }
    notify(notify &&other) noexcept
        : raw_(other.raw_), mute_(std::exchange(other.mute_, nullptr)),
          drop_(std::exchange(other.drop_, nullptr))
    {
    }
    notify(const notify &) = delete;
    notify &operator=(const notify &) = delete;
    ~notify() // drops both references if no operation was started
    {
        if (drop_ && raw_.arg)
            drop_(raw_.arg), drop_(raw_.arg);
    }

    // Calls begin(args..., notify, &id). The last two parameters of every function that starts an
    // operation are a notify and an id.
    template <class Start, class... Args> op start(Start &&begin, Args &&...args)
    {
        tocsin_op id{};
        int status;

        if (drop_ && !raw_.arg)
            return op(tocsin_op{ { detail::carry(-ENOMEM) } }, nullptr, nullptr, nullptr);
        status = begin(std::forward<Args>(args)..., raw_.mode ? &raw_ : nullptr, &id);
        if (status < 0)
            return op(tocsin_op{ { detail::carry(status) } }, nullptr, nullptr, nullptr);
        return op(id, raw_.arg, std::exchange(mute_, nullptr), std::exchange(drop_, nullptr),
                  raw_.mode & TOCSIN_KEEP);
    }

  private:
    notify() noexcept : raw_{}
    {
    }
    tocsin_notify raw_;
    bool (*mute_)(void *) = nullptr;
    tocsin_drop drop_ = nullptr;
};

template <class F> notify call(F &&f)
{
    return notify::of<TOCSIN_AT_END>(std::forward<F>(f));
}
template <class F> notify each(F &&f)
{
    return notify::of<TOCSIN_AT_EACH>(std::forward<F>(f));
}
inline notify future() noexcept
{
    return notify::keep();
}
inline notify into(const queue &id) noexcept
{
    return notify::into(id.get());
}

// Starts an operation of any kind, for example: start(tocsin::call(f), tocsin_http_get, url).
template <class Start, class... Args>
[[nodiscard]] op start(notify how, Start &&begin, Args &&...args)
{
    return how.start(std::forward<Start>(begin), std::forward<Args>(args)...);
}

[[nodiscard]] inline op timer(std::int64_t delay_ms, notify how)
{
    return how.start(tocsin_timer, delay_ms);
}
[[nodiscard]] inline op every(std::int64_t period_ms, notify how)
{
    return how.start(tocsin_every, period_ms);
}
[[nodiscard]] inline op watch(int fd, short poll_events, notify how)
{
    return how.start(tocsin_watch, fd, poll_events);
}

// A callable without call() or each() means call(f). For an operation that is TOCSIN_PERSISTENT it
// means each(f).
template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, notify>>>
[[nodiscard]] op timer(std::int64_t delay_ms, F &&f)
{
    return timer(delay_ms, call(std::forward<F>(f)));
}
template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, notify>>>
[[nodiscard]] op every(std::int64_t period_ms, F &&f)
{
    return every(period_ms, each(std::forward<F>(f)));
}
template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, notify>>>
[[nodiscard]] op watch(int fd, short poll_events, F &&f)
{
    return watch(fd, poll_events, each(std::forward<F>(f)));
}

// Runs task() on a thread of the process's pool. The destructor of the op does not stop a running
// task. So objects that the task refers to must exist until the task returns.
template <class Task> [[nodiscard]] op work(Task &&task, notify how = future())
{
    using plain = std::decay_t<Task>;
    tocsin_work_options options{};
    auto closure = detail::make_closure(std::forward<Task>(task), 1);

    if (!closure)
        return op(tocsin_op{ { detail::carry(-ENOMEM) } }, nullptr, nullptr, nullptr);
    options.drop = detail::closure<plain>::drop;
    op made = how.start(tocsin_work_with, &options, detail::on_task<plain>, closure);
    if (!made)
        delete closure;
    return made;
}

namespace detail
{

// A fiber has no drop for its argument. So this notify frees the task, and also calls the callable
// for the end.
template <class Task, class F> struct fiber {
    Task task;
    F done;

    static int run(void *arg)
    {
        return result_of([&] { return static_cast<fiber *>(arg)->task(); });
    }
};

} // namespace detail

// Runs task() on a fiber of the thread's loop, then calls `done` with the info of fiber.done.
template <class Task, class F> [[nodiscard]] op spawn(Task &&task, F &&done)
{
    using fiber = detail::fiber<std::decay_t<Task>, std::decay_t<F>>;
    auto made = new (std::nothrow) fiber{ std::forward<Task>(task), std::forward<F>(done) };

    if (!made)
        return op(tocsin_op{ { detail::carry(-ENOMEM) } }, nullptr, nullptr, nullptr);
    op started = call([made](const tocsin_info &info) {
                     int result = detail::call_with(made->done, &info);

                     delete made;
                     return result;
                 }).start(tocsin_spawn, fiber::run, static_cast<void *>(made));
    if (!started)
        delete made;
    return started;
}

struct options {
    int priority = 0;
    unsigned flags = 0; // TOCSIN_ONCE, TOCSIN_NODEFER, TOCSIN_EARLY, TOCSIN_REPLACE
    const char *mask = nullptr;
    tocsin_source source{};
};

namespace detail
{

template <class F, class Connect>
handler connect(const char *pattern, F &&f, const options &how, const char *where,
                Connect connect_at)
{
    using plain = std::decay_t<F>;
    tocsin_action action{};
    tocsin_handler id{};
    auto closure = make_closure(std::forward<F>(f), 1);

    if (!closure)
        return handler(tocsin_handler{ carry(-ENOMEM) });
    action.fn = on_handler<plain>;
    action.arg = closure;
    action.drop = detail::closure<plain>::drop;
    action.source = how.source;
    action.mask = how.mask;
    action.priority = how.priority;
    action.flags = how.flags;
    if (connect_at(where, pattern, &action, &id) < 0)
        delete closure;
    return handler(id);
}

} // namespace detail

// Connects a callable to all signals that match a pattern, until the returned handler is destroyed.
template <class F>
[[nodiscard]] handler on(const char *pattern, F &&f, const options &how = {},
                         const char *where = __builtin_FILE())
{
    return detail::connect(pattern, std::forward<F>(f), how, where, tocsin_connect_at);
}
template <class F>
[[nodiscard]] handler observe(const char *pattern, F &&f, const options &how = {},
                              const char *where = __builtin_FILE())
{
    return detail::connect(pattern, std::forward<F>(f), how, where, tocsin_observe_at);
}

[[nodiscard]] inline block hold(const char *pattern, const char *where = __builtin_FILE())
{
    struct tocsin_block id {
    };

    tocsin_block_at(where, pattern, &id);
    return block(id);
}

// A queue of the signals that match a pattern. Without a pattern, the queue is for the operations
// that are started with into(queue).
[[nodiscard]] inline queue open(const char *pattern = nullptr,
                                const tocsin_queue_options *options = nullptr,
                                const char *where = __builtin_FILE())
{
    tocsin_queue id{};

    tocsin_queue_open_at(where, pattern, options, &id);
    return queue(id);
}
inline result take(const queue &id, std::int64_t timeout_ms = -1) noexcept
{
    tocsin_info *taken = nullptr;
    int status = tocsin_queue_wait(id.get(), timeout_ms, &taken);

    return { status, info::adopt(taken) };
}

[[nodiscard]] inline source make_source(void *data = nullptr, const char *where = __builtin_FILE())
{
    tocsin_source id{};

    tocsin_source_new_at(where, data, &id);
    return source(id);
}
[[nodiscard]] inline pool make_pool(int threads = 0, std::size_t limit = 0)
{
    tocsin_pool id{};

    tocsin_pool_new(threads, limit, &id);
    return pool(id);
}

// Emits a signal with a payload, which is a struct that TOCSIN_LAYOUT made. For example:
// auto line = chat_line_make(); line.text = "hello"; emit(said, line);
template <class Payload> int emit(int signo, const Payload &payload)
{
    return tocsin_emit(signo, &payload.tocsin);
}
inline int emit(int signo)
{
    return tocsin_emit(signo, nullptr);
}
template <class Payload> int emit_from(tocsin_source from, int signo, const Payload &payload)
{
    return tocsin_emit_from(from, signo, &payload.tocsin);
}
template <class Payload> int post(int signo, const Payload &payload)
{
    return tocsin_post(signo, &payload.tocsin);
}
inline int post(int signo)
{
    return tocsin_post(signo, nullptr);
}

// Calls f() on another thread's loop, in its next turn.
template <class F> int call_on(tocsin_loop loop, F &&f)
{
    using plain = std::decay_t<F>;
    auto closure = detail::make_closure(std::forward<F>(f), 1);
    int status = closure ? tocsin_loop_call(loop, detail::on_task<plain>, closure,
                                            detail::closure<plain>::drop)
                         : -ENOMEM;

    if (status < 0)
        delete closure;
    return status;
}

// Frees the thread's loop at the end of a scope. This object must be declared first in the scope.
// Then the ids of the scope end before the loop.
struct loop {
    loop() = default;
    loop(const loop &) = delete;
    loop &operator=(const loop &) = delete;
    ~loop()
    {
        tocsin_loop_free();
    }
};

} // namespace tocsin

#endif
