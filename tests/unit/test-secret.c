/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "secret.h"

#include <string.h>

static void
masked_is(const char *text, const char *expected)
{
    g_autofree char *masked = secret_mask(text, -1);

    g_assert_cmpstr(masked != NULL ? masked : text, ==, expected);
}

static void
test_forms(void)
{
    g_autoptr(Secret) secret = secret_new("P@ss<w>\"rd&1\\", -1);

    g_assert_cmpstr(secret_peek(secret), ==, "P@ss<w>\"rd&1\\");
    masked_is("nothing here", "nothing here");
    masked_is("a P@ss<w>\"rd&1\\ b", "a ****** b");
    masked_is("<p>P@ss&lt;w&gt;&quot;rd&amp;1\\</p>", "<p>******</p>");
    masked_is("<p>P@ss&lt;w&gt;\"rd&amp;1\\</p>", "<p>******</p>");
    masked_is("{\"p\":\"P@ss<w>\\\"rd&1\\\\\"}", "{\"p\":\"******\"}");
    masked_is("?p=P%40ss%3Cw%3E%22rd%261%5C&q", "?p=******&q");
    masked_is("P@ss<w>\"rd&1\\P@ss<w>\"rd&1\\", "************");
}

/* The secret inside base64 is found at each of the three places it can have in a group. */
static void
test_base64(void)
{
    static const char *const before[] = {"", "a", "ad", "adm", "admi", "admin:"};
    g_autoptr(Secret) secret = secret_new("correct horse", -1);

    for (guint i = 0; i < G_N_ELEMENTS(before); i++) {
        g_autofree char *clear = g_strconcat(before[i], "correct horse", " tail", NULL);
        g_autofree char *coded = g_base64_encode((const guchar *)clear, strlen(clear));
        g_autofree char *masked = secret_mask(coded, -1);
        g_assert_nonnull(masked);
        g_assert_nonnull(strstr(masked, "******"));
        g_assert_cmpint(strlen(masked), <, strlen(coded));
    }
}

static void
test_life(void)
{
    Secret *secret = secret_new("once upon", -1);
    g_autoptr(Secret) brief = secret_new("abc", -1);
    g_autoptr(Secret) shown = secret_new_shown("administrator", -1);

    secret_ref(secret);
    secret_unref(secret);
    masked_is("once upon a time", "****** a time");
    secret_unref(secret);
    masked_is("once upon a time", "once upon a time");
    masked_is("abc administrator", "abc administrator");
}

static void
test_bytes(void)
{
    g_autoptr(Secret) secret = secret_new("hunter22", -1);
    gsize length = 0;
    g_autofree char *masked = secret_mask_bytes("\0hunter22\0", 10, &length);

    g_assert_cmpmem(masked, length, "\0******\0", 8);
}

static void
test_many(void)
{
    Secret *many[3000];
    g_autofree char *large = g_strnfill(100000, 'x');
    g_autoptr(Secret) big = secret_new(large, -1);

    for (guint i = 0; i < G_N_ELEMENTS(many); i++) {
        g_autofree char *text = g_strdup_printf("secret-number-%u!", i);
        many[i] = secret_new(text, -1);
    }
    masked_is("it is secret-number-2999!", "it is ******");
    g_assert_cmpuint(strlen(secret_peek(big)), ==, 100000);
    for (guint i = 0; i < G_N_ELEMENTS(many); i++)
        secret_unref(many[i]);
    masked_is("it is secret-number-2999!", "it is secret-number-2999!");
}

static gpointer
churn(gpointer data)
{
    for (guint i = 0; i < 300; i++) {
        g_autofree char *text = g_strdup_printf("thread %p round %u", data, i);
        g_autoptr(Secret) secret = secret_new(text, -1);
        masked_is(text, "******");
    }
    return NULL;
}

static void
test_threads(void)
{
    GThread *threads[4];

    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("churn", churn, &threads[i]);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret/forms", test_forms);
    g_test_add_func("/secret/base64", test_base64);
    g_test_add_func("/secret/life", test_life);
    g_test_add_func("/secret/bytes", test_bytes);
    g_test_add_func("/secret/many", test_many);
    g_test_add_func("/secret/threads", test_threads);
    return g_test_run();
}
