/* SPDX-License-Identifier: Apache-2.0 */
/* What tasks tell the host of a machine, and what they ask it before they do harm. */
#include "amt-facts.h"

void
amt_observe(const Amt *amt, PosternRun *run, GVariant *facts)
{
    g_autoptr(GVariant) owned = g_variant_ref_sink(facts);

    if (POSTERN_CAN(amt->svc.inventory, observe) && g_variant_n_children(owned) > 0)
        amt->svc.inventory->observe(run, owned);
}

void
amt_observe_visit(const Amt *amt, PosternRun *run, GVariant *visit)
{
    const char *tls =
        params_bool(visit, "tls", FALSE) ? params_string(visit, "tls-version") : "none";
    PosternResult facts;

    result_begin(&facts);
    result_string(&facts, "amt.version", params_string(visit, "version"));
    result_string(&facts, "amt.tls", tls);
    result_string(&facts, "amt.certificate", params_string(visit, "certificate-sha256"));
    amt_observe(amt, run, result_end(&facts));
}

void
amt_add_power_facts(GVariantBuilder *facts, guint32 state)
{
    static const char *const plain[] = {
        [2] = "on", [3] = "sleep", [4] = "sleep", [6] = "off", [7] = "sleep", [8] = "off"};

    result_string(facts, "power", state < G_N_ELEMENTS(plain) ? plain[state] : NULL);
    result_string(facts, "amt.power", amt_word(amt_power_states, state));
}

/* An address that was learnt long ago may be another machine's by now: what cuts power asks first. */
gboolean
amt_check_identity(const Amt *amt, PosternRun *run, WsMan *ws, GError **error)
{
    g_autoptr(GVariant) known = NULL;
    g_autoptr(GVariant) package = NULL;
    g_autoptr(GError) why = NULL;
    g_autofree char *found = NULL;
    const char *expected;

    if (!POSTERN_CAN(amt->svc.inventory, known))
        return TRUE;
    known = amt->svc.inventory->known(run);
    expected = params_string(known, "uuid");
    if (expected == NULL)
        return TRUE;
    package = amt_read_single(ws, "CIM_ComputerSystemPackage", &why);
    if (g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN)) {
        /* an account for power alone is to be of use */
        postern_log(&amt->svc,
                    run,
                    G_LOG_LEVEL_WARNING,
                    "whether this is the machine that is known here was not looked up: %s",
                    why->message);
        return TRUE;
    }
    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (package == NULL)
        return TRUE;
    found = amt_uuid(params_string(package, "PlatformGUID"));
    if (found == NULL || g_ascii_strcasecmp(found, expected) == 0)
        return TRUE;
    return postern_fail(
        error,
        POSTERN_ERROR_CONFLICT,
        "another machine answers at %s: it has UUID %s, and the one that is known there (%s) has "
        "%s; nothing was asked of it. postern machine show %s tells since when the address is "
        "known",
        amt->svc.run->target(run),
        found,
        params_string(known, "name"),
        expected,
        amt->svc.run->target(run));
}
