/* Every Check program includes this header. test.c contains the main function of these programs. It
   also has a fixture, which checks that a test leaves no object and no descriptor behind. */
#ifndef TOCSIN_T_TEST_H
#define TOCSIN_T_TEST_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <tocsin.h>

/* Each program defines test_suite(), which creates its test cases with test_case(). After each
   test, the fixture frees the loop and checks that no object was left in the loop. The fixture also
   checks that the number of open descriptors is the same as before the test. */
Suite *test_suite(void);
TCase *test_case(Suite *suite, const char *name);

/* Tells main that each test of this program needs a process of its own also under valgrind, because
   what one test leaves behind would disturb the next one: declared signals, running threads, mapped
   files. test_suite calls this function. Otherwise valgrind runs all tests of a program in one
   process, since it translates the code of the program again in each process. */
void test_needs_processes(void);

/* Tells the fixture that this test deliberately leaves count objects in its loop. */
void test_leaves(int count);

bool test_on_valgrind(void);
/* Returns count divided by sanitized in a sanitizer build, or by valgrind if valgrind runs the
   test. In a plain build it returns count. */
long test_scaled(long count, int sanitized, int valgrind);
/* Returns a time limit of `ms`, which is longer under a sanitizer or valgrind, since they slow the
   test down. */
int64_t test_longer_ms(int64_t ms);

/* Reports that a part of the test cannot run here. The test summary lists the parts that were
   skipped. */
void test_skip(const char *what, const char *why);

/* Ends the process with status 1 if the condition is false. Tests use this macro in the child of a
   fork, where no function of Check may be called. */
#define require(yes) \
    do { \
        if (!(yes)) { \
            dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #yes); \
            _exit(1); \
        } \
    } while (0)

int test_descriptors(void); /* returns the number of open descriptors */

#endif
