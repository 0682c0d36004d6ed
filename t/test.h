/* Included by every Check program. test.c contains their main function, and a fixture which checks
   that a test leaves nothing behind. */
#ifndef TOCSIN_T_TEST_H
#define TOCSIN_T_TEST_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <tocsin.h>

/* Each program defines test_suite and creates its test cases with test_case. Around each test, a
   fixture frees the loop and checks that nothing was left in it. The fixture also checks that as
   many descriptors are open as before the test. */
Suite *test_suite(void);
TCase *test_case(Suite *suite, const char *name);

/* Tells the fixture that this test deliberately leaves count objects in its loop. */
void test_leaves(int count);

/* Returns count, divided by sanitized in a sanitizer build, or by valgrind under valgrind. */
long test_scaled(long count, int sanitized, int valgrind);

/* Reports that a part of the test cannot run here. The test summary lists the parts that were
   skipped. */
void test_skip(const char *what, const char *why);

/* Ends the process with status 1 if the condition is false. For the child of a fork, where no
   function of Check may be called. */
#define require(yes) \
    do { \
        if (!(yes)) { \
            dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #yes); \
            _exit(1); \
        } \
    } while (0)

int test_descriptors(void); /* returns the number of open descriptors */

#endif
