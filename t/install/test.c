/* Checks a plugin that does not exist. The error must pass through both installed libraries. */
#include <errno.h>
#include <string.h>

#include <tocsin.h>
#include <tocsin/leak_check.h>

int main(void)
{
    struct tocsin_leak_check *check;

    return tocsin_leak_check_begin("/nowhere/none.so", 0, &check) != -ENOENT ||
           !strstr(tocsin_leak_check_last_error(), "none.so") || tocsin_loop_free() != 0;
}
