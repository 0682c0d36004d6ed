/* The source of several plugins; a -D option selects one of them. The symbols of these plugins are
   also defined by other objects, or by none. */
#include <errno.h>
#include <tocsin/plugin.h>

#ifndef NAME
#define NAME "symbols"
#endif
#ifndef KIND
#define KIND
#endif

TOCSIN_PLUGIN(NAME, "1.0", "Has symbols.");

#pragma GCC visibility push(default)

#ifdef CLASHES /* libevent, libc and the program also define these symbols */
KIND int event_get_version_number(void);
KIND int optind = 7;
KIND int tocsin__owner_find(void);
KIND int event_get_version_number(void)
{
    return 7;
}
KIND int tocsin__owner_find(void)
{
    return 7;
}
#ifndef VALUE
#define VALUE \
    (event_get_version_number() == 7 && optind == 7 && tocsin__owner_find() == 7 ? 0 : -EXDEV)
#endif
#endif

#ifdef HIDDEN_VERSION /* libc defines this symbol, but hides it from new programs */
int xdr_int(void);
int xdr_int(void)
{
    return 0;
}
#define VALUE xdr_int()
#endif

#ifdef PRIVATE /* another plugin also defines this symbol */
int both_have_it(void);
int both_have_it(void)
{
    return 0;
}
#define VALUE both_have_it()
#endif

#ifdef UNDEFINED
int nobody_has_it(void);
#define VALUE nobody_has_it()
#endif

#ifdef KEYS
#include <pthread.h>
static pthread_key_t key;
#define VALUE -pthread_key_create(&key, NULL)
void tocsin_plugin_fini(void)
{
    pthread_key_delete(key);
}
#endif

#ifdef UNIQUE /* the value of UNIQUE is the size of the symbol in bytes */
#define TEXT_(text) #text
#define TEXT(text) TEXT_(text)
extern int unique_table[];
__asm__(".pushsection .data\n.balign 16\n.globl unique_table\n.type unique_table, "
        "%gnu_unique_object\n.size unique_table, " TEXT(UNIQUE) "\nunique_table: .zero " TEXT(
            UNIQUE) "\n.popsection\n");
#ifndef VALUE
#define VALUE (unique_table[0]++ == 0 ? 0 : -EXDEV)
#endif
#endif

#pragma GCC visibility pop

int tocsin_plugin_init(void)
{
    return VALUE;
}
