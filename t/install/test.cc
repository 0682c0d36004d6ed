// The same test as test.c, but in C++.
#include <cerrno>
#include <cstring>

#include <tocsin.h>
#include <tocsin/leak_check.h>

int main()
{
    tocsin_leak_check *check;

    return tocsin_leak_check_begin("/nowhere/none.so", nullptr, &check) != -ENOENT ||
           !std::strstr(tocsin_leak_check_last_error(), "none.so") || tocsin_loop_free() != 0;
}
