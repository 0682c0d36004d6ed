/* Tests the settings that plugins declare. The tests cover each type of setting, with values at and
   beyond its limits. They also cover malformed declarations. A load or a reload must refuse wrong
   values before it maps the plugin. */
#include <string.h>

#include "plugin_host.h"

#define NOTE(lines) "abi 1\nname x\nversion 1\nabout Of a test.\n" lines

static void check_value(const char *type, const char *value, const char *wanted)
{
    char note[512], setting[256];
    int err;

    snprintf(note, sizeof note, NOTE("setting key %s: A setting.\n"), type);
    snprintf(setting, sizeof setting, "key=%s", value);
    err = tocsin_plugin_setting_check(note, setting);
    ck_assert_msg(err == (wanted ? -EINVAL : 0), "%s '%s': %d, %s", type, value, err,
                  tocsin_plugin_last_error());
    if (wanted)
        ck_assert_msg(strstr(tocsin_plugin_last_error(), wanted), "%s '%s': %s", type, value,
                      tocsin_plugin_last_error());
}

static const struct {
    const char *type, *value, *wanted;
} values[] = {
    { "string", "", NULL },
    { "string", "a = b\xff", NULL },
    { "bool", "yes", NULL },
    { "bool", "no", NULL },
    { "bool", "true", "expected yes or no, got" },
    { "bool", "", "yes or no" },
    { "bool", "yes ", "yes or no" },
    { "u64", "0", NULL },
    { "u64", "18446744073709551615", NULL },
    { "u64", "18446744073709551616", "expected a whole number from 0, got" },
    { "u64", "99999999999999999999999999999999", "whole" },
    { "u64", "-1", "whole" },
    { "u64", "-0", NULL },
    { "u64", "", "whole" },
    { "u64", "+1", "whole" },
    { "u64", " 1", "whole" },
    { "u64", "1 ", "whole" },
    { "u64", "0x10", "whole" },
    { "u64", "1e3", "whole" },
    { "u64", "1.0", "whole" },
    { "u64", "007", NULL },
    { "i64", "-9223372036854775808", NULL },
    { "i64", "9223372036854775807", NULL },
    { "i64", "-9223372036854775809", "expected a whole number, got" },
    { "i64", "9223372036854775808", "whole" },
    { "i64", "--1", "whole" },
    { "i64", "-", "whole" },
    { "i64", "- 1", "whole" },
    { "u64 1..10", "0", "expected a whole number from 1 to 10, got" },
    { "u64 1..10", "1", NULL },
    { "u64 1..10", "10", NULL },
    { "u64 1..10", "11", "from 1 to 10" },
    { "u64 5..", "4", "from 5, got" },
    { "u64 5..", "18446744073709551615", NULL },
    { "u64 ..5", "6", "from 0 to 5" },
    { "u64 ..5", "0", NULL },
    { "i64 -5..5", "-6", "a whole number from -5 to 5" },
    { "i64 -5..5", "-5", NULL },
    { "i64 -5..5", "0", NULL },
    { "i64 -5..5", "6", "to 5" },
    { "i64 -5..-1", "0", "to -1" },
    { "i64 ..-1", "-9223372036854775808", NULL },
    { "i64 0..", "-1", "from 0" },
    { "i64 0..", "-0", NULL },
    { "f64", "1.5", NULL },
    { "f64", "-1e308", NULL },
    { "f64", "1e309", "expected a number, got" },
    { "f64", "nan", "a number" },
    { "f64", "inf", "a number" },
    { "f64", "0x1p3", "a number" },
    { "f64", "", "a number" },
    { "f64", "1,5", "a number" },
    { "f64", "1.5s", "a number" },
    { "f64", " 1", "a number" },
    { "f64 0..1", "1.0000001", "a number from 0 to 1, got" },
    { "f64 0..1", "-1e-300", "from 0 to 1" },
    { "f64 0..1", "0.5", NULL },
    { "f64 0..1", "1e-320", NULL },
    { "choice text|json", "text", NULL },
    { "choice text|json", "json", NULL },
    { "choice text|json", "xml", "expected text or json, got" },
    { "choice text|json", "", "text or json" },
    { "choice text|json", "text|json", "text or json" },
    { "choice text|json", "tex", "text or json" },
    { "choice a|b|c", "d", "expected a, b or c, got" },
    { "choice a", "b", "expected a, got" },
    { "pattern", "a.*, !b.**", NULL },
    { "pattern", "a..b", "expected a pattern of signals, got" },
    { "pattern", "", "a pattern" },
};

START_TEST(every_type_accepts_its_values)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        check_value(values[i].type, values[i].value, values[i].wanted);
}
END_TEST

static const char *const nonsense[] = {
    "setting\n",
    "setting key\n",
    "setting key string\n",
    "setting key string:\n",
    "setting key string: \n",
    "setting  string: A.\n",
    "setting k=y string: A.\n",
    "setting \xc3\xa4 string: A.\n",
    "setting key text: A.\n",
    "setting key : A.\n",
    "setting key u64 1: A.\n",
    "setting key u64 1..x: A.\n",
    "setting key u64 -1..: A.\n",
    "setting key u64 ..99999999999999999999: A.\n",
    "setting key string 1..2: A.\n",
    "setting key choice: A.\n",
    "setting key choice a||b: A.\n",
    "setting key choice a b: A.\n",
    "setting key bool: A.\ndefault maybe\n",
    "setting key u64 1..5: A.\ndefault 6\n",
    "setting key u64: A.\ndefault \n",
    "setting 0123456789012345678901234567890123456789012345678901234567890123 string: A.\n",
};

START_TEST(invalid_declarations_are_refused)
{
    struct tocsin_setting_facts facts;

    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        char note[512];
        int err;

        snprintf(note, sizeof note, NOTE("%s"), nonsense[i]);
        err = tocsin_plugin_setting(note, 0, &facts);
        ck_assert_msg(err == -EBADMSG, "%s: %d", nonsense[i], err);
        ck_assert_int_eq(tocsin_plugin_setting_check(note, "key=x"), -EBADMSG);
    }
}
END_TEST

START_TEST(the_settings_of_a_note_are_listed)
{
    static const char note[] = NOTE(
        "setting a string: One: it is.\ndefault \nemits a.b \nsetting b u64 1..: Two.\nrequired "
        "yes\nsetting c bool: Three.\ndefault no\n");
    struct tocsin_setting_facts facts;

    ck_assert_int_eq(tocsin_plugin_setting(note, 0, &facts), 0);
    ck_assert_str_eq(facts.name, "a");
    ck_assert_str_eq(facts.about, "One: it is.");
    ck_assert(facts.has_default && !*facts.otherwise && !facts.required);
    ck_assert_int_eq(tocsin_plugin_setting(note, 1, &facts), 0);
    ck_assert_str_eq(facts.type, "u64 1..");
    ck_assert(!facts.has_default && facts.required);
    ck_assert_int_eq(tocsin_plugin_setting(note, 2, &facts), 0);
    ck_assert_str_eq(facts.otherwise, "no");
    ck_assert_int_eq(tocsin_plugin_setting(note, 3, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_plugin_setting(NOTE(""), 0, &facts), -ENODATA);
    ck_assert_int_eq(tocsin_plugin_setting(NOTE("settings none\n"), 0, &facts), -ENOENT);
    ck_assert_int_eq(tocsin_plugin_setting("", 0, &facts), -ENODATA);
    ck_assert_int_eq(tocsin_plugin_setting(note, -1, &facts), -EINVAL);
    ck_assert_int_eq(tocsin_plugin_setting(NULL, 0, &facts), -EINVAL);
    ck_assert_int_eq(tocsin_plugin_setting(note, 0, NULL), -EINVAL);
}
END_TEST

static void check_unknown(const char *note, const char *setting, int err, const char *why)
{
    ck_assert_int_eq(tocsin_plugin_setting_check(note, setting), err);
    ck_assert_msg(strstr(tocsin_plugin_last_error(), why), "%s: %s", setting,
                  tocsin_plugin_last_error());
}

START_TEST(a_misspelt_setting_gets_a_suggestion)
{
    static const char note[] = NOTE("setting every_ms u64: A.\nsetting to string: B.\n");
    char longest[600] = "";

    check_unknown(note, "evry_ms=1", -ENOENT,
                  "there is no setting 'evry_ms': did you mean 'every_ms'?");
    check_unknown(note, "Every_ms=1", -ENOENT, "did you mean 'every_ms'?");
    check_unknown(note, "elsewhere=1", -ENOENT, "there is no setting 'elsewhere'");
    ck_assert_ptr_null(strstr(tocsin_plugin_last_error(), "mean"));
    check_unknown(NOTE("settings none\n"), "to=1", -ENOENT, "there is no setting 'to'");
    check_unknown(note, "to", -EINVAL, "key=value");
    check_unknown(note, "=x", -EINVAL, "key=value");
    check_unknown(note, NULL, -EINVAL, "");
    memset(longest, 'x', 500);
    strcat(longest, "=1");
    check_unknown(note, longest, -ENOENT, "there is no setting");
    ck_assert_int_eq(tocsin_plugin_setting_check(NOTE(""), "anything=at all"), 0);
}
END_TEST

START_TEST(a_load_refuses_before_it_maps)
{
    host_begin();
    refused("settled", NULL, -EINVAL, "settled: the setting 'to' is missing: Where to.");
    refused("settled", SETTINGS("to=x", "every=5"), -EINVAL,
            "settled: there is no setting 'every'");
    refused("settled", SETTINGS("to=x", "every_ms=0"), -EINVAL,
            "settled: every_ms: expected a whole number from 1 to 1000, got '0'");
    refused("settled", SETTINGS("to=x", "seed="), -EINVAL, "seed: expected a whole number");
    ck_assert_int_eq(host.woken, 0);
    refused("settled", SETTINGS("to=say", "seed=7"), -EIO, "say|10||7");
    ck_assert_int_eq(host.woken, 1);
    turns_until_mapped(0);
}
END_TEST

START_TEST(a_refused_reload_keeps_the_old_version)
{
    struct tocsin_op op;

    host_begin();
    loads("settled", SETTINGS("to=x", "every_ms=5"));
    ck_assert_int_eq(host.version, (int)strlen("x|5||?"));
    ck_assert_int_eq(
        tocsin_plugin_reload("settled", SETTINGS("to=x", "evry_ms=5"), TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), -EINVAL);
    ck_assert_int_eq(host.woken, 1);
    ck_assert_int_eq(tocsin_plugin_reload("settled", SETTINGS("to=xy"), TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    ck_assert_int_eq(host.version, (int)strlen("xy|10||?"));
    ck_assert_int_eq(tocsin_plugin_unload("settled", TOCSIN_FUTURE, &op), 0);
    ck_assert_int_eq(tocsin_wait(op, -1, NULL), 0);
    turns_until_mapped(0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/settings");
    TCase *notes = test_case(suite, "notes"), *plugins = test_case(suite, "plugins");

    test_needs_processes();
    tcase_add_test(notes, every_type_accepts_its_values);
    tcase_add_test(notes, invalid_declarations_are_refused);
    tcase_add_test(notes, the_settings_of_a_note_are_listed);
    tcase_add_test(notes, a_misspelt_setting_gets_a_suggestion);
    tcase_add_test(plugins, a_load_refuses_before_it_maps);
    tcase_add_test(plugins, a_refused_reload_keeps_the_old_version);
    return suite;
}
