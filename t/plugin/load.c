#include "test.h"
Suite *test_suite(void)
{
    return suite_create("plugin/load");
}
