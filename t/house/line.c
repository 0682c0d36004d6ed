/* Stands beside the README's program, so that each line is seen when it is printed. */
#include <stdio.h>

__attribute__((constructor)) static void by_line(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
