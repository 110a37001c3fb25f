/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.unprovision: take the setup back. The machine can then be managed no more until somebody sets it up again, so its UUID must
 * be named, and be the one that the device tells of itself. Its answer may get lost; what is so afterwards is looked at.
 */
#include "amt-facts.h"

#include <string.h>

static const char service[] = "AMT_SetupAndConfigurationService";

enum { STEP_MS = 2000, WATCH_MS = 30000, MODE_ENTERPRISE = 1, STATE_POST = 2 };

typedef enum { SEEN_GONE, SEEN_PROVISIONED, SEEN_PRE, SEEN_REFUSED, SEEN_UNCLEAR } Seen;
static const char *const words[] = {
    "unreachable", "provisioned", "not-provisioned", "login-refused"};

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    char *uuid;
    gboolean partial, confirmed;
    Seen seen;
} Ending;

/* The device's own, the caller's; NULL with `error`. */
static char *
read_uuid(WsMan *ws, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) package = amt_read_single(ws, "CIM_ComputerSystemPackage", &why);
    char *uuid = package != NULL ? amt_uuid(params_string(package, "PlatformGUID")) : NULL;

    if (uuid == NULL && why == NULL)
        postern_fail(&why,
                     POSTERN_ERROR_PROTOCOL,
                     "the device does not tell its UUID (CIM_ComputerSystemPackage): without it "
                     "nothing is taken back");
    if (why != NULL)
        g_propagate_error(error, g_steal_pointer(&why));
    return uuid;
}

static gboolean
check_confirmed(Ending *ending, WsMan *ws, GError **error)
{
    const char *confirm = params_string(ending->params, "confirm");

    ending->uuid = read_uuid(ws, error);
    if (ending->uuid == NULL)
        return FALSE;
    if (g_ascii_strcasecmp(confirm, ending->uuid) != 0)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "the machine at %s has UUID %s, and %s is confirmed: nothing was asked "
                            "of it",
                            ending->amt->svc.run->target(ending->run),
                            ending->uuid,
                            confirm);
    return amt_check_identity(ending->amt, ending->run, ws, error);
}

/* Once. FALSE with `error` when the device said no; a lost answer is none. */
static gboolean
ask(Ending *ending, WsMan *ws, GError **error)
{
    const char *method = ending->partial ? "PartialUnprovision" : "Unprovision";
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    if (!ending->partial)
        result_uint(&args, "ProvisioningMode", MODE_ENTERPRISE);
    outputs = wsman_invoke(ws, service, NULL, method, result_end(&args), &why);
    if (outputs != NULL) {
        ending->confirmed = TRUE;
        return wsman_check_return(ws, outputs, service, method, error);
    }
    if (amt_is_lost(ws, why))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static Seen
look(const Ending *ending)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(WsMan) ws = amt_open(ending->amt, ending->run, ending->params, &why);
    g_autoptr(GVariant) setup = ws != NULL ? wsman_get(ws, service, NULL, &why) : NULL;

    if (setup != NULL)
        return params_uint(setup, "ProvisioningState", STATE_POST) == STATE_POST ? SEEN_PROVISIONED
                                                                                 : SEEN_PRE;
    if (g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_AUTH))
        return SEEN_REFUSED;
    return ws == NULL || amt_is_lost(ws, why) ? SEEN_GONE : SEEN_UNCLEAR;
}

/* A lost answer may be that of a request which never arrived: then silence must last to mean something. */
static gboolean
watch(Ending *ending, GError **error)
{
    const PosternRunSvc *svc = ending->amt->svc.run;
    guint silent = 0, enough = ending->confirmed ? 1 : 3;

    for (guint waited = 0; waited < WATCH_MS; waited += STEP_MS) {
        if (!svc->sleep(ending->run, STEP_MS, error))
            return FALSE;
        svc->progress(ending->run, (double)waited / WATCH_MS, "looking whether it is taken back");
        ending->seen = look(ending);
        silent = ending->seen == SEEN_GONE ? silent + 1 : 0;
        if (silent >= enough || ending->seen == SEEN_PRE || ending->seen == SEEN_REFUSED)
            return TRUE;
    }
    return postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "%s, and %d s later the machine is %s; it was not repeated",
                        ending->confirmed ? "the device said yes" : "the answer was lost",
                        WATCH_MS / 1000,
                        ending->seen == SEEN_PROVISIONED
                            ? "still set up: is its audit log locked?"
                            : "neither silent nor clear about it: ask again with amt.diagnose");
}

static GVariant *
describe(const Ending *ending)
{
    PosternResult result;

    /* silence alone, behind an answer that was lost, is nothing to remember */
    if (ending->confirmed || ending->seen != SEEN_GONE) {
        result_begin(&result);
        result_string(&result, "amt.control-mode", "none");
        amt_observe(ending->amt, ending->run, result_end(&result));
    }
    result_begin(&result);
    result_string(&result, "uuid", ending->uuid);
    result_string(&result, "state", words[ending->seen]);
    result_bool(&result, "confirmed", ending->confirmed);
    return result_end(&result);
}

static GVariant *
run_unprovision(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Ending ending = {.amt = self,
                     .run = run,
                     .params = params,
                     .partial = params_bool(params, "partial", FALSE)};
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    GVariant *result = NULL;

    if (ws != NULL && check_confirmed(&ending, ws, error) && ask(&ending, ws, error) &&
        watch(&ending, error))
        result = describe(&ending);
    g_free(ending.uuid);
    return result;
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "confirm", .type = "s", .format = "guid", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the machine's UUID: only the device that has it is asked"),
    POSTERN_FIELD_ITEM(.name = "partial", .type = "b", .fallback = "false",
                       .summary = "keep the admin account, names and keys of the setup for the next one (PartialUnprovision)"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "uuid", .type = "s", .format = "guid", .flags = POSTERN_FIELD_REQUIRED, .summary = "of the machine"),
    POSTERN_FIELD_ITEM(.name = "state", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "as seen afterwards: unreachable, not-provisioned, or login-refused (its accounts are gone)"),
    POSTERN_FIELD_ITEM(.name = "confirmed", .type = "b", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the device answered the request; false: its answer was lost, but it is gone"),
    NULL,
};

const PosternTask amt_unprovision_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 180000,
    .id = "amt.unprovision",
    .summary = "take the setup back: accounts, certificates and settings go, and the machine is managed no more",
    .details = "AMT_SetupAndConfigurationService.Unprovision or PartialUnprovision, sent once, to the machine whose UUID is confirmed and no "
               "other. Its answer may get lost: afterwards it is looked at for 30 seconds, and must be silent or not set up. A locked "
               "audit log refuses it before AMT 12. Least realm: PT Administration.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_unprovision,
};
/* clang-format on */
