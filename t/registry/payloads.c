/* Contract line E7: tests the deep copy of a payload with each type of field. The tests check which
   objects the copy owns, and which objects are freed with the copy. They also check how references
   to an info are counted. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "registry/info.h"
#include "registry/layout.h"
#include "delivery/loop.h"
#include "record.h"
#include "test.h"
#include "registry/payload.h"

#define EVERY(F) \
    F(bool, flag) \
    F(string, text) \
    F(bytes, data) \
    F(i32, small) \
    F(string, none) \
    F(fd, fd) \
    F(fd, no_fd) F(object, object) F(object, no_object) F(u64, large) F(op, op) F(error, error) \
        F(f64, real) F(u32, number) F(i64, count) F(bytes, empty) F(object, second)
TOCSIN_LAYOUT(every, EVERY);
#define LOCAL(F) F(string, text) F(object, object) F(fd, fd) F(local, pointer)
TOCSIN_LAYOUT(with_local, LOCAL);

struct thing {
    int references, refuse;
};

static int thing_ref(void *object)
{
    struct thing *thing = object;

    if (thing->refuse)
        return -EBUSY;
    thing->references++;
    return 0;
}

static void thing_unref(void *object)
{
    ((struct thing *)object)->references--;
}

static const struct tocsin_object_ops shared = { "thing", thing_ref, thing_unref };
static struct thing first, second;
static int pipes[2], signo;

static void begin(void)
{
    first = second = (struct thing){ 0, 0 };
    ck_assert_int_eq(pipe(pipes), 0);
    signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "every.thing", .layout = &every_layout });
    ck_assert_int_gt(signo, 0);
}

static void end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    close(pipes[0]);
    close(pipes[1]);
    ck_assert_int_eq(first.references, 0);
    ck_assert_int_eq(second.references, 0);
}

static struct every made(const char *text, const void *data, size_t size)
{
    struct every every = every_make();

    every.flag = true, every.text = text, every.data = (struct tocsin_bytes){ data, size },
    every.small = -1;
    every.fd = pipes[1], every.no_fd = -1;
    every.object = (struct tocsin_object){ &first, &shared },
    every.second = (struct tocsin_object){ &second, &shared };
    every.large = UINT64_MAX, every.op.source.id = 77, every.error = -EPERM, every.real = 1.5,
    every.number = 3, every.count = -9;
    every.empty = (struct tocsin_bytes){ "unread", 0 };
    return every;
}

START_TEST(a_copy_is_deep)
{
    char text[] = "some text", data[] = { 0, 1, 2, 3, 0 };
    struct every every = made(text, data, 5), *copy;
    size_t size = tocsin__payload_size(&every.tocsin);
    struct tocsin_layout layout = every_layout;

    /* the size includes a NUL behind each of the two byte strings */
    ck_assert_uint_eq(size, sizeof every + 10 + 5 + 2);
    copy = tocsin__alloc(size);
    ck_assert_int_eq(tocsin__payload_copy(&every.tocsin, copy, &layout), 0);
    memset(text, 'x', 9);
    memset(data, 9, 5);
    ck_assert_ptr_eq(copy->tocsin.layout, &layout);
    ck_assert_str_eq(copy->text, "some text");
    ck_assert_mem_eq(copy->data.data, "\0\1\2\3\0\0", 6);
    ck_assert_uint_eq(copy->data.size, 5);
    ck_assert_ptr_null(copy->none);
    ck_assert_uint_eq(copy->empty.size, 0);
    ck_assert(copy->flag && copy->small == -1 && copy->large == UINT64_MAX &&
              copy->op.source.id == 77 && copy->error == -EPERM);
    ck_assert(copy->real == 1.5 && copy->number == 3 && copy->count == -9 && copy->no_fd == -1 &&
              !copy->no_object.object);
    ck_assert_int_ne(copy->fd, pipes[1]);
    ck_assert_int_eq(fcntl(copy->fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(write(copy->fd, "x", 1), 1);
    ck_assert_int_eq(first.references, 1);
    ck_assert_int_eq(second.references, 1);
    tocsin__payload_clear(&copy->tocsin);
    /* The copy has a descriptor of its own. The caller's descriptor must still be open. */
    ck_assert_int_eq(fcntl(pipes[1], F_GETFD), 0);
    tocsin__release(copy);
    ck_assert_uint_eq(tocsin__payload_size(NULL), 0);
}
END_TEST

/* Checks that a failed copy leaves no object and no descriptor behind. */
static void copy_fails(const struct tocsin_payload *payload, int err)
{
    int were = test_descriptors();
    void *memory = tocsin__alloc(tocsin__payload_size(payload));

    ck_assert_int_eq(tocsin__payload_copy(payload, memory, payload->layout), err);
    tocsin__release(memory);
    ck_assert_int_eq(test_descriptors(), were);
    ck_assert_int_eq(first.references, 0);
    ck_assert_int_eq(second.references, 0);
}

START_TEST(payloads_that_cannot_be_copied)
{
    struct every every = made("text", "data", 4);

    second.refuse = 1;
    copy_fails(&every.tocsin, -EBUSY);
    second.refuse = 0;
    every.fd = 12345;
    copy_fails(&every.tocsin, -EBADF);
    every.fd = -1;
    every.second.ops = NULL;
    copy_fails(&every.tocsin, -EINVAL);
    every.second.ops = &(struct tocsin_object_ops){ "half", thing_ref, NULL };
    copy_fails(&every.tocsin, -EINVAL);
    copy_fails(
        TOCSIN_PAYLOAD(with_local, .text = "text", .object = { &first, &shared }, .fd = pipes[0]),
        -EINVAL);
    copy_fails(TOCSIN_PAYLOAD(with_local, .pointer = NULL), -EINVAL);
}
END_TEST

static struct tocsin_info *kept[4];
static int kept_count;

static int keep(const struct tocsin_info *info, void *arg)
{
    struct tocsin__info *self = (struct tocsin__info *)info;

    (void)arg;
    /* The info of a pending emission is already on the heap. So only an info that is not pending is
       checked. */
    if (tocsin__self->depth == 0)
        ck_assert_uint_eq(self->refs, kept_count ? (uint32_t)TOCSIN__COPIED : 0);
    kept[kept_count++] = tocsin_info_ref(info);
    return TOCSIN_NEXT;
}

START_TEST(one_copy_is_shared_by_all_references)
{
    struct every every = made("text", "data", 4);
    int were = test_descriptors();

    kept_count = 0;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tocsin_on("every.thing", keep, NULL), 0);
    ck_assert_int_eq(tocsin_emit(signo, &every.tocsin), TOCSIN_DELIVERED);
    ck_assert_int_eq(test_descriptors(), were + 1);
    ck_assert_int_eq(first.references, 1);
    ck_assert(kept[0] == kept[1] && kept[1] == kept[2]);
    ck_assert_uint_eq(((struct tocsin__info *)kept[0])->refs, 3);
    /* The info was copied to the heap before, so this call only increments the reference count. */
    ck_assert_ptr_eq(tocsin_info_ref(kept[0]), kept[0]);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(first.references, 1);
        tocsin_info_unref(kept[0]);
    }
    ck_assert_int_eq(first.references, 0);
    ck_assert_int_eq(test_descriptors(), were);
}
END_TEST

START_TEST(a_failed_reference_returns_an_error)
{
    struct every every = made("text", "data", 4);

    kept_count = 0;
    ck_assert_int_eq(tocsin_on("every.thing", keep, NULL), 0);
    first.refuse = 1;
    ck_assert_int_eq(tocsin_emit(signo, &every.tocsin), TOCSIN_DELIVERED);
    ck_assert_ptr_null(kept[0]);
    first.refuse = 0;
    /* In the first round the allocation of the copy fails. In the second round the duplication of
       the descriptor fails. */
    for (int nth = 1; nth <= 2; nth++) {
        kept_count = 0;
        tocsin__fault_at(nth);
        ck_assert_int_eq(tocsin_emit(signo, &every.tocsin), TOCSIN_DELIVERED);
        ck_assert_ptr_null(kept[0]);
    }
    tocsin__fault_at(0);
    ck_assert_ptr_null(tocsin_info_ref(NULL));
}
END_TEST

static int read_data(const struct tocsin_info *info, void *arg)
{
    *(void **)arg = tocsin_info_data(info);
    kept[0] = tocsin_info_ref(info);
    return TOCSIN_NEXT;
}

START_TEST(an_info_keeps_the_data_of_its_source)
{
    struct every every = made("text", "data", 4);
    struct tocsin_source source;
    void *told;

    ck_assert_int_eq(tocsin_source_new(&first, &source), 0);
    ck_assert_int_eq(tocsin_on("every.thing", read_data, &told), 0);
    ck_assert_int_eq(tocsin_emit_from(source, signo, &every.tocsin), TOCSIN_DELIVERED);
    ck_assert_ptr_eq(told, &first);
    ck_assert_int_eq(tocsin_source_set(source, &second), 0);
    /* The kept info must still have the data that the source had when the test kept the info. */
    ck_assert_ptr_eq(tocsin_info_data(kept[0]), &first);
    ck_assert_int_eq(tocsin_source_free(source), 0);
    ck_assert_ptr_eq(tocsin_info_data(kept[0]), &first);
    tocsin_info_unref(kept[0]);
    ck_assert_int_eq(tocsin_emit(signo, &every.tocsin), TOCSIN_DELIVERED);
    ck_assert_ptr_null(told);
    ck_assert_ptr_null(tocsin_info_data(kept[0]));
    ck_assert_ptr_null(tocsin_info_data(NULL));
    tocsin_info_unref(kept[0]);
}
END_TEST

START_TEST(the_members_of_an_info)
{
    struct every every = made("text", "data", 4);

    kept_count = 0;
    ck_assert_int_eq(tocsin_on("every.thing", keep, NULL), 0);
    ck_assert_int_eq(tocsin_emit(signo, &every.tocsin), TOCSIN_DELIVERED);
    ck_assert_int_eq(kept[0]->signo, signo);
    ck_assert_int_eq(kept[0]->code, TOCSIN_EMITTED);
    ck_assert_int_eq(kept[0]->status, 0);
    ck_assert_uint_eq(kept[0]->overrun, 0);
    ck_assert_str_eq(kept[0]->name, "every.thing");
    ck_assert_uint_eq(kept[0]->source.id, 0);
    ck_assert_uint_ne(kept[0]->sequence, 0);
    ck_assert_ptr_ne(kept[0]->payload, &every.tocsin);
    ck_assert_ptr_nonnull(every_of(kept[0]));
    tocsin_info_unref(kept[0]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("registry/payloads");
    TCase *tests = test_case(suite, "payloads");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_copy_is_deep);
    tcase_add_test(tests, payloads_that_cannot_be_copied);
    tcase_add_test(tests, one_copy_is_shared_by_all_references);
    tcase_add_test(tests, a_failed_reference_returns_an_error);
    tcase_add_test(tests, an_info_keeps_the_data_of_its_source);
    tcase_add_test(tests, the_members_of_an_info);
    return suite;
}
