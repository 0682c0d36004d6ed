/* The main function of demos/styles: the same job in seven styles. Read ../job.h first, and then
   the seven files beside it, which are named after the styles. The folder harness/ holds the code
   that runs and compares the styles. */
#include <locale.h>

#include "comparison.h"
#include "options.h"
#include "perform.h"
#include "probe.h"

int main(int argc, char **argv)
{
    struct options options;

    setlocale(LC_CTYPE, "");
    options_read(argc, argv, &options);
    if (options.perform)
        return perform_here(&options);
    if (options.probe)
        return probe(&options);
    return comparison_run(&options, argv);
}
