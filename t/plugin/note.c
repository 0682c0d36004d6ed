/* Tests how the library reads the note of a plugin (its name, version and requirements) from the
   bytes of the plugin's file. The files are intact plugins, broken plugins, and files with random
   changes in each part. */
#define _GNU_SOURCE /* for dl_iterate_phdr() */
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "plugin/elf/elf.h"
#include "plugin/note/note.h"
#include "plugin/plugin_files.h"

static char reason[256];

/* Copies the first `size` bytes into a buffer of exactly this size, and reads the note from this
   buffer. So a sanitizer finds each read past the end. */
static int note_of(const struct object *object, size_t size, struct tocsin__note *note)
{
    unsigned char *exact = malloc(size ? size : 1);
    int err;

    memcpy(exact, object->data, size);
    strcpy(reason, "");
    err = tocsin__note_read(note, exact, size, reason, sizeof reason);
    free(exact);
    ck_assert_msg((err < 0) == (*reason != '\0'), "%d: '%s'", err, reason);
    return err;
}

static void check_refused(const struct object *object, int err, const char *why)
{
    struct tocsin__note note;
    static const struct tocsin__note nothing;
    int answer = note_of(object, object->size, &note);

    ck_assert_msg(answer == err && strstr(reason, why), "%d: '%s' instead of %d: '%s'", answer,
                  reason, err, why);
    ck_assert_int_eq(memcmp(&note, &nothing, sizeof note), 0);
}

static void check_object_refused(const char *name, int err, const char *why)
{
    struct object object = object_of(name);

    check_refused(&object, err, why);
    free(object.data);
}

START_TEST(the_smallest_note)
{
    struct object object = object_of("plain");
    struct tocsin__note note;

    ck_assert_int_eq(note_of(&object, object.size, &note), 0);
    ck_assert_str_eq(note.text, "abi 1\nname plain\nversion 1.0\nabout Does nothing.\n");
    ck_assert_uint_eq(note.abi, 1);
    ck_assert_str_eq(note.name, "plain");
    ck_assert_str_eq(note.version, "1.0");
    ck_assert_str_eq(note.about, "Does nothing.");
    ck_assert_str_eq(note.licence, "");
    ck_assert_uint_eq(note.needs_count, 0);
    ck_assert_ptr_null(note.needs[0]);
    ck_assert_uint_eq(note.signals_count, 0);
    ck_assert(!note.threads);
    tocsin__note_free(&note);
    ck_assert_ptr_null(note.text);
    tocsin__note_free(&note);
    free(object.data);
}
END_TEST

static void check_signal(const struct tocsin__note_signal *signal, const char *name,
                         const char *fields, bool emits)
{
    ck_assert_str_eq(signal->name, name);
    ck_assert_str_eq(signal->fields, fields);
    ck_assert_int_eq(signal->emits, emits);
}

static void check_full(const struct tocsin__note *note)
{
    ck_assert_str_eq(note->name, "every-entry_1");
    ck_assert_str_eq(note->version, "2.3-rc1");
    ck_assert_str_eq(note->about, "Says all: even \xc3\xa4.");
    ck_assert_str_eq(note->licence, "MIT");
    ck_assert_uint_eq(note->needs_count, 2);
    ck_assert_str_eq(note->needs[0], "plain");
    ck_assert_str_eq(note->needs[1], "other");
    ck_assert_ptr_null(note->needs[2]);
    ck_assert_uint_eq(note->signals_count, 4);
    check_signal(&note->signals[0], "every.said", "string text;u64 user;", true);
    check_signal(&note->signals[1], "every.done", "", true);
    check_signal(&note->signals[2], "timer.expired", tocsin_timer_expired_layout.fields, false);
    check_signal(&note->signals[3], "every.done", "", false);
    ck_assert(!note->threads);
}

START_TEST(a_note_with_every_entry)
{
    struct object object = object_of("every_entry");
    struct tocsin__note note;

    ck_assert_int_eq(note_of(&object, object.size, &note), 0);
    check_full(&note);
    tocsin__note_free(&note);
    free(object.data);
}
END_TEST

START_TEST(strip_keeps_the_note)
{
    struct tocsin__note note;
    struct object object;
    struct stat before, after;

    if (system("strip -o stripped.so " OBJECTS "/every_entry.so 2>strip.log") != 0) {
        test_skip("plugin/note: a stripped plugin", "no strip");
        return;
    }
    ck_assert_int_eq(stat(OBJECTS "/every_entry.so", &before), 0);
    ck_assert_int_eq(stat("stripped.so", &after), 0);
    ck_assert_int_lt(after.st_size, before.st_size);
    object = object_at("stripped.so");
    ck_assert_int_eq(note_of(&object, object.size, &note), 0);
    check_full(&note);
    tocsin__note_free(&note);
    free(object.data);
    unlink("stripped.so");
    unlink("strip.log");
}
END_TEST

struct span {
    const char *end;
    uintptr_t base, low, high;
};

static int measure(struct dl_phdr_info *info, size_t size, void *arg)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct span *span = arg;

    (void)size;
    if (!strstr(info->dlpi_name, span->end))
        return 0;
    span->base = info->dlpi_addr;
    span->low = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

        if (segment->p_type != PT_LOAD)
            continue;
        if (segment->p_vaddr / page * page < span->low)
            span->low = segment->p_vaddr / page * page;
        if ((segment->p_vaddr + segment->p_memsz + page - 1) / page * page > span->high)
            span->high = (segment->p_vaddr + segment->p_memsz + page - 1) / page * page;
    }
    return 1;
}

START_TEST(the_address_of_the_mapped_note)
{
    void *mapped = dlopen(OBJECTS "/every_entry.so", RTLD_NOW | RTLD_LOCAL);
    struct span span = { .end = "/every_entry.so" };
    struct object object = object_of("every_entry");
    struct tocsin__note note;
    uintptr_t init;

    ck_assert_msg(mapped != NULL, "%s", dlerror());
    ck_assert_int_eq(dl_iterate_phdr(measure, &span), 1);
    ck_assert_int_eq(note_of(&object, object.size, &note), 0);
    ck_assert_uint_eq(note.low, span.low);
    ck_assert_uint_eq(note.high, span.high);
    init = (uintptr_t)dlsym(mapped, "tocsin_plugin_init");
    ck_assert(init - span.base >= note.low && init - span.base < note.high);
    tocsin__note_free(&note);
    free(object.data);
    dlclose(mapped);
}
END_TEST

static bool threads_of(const char *name)
{
    struct object object = object_of(name);
    struct tocsin__note note;
    bool threads;

    ck_assert_int_eq(note_of(&object, object.size, &note), 0);
    threads = note.threads;
    tocsin__note_free(&note);
    free(object.data);
    return threads;
}

START_TEST(plugins_that_start_threads_are_found)
{
    ck_assert(threads_of("threads"));
    ck_assert(threads_of("threads_sysv"));
    ck_assert(!threads_of("plain"));
    ck_assert(!threads_of("plain_sysv"));
}
END_TEST

/* Functions that change a file. They take their offsets from the plugin "plain", or from the plugin
   "plain_sysv", which has the older hash table. */

static ElfW(Ehdr) * header_of(const struct object *object)
{
    return (ElfW(Ehdr) *)(void *)object->data;
}

static ElfW(Phdr) * segment_of(const struct object *object, uint32_t type)
{
    ElfW(Phdr) *segment = (ElfW(Phdr) *)(void *)(object->data + header_of(object)->e_phoff);

    for (int i = 0; i < header_of(object)->e_phnum; i++)
        if (segment[i].p_type == type)
            return &segment[i];
    ck_abort_msg("no such segment");
    return NULL;
}

/* Returns the offset of the header of tocsin's note. */
static size_t note_offset(const struct object *object)
{
    static const char vendor[8] = "tocsin";

    for (size_t at = 0; at + 20 <= object->size; at += 4)
        if (object->data[at] == 8 && memcmp(object->data + at + 12, vendor, 8) == 0)
            return at;
    ck_abort_msg("no note");
    return 0;
}

static ElfW(Nhdr) * note_head(const struct object *object)
{
    return (ElfW(Nhdr) *)(void *)(object->data + note_offset(object));
}

/* Changes the file so that its note segment contains only tocsin's note. */
static void note_alone(const struct object *object)
{
    size_t at = note_offset(object);
    ElfW(Phdr) *segment = (ElfW(Phdr) *)(void *)(object->data + header_of(object)->e_phoff);

    for (int i = 0; i < header_of(object)->e_phnum; i++)
        if (segment[i].p_type == PT_NOTE && at >= segment[i].p_offset &&
            at - segment[i].p_offset < segment[i].p_filesz) {
            segment[i].p_vaddr += at - segment[i].p_offset;
            segment[i].p_offset = at;
            segment[i].p_filesz = segment[i].p_memsz = 20 + note_head(object)->n_descsz;
            segment[i].p_align = 4;
            return;
        }
    ck_abort_msg("no segment of notes");
}

static ElfW(Phdr) * segment_of_note(const struct object *object)
{
    ElfW(Phdr) *segment = (ElfW(Phdr) *)(void *)(object->data + header_of(object)->e_phoff);

    for (int i = 0; i < header_of(object)->e_phnum; i++)
        if (segment[i].p_type == PT_NOTE && segment[i].p_offset == note_offset(object))
            return &segment[i];
    ck_abort_msg("no segment of our note");
    return NULL;
}

/* Returns the plugin "large_note", with these bytes as the text of its note. */
static struct object object_saying(const char *text, size_t size)
{
    struct object object = object_of("large_note");

    note_head(&object)->n_descsz = (uint32_t)size;
    memcpy(object.data + note_offset(&object) + 20, text, size);
    note_alone(&object);
    return object;
}

START_TEST(files_that_are_no_shared_object)
{
    struct object object = object_of("plain");
    ElfW(Ehdr) was = *header_of(&object), *header = header_of(&object);

    for (size_t size = 0; size < sizeof *header; size++) {
        struct tocsin__note note;

        ck_assert_int_eq(note_of(&object, size, &note), -ENOEXEC);
    }
    check_refused(&(struct object){ (unsigned char *)"#!/bin/sh\n", 10 }, -ENOEXEC,
                  "not an ELF file");
    header->e_machine ^= 0xff;
    check_refused(&object, -ENOEXEC, "another machine");
    *header = was;
    header->e_ident[EI_CLASS] ^= ELFCLASS32 ^ ELFCLASS64;
    check_refused(&object, -ENOEXEC, "another machine");
    *header = was;
    header->e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
    check_refused(&object, -ENOEXEC, "another machine");
    *header = was;
    header->e_type = ET_EXEC;
    check_refused(&object, -ENOEXEC, "an executable");
    header->e_type = ET_REL;
    check_refused(&object, -ENOEXEC, "not a shared object");
    *header = was;
    header->e_phentsize++;
    check_refused(&object, -ENOEXEC, "list of segments is malformed");
    *header = was;
    header->e_phnum = 0;
    check_refused(&object, -ENOEXEC, "list of segments is malformed");
    header->e_phnum = PN_XNUM;
    check_refused(&object, -ENOEXEC, "list of segments is malformed");
    *header = was;
    header->e_phoff = object.size - sizeof(ElfW(Phdr));
    check_refused(&object, -ENOEXEC, "truncated");
    header->e_phoff = (ElfW(Off)) - 8;
    check_refused(&object, -ENOEXEC, "truncated");
    free(object.data);
}
END_TEST

static ElfW(Dyn) * dynamic_of(const struct object *object, int64_t tag)
{
    ElfW(Dyn) *entry = (ElfW(Dyn) *)(void *)(object->data +
                                             segment_of(object, PT_DYNAMIC)->p_offset);

    while (entry->d_tag != tag && entry->d_tag != DT_NULL)
        entry++;
    ck_assert_int_eq(entry->d_tag, tag);
    return entry;
}

START_TEST(an_executable_is_refused)
{
    struct object object = object_at("/proc/self/exe"), pie = object_of("plain");
    ElfW(Dyn) *entry = dynamic_of(&pie, DT_NULL) - 1;
    ElfW(Phdr) *stack = segment_of(&pie, PT_GNU_STACK);
    struct tocsin__note note;

    check_refused(&object, -ENOEXEC, "an executable");
    stack->p_type = PT_INTERP;
    check_refused(&pie, -ENOEXEC, "an executable");
    stack->p_type = PT_GNU_STACK;
    entry->d_tag = DT_FLAGS_1;
    entry->d_un.d_val = DF_1_PIE;
    check_refused(&pie, -ENOEXEC, "an executable");
    entry->d_un.d_val = DF_1_NOW;
    ck_assert_int_eq(note_of(&pie, pie.size, &note), 0);
    tocsin__note_free(&note);
    free(object.data);
    free(pie.data);
}
END_TEST

START_TEST(contradictory_headers_are_refused)
{
    struct object object = object_of("plain");
    ElfW(Phdr) *segment = segment_of(&object, PT_DYNAMIC), was = *segment;

    segment->p_type = PT_NULL;
    check_refused(&object, -ENOEXEC, "no dynamic section");
    *segment = was;
    segment->p_vaddr = (ElfW(Addr)) - 16;
    check_refused(&object, -ENOEXEC, "dynamic section is malformed");
    *segment = was;
    segment = segment_of(&object, PT_LOAD);
    was = *segment;
    segment->p_filesz = segment->p_memsz = object.size + 1;
    check_refused(&object, -ENOEXEC, "truncated");
    segment->p_offset = (ElfW(Off)) - 1;
    check_refused(&object, -ENOEXEC, "truncated");
    *segment = was;
    segment->p_vaddr = (ElfW(Addr)) - 1;
    check_refused(&object, -ENOEXEC, "a segment is malformed");
    *segment = was;
    segment->p_memsz = (ElfW(Addr)) - 1;
    check_refused(&object, -ENOEXEC, "a segment is malformed");
    segment->p_memsz = was.p_filesz - 1;
    check_refused(&object, -ENOEXEC, "a segment is malformed");
    free(object.data);
}
END_TEST

START_TEST(a_segment_that_begins_within_a_page)
{
    struct object object = object_of("plain");
    ElfW(Phdr) *segment = segment_of(&object, PT_LOAD);
    struct tocsin__note note;

    ck_assert_uint_eq(segment->p_vaddr, 0);
    segment->p_vaddr = segment->p_offset = 16;
    segment->p_memsz = segment->p_filesz -= 16;
    ck_assert_int_eq(note_of(&object, object.size, &note), 0);
    ck_assert_uint_eq(note.low, 0);
    tocsin__note_free(&note);
    free(object.data);
}
END_TEST

/* Tests: symbol tables. with_tail() adds bytes as the last segment of the file. So a read past
   these bytes is a read past the end of the file. */

enum { TAIL = 0x1000000, PAGE = 0x10000 };

static int with_tail(struct object *object, const void *tail, size_t size,
                     struct tocsin__elf *ret_elf)
{
    size_t begin = (object->size + PAGE - 1) / PAGE * PAGE;
    struct object longer = { calloc(1, begin + size), begin + size };
    const struct tocsin__reason why = { reason, sizeof reason };
    int err;

    memcpy(longer.data, object->data, object->size);
    memcpy(longer.data + begin, tail, size);
    *segment_of(&longer, PT_GNU_STACK) = (ElfW(Phdr)){ .p_type = PT_LOAD,
                                                       .p_flags = PF_R,
                                                       .p_offset = begin,
                                                       .p_vaddr = TAIL,
                                                       .p_filesz = size,
                                                       .p_memsz = size,
                                                       .p_align = PAGE };
    strcpy(reason, "");
    err = tocsin__elf_read(ret_elf, longer.data, longer.size, &why);
    free(longer.data);
    free(object->data);
    return err;
}

static int with_table(int64_t tag, const uint32_t *words, size_t count)
{
    struct object object = object_of("plain_sysv");
    ElfW(Dyn) *entry = dynamic_of(&object, DT_HASH);
    struct tocsin__elf elf;

    entry->d_tag = tag;
    entry->d_un.d_ptr = TAIL;
    return with_tail(&object, words, count * sizeof *words, &elf);
}

START_TEST(tables_that_do_not_fit_the_symbols)
{
    static const struct {
        int64_t tag;
        size_t count;
        uint32_t words[8];
    } tables[] = {
        { DT_GNU_HASH, 1, { 1 } },
        { DT_GNU_HASH, 2, { 1, 1 } },
        { DT_GNU_HASH, 3, { 1, 1, 0 } },
        { DT_GNU_HASH, 4, { 1, 1, 0, 0 } },
        { DT_GNU_HASH, 7, { 1, 1, 0, 0, 1, 2, 3 } }, /* this hash table has no bloom filter */
        { DT_GNU_HASH, 8, { 1, 1, 3, 0, 1, 2, 3 } },
        { DT_GNU_HASH, 8, { 0, 1, 1, 0, 1, 2, 3 } },
        { DT_GNU_HASH, 8, { 1, 1, 1, 32, 1, 2, 3 } },
        { DT_GNU_HASH, 7, { 1, 1, 1, 0, ~0u, ~0u, 1 } }, /* the hash table has no chain */
        /* the hash table has a chain without an end */
        { DT_GNU_HASH, 8, { 1, 1, 1, 0, ~0u, ~0u, 1, 2 } },
        /* the hash table begins before the first symbol */
        { DT_GNU_HASH, 8, { 1, 4, 1, 0, ~0u, ~0u, 3, 3 } },
        { DT_GNU_HASH, 8, { 1, 1, 1, 0, ~0u, ~0u, UINT32_MAX, 3 } },
        { DT_GNU_HASH, 8, { 1, 1, 1, 0, ~0u, ~0u, 1, 3 } },
        { DT_GNU_HASH, 8, { UINT32_MAX, 1, 1, 0, 1, 3 } },
        { DT_GNU_HASH, 8, { 1, 1, UINT32_MAX, 0, 1, 3 } },
        { DT_GNU_HASH, 8, { 1, 1, 1u << 31, 0, 1, 3 } },
        { DT_HASH, 1, { 1 } },
        { DT_HASH, 2, { 1, 3 } },
        { DT_HASH, 2, { 1, INT32_MAX } },
        { DT_HASH, 2, { 1, UINT32_MAX } },
        { DT_HASH, 6, { 0, 3, 0, 0, 0 } },
        { DT_HASH, 6, { UINT32_MAX, 3, 1, 0, 0, 0 } },
        { DT_HASH, 6, { 1, 3, 1, 0, 2, 1 } }, /* the chain of this hash table is a cycle */
        { DT_HASH, 6, { 1, 3, 3, 0, 0, 0 } },
        { DT_HASH, 6, { 1, 3, 1, 0, UINT32_MAX, 0 } },
        { DT_DEBUG, 2, { 1, 3 } }, /* the file has no hash table */
    };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        int err = with_table(tables[i].tag, tables[i].words, tables[i].count);

        ck_assert_msg(err == -ENOEXEC && strstr(reason, "symbols are malformed"),
                      "table %zu: %d: %s", i, err, reason);
    }
}
END_TEST

START_TEST(symbols_and_names_beyond_the_file)
{
    struct {
        uint32_t hash[2];
        ElfW(Sym) symbols[2];
    } few = { { 1, 9 }, { { 0 } } };
    struct object object = object_of("plain_sysv");
    struct tocsin__elf elf;

    dynamic_of(&object, DT_SYMTAB)->d_un.d_ptr = TAIL + offsetof(__typeof__(few), symbols);
    ck_assert_int_eq(with_tail(&object, &few, sizeof few, &elf), -ENOEXEC);
    ck_assert_ptr_nonnull(strstr(reason, "symbols are malformed"));
    object = object_of("plain_sysv");
    dynamic_of(&object, DT_STRTAB)->d_un.d_ptr = TAIL;
    dynamic_of(&object, DT_STRSZ)->d_un.d_val = 13;
    ck_assert_int_eq(with_tail(&object, "pthread_creat", 13, &elf), -ENOEXEC);
    ck_assert_ptr_nonnull(strstr(reason, "string table is not in the file"));
    object = object_of("plain_sysv");
    dynamic_of(&object, DT_STRSZ)->d_un.d_val = 1;
    ck_assert_int_eq(with_tail(&object, "", 1, &elf), -ENOEXEC);
    object = object_of("plain_sysv");
    dynamic_of(&object, DT_STRSZ)->d_un.d_val = UINT64_MAX;
    ck_assert_int_eq(with_tail(&object, "", 1, &elf), -ENOEXEC);
}
END_TEST

/* The file has DT_RELACOUNT, but no table of relocations. The dynamic linker would read as many
   entries as DT_RELACOUNT says, so the file must be refused. */
START_TEST(a_count_of_relocations_without_a_table)
{
    struct object object = object_of("plain");
    struct tocsin__note note;

    dynamic_of(&object, DT_INIT_ARRAYSZ)->d_un.d_val = 0;
    dynamic_of(&object, DT_FINI_ARRAYSZ)->d_un.d_val = 0;
    dynamic_of(&object, DT_RELASZ)->d_un.d_val = 0;
    dynamic_of(&object, DT_RELACOUNT)->d_un.d_val = 1;
    check_refused(&object, -ENOEXEC, "count of relative");
    dynamic_of(&object, DT_RELA)->d_tag = DT_DEBUG;
    check_refused(&object, -ENOEXEC, "count of relative");
    dynamic_of(&object, DT_RELACOUNT)->d_un.d_val = 0;
    ck_assert_int_eq(note_of(&object, object.size, &note), 0);
    tocsin__note_free(&note);
    free(object.data);
}
END_TEST

START_TEST(a_plugins_own_pthread_create_is_not_a_thread)
{
    struct object object = object_of("threads_sysv");
    ElfW(Sym) *symbols = (ElfW(Sym) *)(void *)(object.data +
                                               dynamic_of(&object, DT_SYMTAB)->d_un.d_ptr);
    const uint32_t *table = (const uint32_t *)(void *)(object.data +
                                                       dynamic_of(&object, DT_HASH)->d_un.d_ptr);
    struct tocsin__elf elf;

    ck_assert_uint_eq(segment_of(&object, PT_LOAD)->p_vaddr,
                      segment_of(&object, PT_LOAD)->p_offset);
    for (uint32_t i = 1; i < table[1]; i++)
        if (symbols[i].st_shndx == SHN_UNDEF) {
            symbols[i].st_shndx = 1;
            symbols[i].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
        }
    ck_assert_int_eq(with_tail(&object, "", 1, &elf), 0);
    ck_assert(!elf.threads);
}
END_TEST

START_TEST(no_note_or_two_notes)
{
    struct object object = object_of("plain");

    check_object_refused("no_note", -ENOEXEC, "not a tocsin plugin");
    check_object_refused("twice", -EBADMSG, "two notes");
    check_object_refused("large_note", -EBADMSG, "64 KiB");
    /* the note has another name now, so it is not tocsin's note */
    object.data[note_offset(&object) + 12] = 'T';
    check_refused(&object, -ENOEXEC, "not a tocsin plugin");
    free(object.data);
}
END_TEST

START_TEST(a_note_with_a_wrong_size)
{
    struct object object = object_of("plain");
    ElfW(Nhdr) * head, was;

    note_alone(&object);
    head = note_head(&object);
    was = *head;
    /* The size of the note is so large that a sum with it overflows. The note must be refused. */
    for (uint32_t more = 1; more; more <<= 1) {
        head->n_descsz = was.n_descsz + more;
        check_refused(&object, -EBADMSG, "longer than");
        *head = was;
        head->n_namesz = was.n_namesz + was.n_descsz + more;
        check_refused(&object, more > UINT32_MAX - was.n_descsz - 8 ? -ENOEXEC : -EBADMSG, "");
        *head = was;
    }
    head->n_namesz = UINT32_MAX;
    check_refused(&object, -EBADMSG, "longer than");
    *head = was;
    head->n_descsz = was.n_descsz - 1; /* the text of the note ends before its NUL */
    check_refused(&object, -EBADMSG, "does not end with a NUL");
    head->n_descsz = 0; /* the size is 0, so the text of the note is read as the next note */
    check_refused(&object, -EBADMSG, "longer than");
    free(object.data);
}
END_TEST

START_TEST(notes_that_are_aligned_to_eight)
{
    static const char text[] = "abi 1\nname x\nversion 1\nabout y\n";
    struct object object = object_saying(text, sizeof text);
    ElfW(Phdr) *segment = segment_of_note(&object);
    struct tocsin__note note;

    memmove(object.data + segment->p_offset + 24, object.data + segment->p_offset + 20,
            sizeof text);
    segment->p_memsz = segment->p_filesz += 4;
    check_refused(&object, -EBADMSG, "");
    segment->p_align = 8;
    ck_assert_int_eq(note_of(&object, object.size, &note), 0);
    ck_assert_str_eq(note.about, "y");
    tocsin__note_free(&note);
    free(object.data);
}
END_TEST

/* Tests: texts of the note */

static int said(const char *text, size_t size, struct tocsin__note *note)
{
    struct object object = object_saying(text, size);
    int err = note_of(&object, object.size, note);

    free(object.data);
    return err;
}

#define HEAD "abi 1\nname x\nversion 1\nabout y\n"
#define N63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789_-xyz"

static const struct {
    const char *text, *why;
} malformed_texts[] = {
    { "", "abi" },
    { "\n", "line 1" },
    { "name x\nabi 1\nversion 1\nabout y\n", "line 1" },
    { "abi 1", "a newline" },
    { "abi 1\n", "\"name\"" },
    { "abi\nname x\n", "line 1" },
    { "abi \nname x\n", "a number" },
    { "abi 0\nname x\n", "a number" },
    { "abi x\n", "a number" },
    { "abi -1\n", "a number" },
    { "abi 4294967297\nname x\n", "a number" },
    { "abi  1\n", "a number" },
    { "ABI 1\n", "line 1" },
    { "abi 1\nversion 1\nabout y\n", "\"name\"" },
    { "abi 1\nname x\nabout y\n", "\"version\"" },
    { "abi 1\nname x\nversion 1\n", "\"about\"" },
    { HEAD "abi 1\n", "the first line" },
    { HEAD "name x\n", "repeated" },
    { HEAD "version 1\n", "repeated" },
    { HEAD "about y\n", "repeated" },
    { HEAD "licence a\nlicence a\n", "line 6" },
    { HEAD "\n", "line 5" },
    { HEAD "lonely\n", "line 5" },
    { HEAD " x\n", "line 5" },
    { HEAD "x y", "a newline" },
    { "abi 1\nname \n", "line 2" },
    { "abi 1\nname X\n", "line 2" },
    { "abi 1\nname a.b\n", "line 2" },
    { "abi 1\nname a b\n", "line 2" },
    { "abi 1\nname a/b\n", "line 2" },
    { "abi 1\nname " N63 "0\n", "line 2" },
    { "abi 1\nversion \n", "line 2" },
    { "abi 1\nversion " N63 "0\n", "line 2" },
    { "abi 1\nabout a\tb\n", "control" },
    { "abi 1\nabout a\x7f\n", "control" },
    { "abi 1\nabout \x1b[31m\n", "control" },
    { HEAD "new a\tb\n", "control" },
    { "abi 1\r\nname x\r\n", "control" },
    { HEAD "needs \n", "line 5" },
    { HEAD "needs A\n", "line 5" },
    { HEAD "needs a,b\n", "line 5" },
    { HEAD "needs a\nneeds b\nneeds a\n", "line 7" },
    { HEAD "emits \n", "name" },
    { HEAD "emits  \n", "name" },
    { HEAD "emits a.b\n", "layout" },
    { HEAD "emits a..b \n", "name" },
    { HEAD "emits a.* \n", "name" },
    { HEAD "consumes a.* \n", "name" },
    { HEAD "consumes ** \n", "name" },
    { HEAD "consumes a,b \n", "name" },
    { HEAD "consumes !a \n", "name" },
    { HEAD "emits a.b string\n", "layout" },
    { HEAD "emits a.b string text\n", "layout" },
    { HEAD "emits a.b string text;;\n", "layout" },
    { HEAD "emits a.b char text;\n", "layout" },
    { HEAD "consumes a.b string text; u64 user;\n", "layout" },
    { HEAD "consumes a.b  string text;\n", "layout" },
    { HEAD "emits a.b \nemits a.b \n", "repeated" },
    { HEAD "emits a.b \nemits a.c \nemits a.b u64 x;\n", "line 7" },
};

START_TEST(texts_that_are_malformed)
{
    for (size_t i = 0; i < sizeof malformed_texts / sizeof malformed_texts[0]; i++) {
        struct tocsin__note note;
        int err = said(malformed_texts[i].text, strlen(malformed_texts[i].text) + 1, &note);

        ck_assert_msg(err == -EBADMSG && strstr(reason, malformed_texts[i].why), "'%s': %d: %s",
                      malformed_texts[i].text, err, reason);
    }
}
END_TEST

START_TEST(well_formed_texts)
{
    static const char *const texts[] = {
        HEAD,
        HEAD "licence \n",
        HEAD "new \n",
        HEAD "new thing\nnew thing\nNew Thing\n",
        HEAD "emits a \nconsumes a \nconsumes a \n",
        HEAD "emits os.sigterm \n",
        HEAD "consumes a.b string text;u64 user;\n",
        HEAD "emits A-1.b_2.c bool x;\nemits a \n",
        HEAD "needs " N63 "\nneeds x\nneeds -\n",
        "abi 1\nabout \nversion " N63 "\nname " N63 "\n",
        "abi 1\nlicence \xff\xfe\xc3\nabout abi 2  \nversion 1 beta\nname x\n",
        "abi 01\nname x\nversion 1\nabout y\n",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tocsin__note note;
        int err = said(texts[i], strlen(texts[i]) + 1, &note);

        ck_assert_msg(err == 0, "'%s': %d: %s", texts[i], err, reason);
        ck_assert_str_eq(note.text, texts[i]);
        tocsin__note_free(&note);
    }
}
END_TEST

START_TEST(bytes_after_the_text_of_a_note)
{
    struct tocsin__note note;

    ck_assert_int_eq(said(HEAD "\0\0\0", sizeof HEAD + 3, &note), 0);
    tocsin__note_free(&note);
    ck_assert_int_eq(said(HEAD "\0\0x", sizeof HEAD + 3, &note), -EBADMSG);
    ck_assert_int_eq(said(HEAD "\0needs a\n", sizeof HEAD + 9, &note), -EBADMSG);
}
END_TEST

START_TEST(notes_of_another_abi)
{
    static const struct {
        const char *text, *name, *version, *about;
        unsigned abi;
    } texts[] = {
        { "abi 2\nname x\nversion 1\nabout y\n", "x", "1", "y", 2 },
        { "abi 3\n", "", "", "", 3 },
        { "abi 999999999\nwhat\nabout y\nname X\nname y\n\tz\n\nversion 4", "y", "", "y",
          999999999 },
        { "abi 2\nversion 1\nname x\nname y\nabout a\tb\n", "x", "1", "", 2 },
    };
    struct tocsin__note note;
    struct object object = object_of("later");

    ck_assert_int_eq(note_of(&object, object.size, &note), -EPROTONOSUPPORT);
    ck_assert_str_eq(reason, "compiled for ABI 2 of tocsin, but this is ABI 1");
    ck_assert_str_eq(note.name, "later");
    tocsin__note_free(&note);
    free(object.data);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_assert_int_eq(said(texts[i].text, strlen(texts[i].text) + 1, &note), -EPROTONOSUPPORT);
        ck_assert_uint_eq(note.abi, texts[i].abi);
        ck_assert_str_eq(note.name, texts[i].name);
        ck_assert_str_eq(note.version, texts[i].version);
        ck_assert_str_eq(note.about, texts[i].about);
        ck_assert_str_eq(note.licence, "");
        tocsin__note_free(&note);
    }
}
END_TEST

START_TEST(a_reason_without_room)
{
    char small[8];
    struct tocsin__note note;

    ck_assert_int_eq(tocsin__note_read(&note, (const unsigned char *)"no", 2, small, sizeof small),
                     -ENOEXEC);
    ck_assert_str_eq(small, "not an ");
    ck_assert_int_eq(tocsin__note_read(&note, (const unsigned char *)"no", 2, NULL, 0), -ENOEXEC);
}
END_TEST

/* Tests: files with random bytes */

static bool known(int err)
{
    return err == 0 || err == -ENOEXEC || err == -EBADMSG || err == -EPROTONOSUPPORT;
}

/* Returns the file offset after the last byte that is mapped. */
static size_t mapped_size(const struct object *object)
{
    const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(void *)(object->data +
                                                             header_of(object)->e_phoff);
    size_t size = 0;

    for (int i = 0; i < header_of(object)->e_phnum; i++)
        if (segment[i].p_type == PT_LOAD && segment[i].p_offset + segment[i].p_filesz > size)
            size = segment[i].p_offset + segment[i].p_filesz;
    return size;
}

static void truncate_to(const struct object *object, size_t size, size_t enough)
{
    struct tocsin__note note;
    int err = note_of(object, size, &note);

    ck_assert_msg(err == (size < enough ? -ENOEXEC : 0), "%zu bytes of %zu: %d: %s", size,
                  object->size, err, reason);
    tocsin__note_free(&note);
}

START_TEST(every_truncated_file)
{
    struct object object = object_of("every_entry");
    size_t enough = mapped_size(&object),
           heads = note_offset(&object) + 20 + note_head(&object)->n_descsz;

    for (size_t size = 0; size <= object.size; size += size < heads ? 1 : 64)
        truncate_to(&object, size, enough);
    for (size_t size = enough - 64; size < enough + 64 && size <= object.size; size++)
        truncate_to(&object, size, enough);
    free(object.data);
}
END_TEST

static void flip(struct object *object, size_t at, unsigned char value)
{
    unsigned char was = object->data[at];
    struct tocsin__note note;
    int err;

    object->data[at] = value;
    err = note_of(object, object->size, &note);
    ck_assert_msg(known(err), "byte %zu is %u: %d: %s", at, value, err, reason);
    if (err == 0)
        ck_assert(note.name && note.version && note.about && note.licence && note.low < note.high &&
                  !note.needs[note.needs_count]);
    tocsin__note_free(&note);
    object->data[at] = was;
}

static void flip_all(struct object *object, size_t from, size_t size, unsigned *seed)
{
    for (size_t at = from; at < from + size; at++) {
        flip(object, at, 0);
        flip(object, at, 0xff);
        for (int i = 0; i < 4; i++)
            flip(object, at, (unsigned char)rand_r(seed));
    }
}

static void flip_name(const char *name)
{
    struct object object = object_of(name);
    const ElfW(Phdr) *dynamic = segment_of(&object, PT_DYNAMIC);
    size_t note = note_offset(&object);
    unsigned seed = 1;

    flip_all(&object, 0, sizeof(ElfW(Ehdr)), &seed);
    flip_all(&object, header_of(&object)->e_phoff, header_of(&object)->e_phnum * sizeof(ElfW(Phdr)),
             &seed);
    flip_all(&object, dynamic->p_offset, dynamic->p_filesz, &seed);
    flip_all(&object, note, 20 + note_head(&object)->n_descsz, &seed);
    /* only the bytes before the hash table, the symbols and the names are changed */
    flip_all(&object, note, 2048 < object.size - note ? 2048 : object.size - note, &seed);
    free(object.data);
}

START_TEST(every_byte_is_changed)
{
    flip_name("every_entry");
    flip_name("threads_sysv");
}
END_TEST

/* Changes many bytes at once. All of them lie before the code. */
START_TEST(many_bytes_are_changed)
{
    struct object object = object_of("threads"), broken = { malloc(object.size), object.size };
    unsigned seed = 7;

    for (long round = test_scaled(20000, 2, 20); round > 0; round--) {
        size_t front = round % 2 ? 1024 : object.size;
        struct tocsin__note note;
        int err;

        memcpy(broken.data, object.data, object.size);
        for (int i = 1 + rand_r(&seed) % 8; i > 0; i--)
            broken.data[sizeof(ElfW(Ehdr)) + (size_t)rand_r(&seed) % (front - sizeof(ElfW(Ehdr)))] =
                (unsigned char)rand_r(&seed);
        err = note_of(&broken, broken.size, &note);
        ck_assert_msg(known(err), "%d: %s", err, reason);
        tocsin__note_free(&note);
    }
    free(object.data);
    free(broken.data);
}
END_TEST

START_TEST(notes_without_memory)
{
    struct object object = object_of("every_entry");
    struct tocsin__note note;
    long nth = 0;

    do {
        int err;

        tocsin__fault_at(++nth);
        err = note_of(&object, object.size, &note);
        ck_assert_int_eq(err, tocsin__fault_count() >= nth ? -ENOMEM : 0);
        tocsin__note_free(&note);
    } while (tocsin__fault_count() >= nth);
    tocsin__fault_at(0);
    ck_assert_int_gt(nth, 4);
    free(object.data);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/note");
    TCase *tests = test_case(suite, "note"), *broken = test_case(suite, "broken notes");

    tcase_add_test(tests, the_smallest_note);
    tcase_add_test(tests, a_note_with_every_entry);
    tcase_add_test(tests, strip_keeps_the_note);
    tcase_add_test(tests, the_address_of_the_mapped_note);
    tcase_add_test(tests, plugins_that_start_threads_are_found);
    tcase_add_test(tests, files_that_are_no_shared_object);
    tcase_add_test(tests, an_executable_is_refused);
    tcase_add_test(tests, contradictory_headers_are_refused);
    tcase_add_test(tests, a_segment_that_begins_within_a_page);
    tcase_add_test(tests, tables_that_do_not_fit_the_symbols);
    tcase_add_test(tests, symbols_and_names_beyond_the_file);
    tcase_add_test(tests, a_count_of_relocations_without_a_table);
    tcase_add_test(tests, a_plugins_own_pthread_create_is_not_a_thread);
    tcase_add_test(tests, no_note_or_two_notes);
    tcase_add_test(tests, a_note_with_a_wrong_size);
    tcase_add_test(tests, notes_that_are_aligned_to_eight);
    tcase_add_test(tests, texts_that_are_malformed);
    tcase_add_test(tests, well_formed_texts);
    tcase_add_test(tests, bytes_after_the_text_of_a_note);
    tcase_add_test(tests, notes_of_another_abi);
    tcase_add_test(tests, a_reason_without_room);
    tcase_add_test(tests, notes_without_memory);
    tcase_set_timeout(broken, 120);
    tcase_add_test(broken, every_truncated_file);
    tcase_add_test(broken, every_byte_is_changed);
    tcase_add_test(broken, many_bytes_are_changed);
    return suite;
}
