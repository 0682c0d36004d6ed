#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "text.h"

enum {
    PAGES = 200,
    PAGES_MAX = 100000,
    AT_ONCE = 20,
    AT_ONCE_MAX = 256,
    DELAY_MS = 20,
    DELAY_MAX_MS = 10000
};

enum {
    OPTION_STYLE = 256,
    OPTION_SVG,
    OPTION_JSON,
    OPTION_CHECK,
    OPTION_HELP,
    OPTION_PERFORM,
    OPTION_PROBE
};

static const struct option known[] = {
    { "pages", required_argument, NULL, 'n' },
    { "concurrency", required_argument, NULL, 'c' },
    { "delay", required_argument, NULL, 'd' },
    { "style", required_argument, NULL, OPTION_STYLE },
    { "svg", required_argument, NULL, OPTION_SVG },
    { "json", no_argument, NULL, OPTION_JSON },
    { "check", no_argument, NULL, OPTION_CHECK },
    { "help", no_argument, NULL, OPTION_HELP },
    /* "perform" and "probe" are not for users: the program passes these options to itself. */
    { "perform", required_argument, NULL, OPTION_PERFORM },
    { "probe", no_argument, NULL, OPTION_PROBE },
    { NULL, 0, NULL, 0 },
};

static const char usage[] =
    "Usage: styles [OPTION]... [URL]...\n"
    "Does one job in seven styles: fetches pages over HTTP, and the page that each one names as "
    "its "
    "next one.\n"
    "Shows the cost of each style. Without a URL, an HTTP origin of its own serves the pages, on "
    "loopback.\n"
    "\n"
    "  -n, --pages N         number of pages (200; with URLs: the number of URLs)\n"
    "  -c, --concurrency C   number of fetches at a time (20)\n"
    "  -d, --delay MS        average time of the origin for a page, in milliseconds "
    "(20)\n"
    "      --style NAME      only this style; may be repeated: synchronous, threads, callback, "
    "future,\n"
    "                        queue, registry, coroutine\n"
    "      --svg FILE        draw the timelines into FILE\n"
    "      --json            print the figures as one JSON object instead\n"
    "      --check           check that the styles are as fast as they must be; if not, exit "
    "with 3\n"
    "      --help            print this help\n";

_Noreturn static void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void refuse(const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "styles: %s\n\n%s", text_plain(text), usage);
    exit(2);
}

/* Functions that suggest a similar word */

/* Returns the Levenshtein distance of two words. */
static int distance(const char *one, const char *other)
{
    int row[64], length = (int)strlen(other);

    if (length >= 64)
        return INT_MAX;
    for (int j = 0; j <= length; j++)
        row[j] = j;
    for (int i = 0; one[i]; i++) {
        int diagonal = row[0];

        row[0] = i + 1;
        for (int j = 0; j < length; j++) {
            int change = diagonal + (one[i] != other[j]), add = row[j] + 1, take = row[j + 1] + 1;

            diagonal = row[j + 1];
            row[j + 1] = change < add ? (change < take ? change : take) : (add < take ? add : take);
        }
    }
    return row[length];
}

struct guess {
    const char *word;
    int distance;
};

static void consider(struct guess *guess, const char *said, const char *candidate)
{
    int d = distance(said, candidate);

    if (d < guess->distance)
        *guess = (struct guess){ candidate, d };
}

/* Words are similar if they differ in at most two letters, and in less than half of their
   letters. */
static struct guess no_guess(const char *said)
{
    size_t half = (strlen(said) + 1) / 2;

    return (struct guess){ NULL, half < 3 ? (int)half : 3 };
}

static void refuse_option(const char *said)
{
    const char *word = said + strspn(said, "-");
    size_t length = strcspn(word, "=");
    char name[64] = "";
    struct guess guess = no_guess(word);

    if (length < sizeof name)
        memcpy(name, word, length);
    for (const struct option *o = known; o->name && o->val != OPTION_PERFORM; o++)
        consider(&guess, name, o->name);
    if (guess.word)
        refuse("there is no option '%s'. Did you mean '--%s'?", said, guess.word);
    refuse("there is no option '%s'.", said);
}

static int style_number(const char *said)
{
    struct guess guess = no_guess(said);

    for (int i = 0; i < STYLES; i++) {
        if (strcmp(said, styles[i].name) == 0)
            return i;
        consider(&guess, said, styles[i].name);
    }
    if (guess.word)
        refuse("there is no style '%s'. Did you mean '%s'?", said, guess.word);
    refuse("there is no style '%s'.", said);
}

/* Functions that read values */

static int number(const char *option, const char *said, int least, int most)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(said, &end, 10);
    if (end == said || *end || errno || value < least || value > most)
        refuse("%s must be a whole number from %d to %d, not '%s'.", option, least, most, said);
    return (int)value;
}

static void choose(struct options *options, const char *said)
{
    options->chosen[style_number(said)] = true;
}

/* Reads the value of the option --perform=NAME:PORT:FD */
static void perform(struct options *options, const char *said)
{
    static char name[16];

    if (sscanf(said, "%15[a-z]:%9d:%9d", name, &options->port, &options->row_fd) != 3)
        refuse_option("--perform");
    options->perform = name;
}

static void help(void)
{
    fputs(usage, stdout);
    exit(fflush(stdout) == 0 ? 0 : 1);
}

static void take_option(struct options *options, int option, char **argv)
{
    switch (option) {
    case 'n': options->pages = number("--pages", optarg, 1, PAGES_MAX); break;
    case 'c': options->at_once = number("--concurrency", optarg, 1, AT_ONCE_MAX); break;
    case 'd': options->delay_ms = number("--delay", optarg, 0, DELAY_MAX_MS); break;
    case OPTION_STYLE: choose(options, optarg); break;
    case OPTION_SVG: options->svg = optarg; break;
    case OPTION_JSON: options->json = true; break;
    case OPTION_CHECK: options->check = true; break;
    case OPTION_PERFORM: perform(options, optarg); break;
    case OPTION_PROBE: options->probe = true; break;
    case OPTION_HELP: help(); break;
    case ':': refuse("%s needs a value.", argv[optind - 1]);
    default:
        if (optopt && optopt < OPTION_STYLE && strncmp(argv[optind - 1], "--", 2) != 0)
            refuse("there is no option '-%c'.", optopt);
        refuse_option(argv[optind - 1]);
    }
}

/* Refuses a URL. If the scheme is missing or misspelt, a scheme is suggested. */
static void refuse_url(const char *said, const char *wrong)
{
    const char *rest = strstr(said, "://");
    char scheme[16] = "http";

    if (rest && (size_t)(rest - said) < sizeof scheme) {
        memcpy(scheme, said, (size_t)(rest - said));
        scheme[rest - said] = 0;
    }
    struct guess guess = no_guess(scheme);

    consider(&guess, scheme, "http");
    consider(&guess, scheme, "https");
    fprintf(stderr, "styles: '%s' is not a valid URL: %s.", text_plain(said), text_plain(wrong));
    if (guess.word && *said && (!rest || guess.distance > 0))
        fprintf(stderr, " Did you mean '%s://%s'?", guess.word, text_plain(rest ? rest + 3 : said));
    fputs("\n", stderr);
    exit(2);
}

static void take_urls(struct options *options, char **urls, int count)
{
    for (int i = 0; i < count; i++) {
        const char *wrong = link_check(urls[i]);

        if (wrong)
            refuse_url(urls[i], wrong);
    }
    options->urls = count ? (const char *const *)urls : NULL;
    options->urls_count = count;
    if (!options->pages)
        options->pages = count ? count : PAGES;
}

static void choose_all(struct options *options)
{
    for (int i = 0; i < STYLES; i++)
        if (options->chosen[i])
            return;
    for (int i = 0; i < STYLES; i++)
        options->chosen[i] = true;
}

void options_read(int argc, char **argv, struct options *options)
{
    int option;

    *options = (struct options){ .at_once = AT_ONCE, .delay_ms = DELAY_MS };
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":n:c:d:h", known, NULL)) != -1)
        take_option(options, option == 'h' ? OPTION_HELP : option, argv);
    take_urls(options, argv + optind, argc - optind);
    choose_all(options);
    if (options->check && options->urls)
        refuse("--check works only with the built-in pages: remove the URLs.");
}
