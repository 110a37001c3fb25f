/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTERN_CHECK_H
#define POSTERN_CHECK_H

/*
 * postern-check.h - how a plugin takes part in `postern diagnose`.
 *
 * A read-only task with POSTERN_TASK_PROBE and an output "checks" of type aa{sv} is run by the diagnosis on its own:
 * without parameters, on each target. It succeeds whatever it finds, and returns one check for each link of the chain
 * that it could look at, in the order in which they depend on each other. The diagnosis names the first broken one.
 *
 *     PosternChecks checks;
 *     checks_begin (&checks);
 *     checks_ok (&checks, "port", "16993 is open");
 *     checks_failed (&checks, "certificate", "certificate-expired", "ended 2024-01-01", "one that is valid now",
 *                    "put a new certificate into the device");
 *     result_value (&result, "checks", checks_end (&checks));
 */
#include <postern-plugin.h>

/* Links, first to last; the diagnosis orders the checks of all plugins by them. */
#define POSTERN_CHECK_STAGES                                                                       \
    "name", "address", "port", "technology", "provisioning", "tls", "certificate", "login",        \
        "rights", "clock", "power", "feature", NULL

typedef struct {
    GVariantBuilder list;
} PosternChecks;

/* The output that makes a task a part of the diagnosis. */
#define POSTERN_CHECKS_FIELD                                                                       \
    (&(const PosternField){.size = sizeof(PosternField),                                           \
                           .flags = POSTERN_FIELD_REQUIRED,                                        \
                           .name = "checks",                                                       \
                           .type = "aa{sv}",                                                       \
                           .summary = "each link that was looked at: stage, state, cause, found, " \
                                      "expected, hint"})

static inline void
checks_begin(PosternChecks *checks)
{
    g_variant_builder_init(&checks->list, G_VARIANT_TYPE("aa{sv}"));
}

/* Any check. `state`: "ok"; "note": works, and somebody should know; "failed": the chain breaks here; "unknown": could
 * not be told. `cause`: a word that scripts read ("port-closed"), NULL with "ok". Other texts may be NULL. */
static inline void
checks_add(PosternChecks *checks,
           const char *stage,
           const char *state,
           const char *cause,
           const char *found,
           const char *expected,
           const char *hint)
{
    const char *const members[] = {"stage", stage, "state",    state,    "cause", cause,
                                   "found", found, "expected", expected, "hint",  hint};

    g_variant_builder_open(&checks->list, G_VARIANT_TYPE("a{sv}"));
    for (guint i = 0; i < G_N_ELEMENTS(members); i += 2)
        if (members[i + 1] != NULL)
            g_variant_builder_add(
                &checks->list, "{sv}", members[i], g_variant_new_string(members[i + 1]));
    g_variant_builder_close(&checks->list);
}

static inline void
checks_ok(PosternChecks *checks, const char *stage, const char *found)
{
    checks_add(checks, stage, "ok", NULL, found, NULL, NULL);
}

static inline void
checks_failed(PosternChecks *checks,
              const char *stage,
              const char *cause,
              const char *found,
              const char *expected,
              const char *hint)
{
    checks_add(checks, stage, "failed", cause, found, expected, hint);
}

/* Floating. */
static inline GVariant *
checks_end(PosternChecks *checks)
{
    return g_variant_builder_end(&checks->list);
}

#endif /* POSTERN_CHECK_H */
