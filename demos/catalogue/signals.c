/* Every signal that is declared in this process, with its documentation: as a table for people, with --json for programs. Shared objects that are
   named on the command line are loaded first, so that theirs are there, too. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tocsin.h>
#include <unistd.h>

static const char *const kinds[] = { [TOCSIN_QUEUED] = "queued", [TOCSIN_COALESCE] = "coalesce", [TOCSIN_DIRECT] = "question" };
static const char *const defaults[] = { [TOCSIN_IGNORE] = "ignore", [TOCSIN_STOP_LOOP] = "stop", [TOCSIN_ABORT] = "abort" };

static const char *default_of(const struct tocsin_spec *spec)
{
    return spec->unhandled_fn ? "function" : defaults[spec->unhandled];
}

static bool is_before(const struct tocsin_signal_facts *one, const struct tocsin_signal_facts *other)
{
    return strcmp(one->name, other->name) < 0;
}

/* The declared signal whose name comes next in the alphabet; NULL in after: the first. */
static bool next_by_name(const char *after, struct tocsin_signal_facts *ret_facts)
{
    struct tocsin_signal_facts facts;
    bool found = false;

    for (int signo = 1; tocsin_signal_get(signo, &facts) == 0; signo++)
        if (facts.spec && (!after || strcmp(facts.name, after) > 0) && (!found || is_before(&facts, ret_facts))) {
            *ret_facts = facts;
            found = true;
        }
    return found;
}

/* ---- the table ---- */

static int width(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60 ? size.ws_col : 100;
}

/* Words, broken into lines that begin at a column. */
static void print_wrapped(const char *text, int column, int columns)
{
    int at = column;

    while (*text) {
        int length = (int)strcspn(text, " ");

        if (at > column && at + 1 + length > columns)
            printf("\n%*s", at = column, "");
        else if (at > column)
            at += printf(" ");
        at += printf("%.*s", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* "string text;u64 user;" as it is read aloud: "string text, u64 user". */
static void print_layout(const char *fields, int column, int columns)
{
    int at = column;

    if (!*fields)
        return;
    printf("%*s", column, "");
    while (*fields) {
        int length = (int)strcspn(fields, ";");
        bool last = !fields[length + 1];

        if (at > column && at + length + 2 > columns)
            printf("\n%*s", at = column, "");
        else if (at > column)
            at += printf(" ");
        at += printf("%.*s%s", length, fields, last ? "" : ",");
        fields += length + 1;
    }
    putchar('\n');
}

static void print_table(bool colours)
{
    const char *bold = colours ? "\033[1m" : "", *faint = colours ? "\033[2m" : "", *plain = colours ? "\033[0m" : "";
    struct tocsin_signal_facts facts;
    int longest = 6, columns = width(), column;
    const char *last = NULL;

    for (int signo = 1; tocsin_signal_get(signo, &facts) == 0; signo++)
        longest = (int)strlen(facts.name) > longest ? (int)strlen(facts.name) : longest;
    column = longest + 22;
    printf("%-*s  %-8s  %-8s  %s\n", longest, "signal", "kind", "default", "what it says, and what it carries");
    for (; next_by_name(last, &facts); last = facts.name) {
        printf("%s%-*s%s  %-8s  %-8s  ", bold, longest, facts.name, plain, kinds[facts.spec->kind], default_of(facts.spec));
        print_wrapped(facts.spec->doc, column, columns);
        fputs(faint, stdout);
        print_layout(facts.spec->layout ? facts.spec->layout->fields : "", column, columns);
        fputs(plain, stdout);
    }
}

/* ---- JSON ---- */

static void print_string(const char *text)
{
    putchar('"');
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20)
            printf("\\u%04x", *at);
        else
            putchar(*at);
    putchar('"');
}

static void print_member(const char *name, const char *text)
{
    printf("\"%s\":", name);
    print_string(text);
}

static void print_fields(const char *fields)
{
    const char *comma = "";

    putchar('[');
    while (*fields) {
        int type = (int)strcspn(fields, " "), name = (int)strcspn(fields + type + 1, ";");

        printf("%s{\"type\":\"%.*s\",\"name\":\"%.*s\"}", comma, type, fields, name, fields + type + 1);
        fields += type + 1 + name + 1;
        comma = ",";
    }
    putchar(']');
}

static void print_json(void)
{
    struct tocsin_signal_facts facts;
    const char *comma = "", *last = NULL;

    putchar('[');
    for (; next_by_name(last, &facts); last = facts.name) {
        printf("%s\n{\"signo\":%d,", comma, facts.signo);
        print_member("name", facts.name), putchar(',');
        print_member("doc", facts.spec->doc), putchar(',');
        print_member("owner", facts.owner), putchar(',');
        print_member("kind", kinds[facts.spec->kind]), putchar(',');
        print_member("default", default_of(facts.spec));
        printf(",\"rank\":%d,\"limit\":%zu,\"limit_bytes\":%zu,\"fields\":", facts.spec->rank, facts.spec->limit, facts.spec->limit_bytes);
        print_fields(facts.spec->layout ? facts.spec->layout->fields : "");
        putchar('}');
        comma = ",";
    }
    puts("\n]");
}

int main(int argc, char *argv[])
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;

    if (argc > 1 && *argv[1] == '-' && !json) {
        fprintf(strcmp(argv[1], "--help") == 0 ? stdout : stderr, "usage: %s [--json] [LIBRARY.so ...]\nPrints every signal that is declared.\n", argv[0]);
        return strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    for (int i = 1 + json; i < argc; i++)
        if (!dlopen(argv[i], RTLD_NOW)) {
            fprintf(stderr, "%s: %s\n", argv[0], dlerror());
            return 1;
        }
    if (json)
        print_json();
    else
        print_table(isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    perror("signals");
    return 1;
}
