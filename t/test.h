/* What every Check program shares: a main, and a fixture that checks that a test leaves nothing behind. */
#ifndef TOCSIN_T_TEST_H
#define TOCSIN_T_TEST_H

#include <check.h>
#include <stdbool.h>

#include <tocsin.h>

/* Each program defines its suite. A case made with test_case checks around each of its tests that the loop was freed with
   nothing left, and that the descriptors are those that were there before. */
Suite *test_suite(void);
TCase *test_case(Suite *suite, const char *name);

/* The number of things that a test leaves on purpose, for the fixture's tocsin_free. */
void test_leaves(int count);

/* So many where nothing slows it down; else divided by that: under a sanitizer, under valgrind. */
long test_scaled(long count, int sanitized, int valgrind);

/* A part that cannot be tried here, named in the summary. */
void test_skip(const char *what, const char *why);

int test_descriptors(void);                            /* how many are open */

#endif
