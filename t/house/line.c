/* Linked with the program of README.md: makes its output appear line by line. */
#include <stdio.h>

__attribute__((constructor)) static void by_line(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
