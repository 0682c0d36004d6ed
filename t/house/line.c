/* The test links this file with the program of README.md. It makes the output of that program
   appear line by line. */
#include <stdio.h>

__attribute__((constructor)) static void by_line(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
