/* SPDX-License-Identifier: Apache-2.0 */
/* amt.sol.expect: a script of what to type on the serial console and what to wait for there. */
#include "amt-sol-script.h"
#include "amt-sol.h"

#include <string.h>

enum {
    WINDOW_MOST = 65536,      /* of text that patterns see */
    TRANSCRIPT_MOST = 131072, /* its end is kept */
    TAIL = 400,               /* of the screen, in an error */
    READ_BLOCK = 4096,
    LINGER_MS = 300, /* behind the last step: what it causes belongs to the transcript */
    REOPEN_MS = 60000
};

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    AmtSol *sol;
    AmtPlain plain;
    GString *window; /* what patterns see */
    gsize
        from; /* where in it the next one begins; what is before tells whether a line begins there */
    GString *transcript; /* all, without what steers a terminal */
    GVariantDict captures;
    const char *secret;
    guint lost; /* sessions */
    gboolean reconnect;
} Talk;

/* ---- text ---- */

/* How much of its beginning went. */
static gsize
keep_end(GString *text, gsize most)
{
    gsize excess = text->len > most ? text->len - most : 0;

    g_string_erase(text, 0, (gssize)excess);
    return excess;
}

/* What an outsider may see of it, newly allocated. */
static char *
shown(const Talk *talk, const char *text, gsize length)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    g_autoptr(GString) out = g_string_new(valid);

    if (talk->secret != NULL && *talk->secret != '\0')
        g_string_replace(out, talk->secret, "******", 0);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *
tail_of(const Talk *talk)
{
    gsize from = talk->transcript->len > TAIL ? talk->transcript->len - TAIL : 0;
    g_autofree char *tail = shown(talk, talk->transcript->str + from, talk->transcript->len - from);

    return g_strescape(tail, NULL);
}

/* ---- the session ---- */

static gboolean
reopen(Talk *talk, GError **error)
{
    postern_log(
        &talk->amt->svc, talk->run, G_LOG_LEVEL_MESSAGE, "the session was lost; opening it again");
    g_clear_pointer(&talk->sol, amt_sol_close);
    talk->lost++;
    talk->plain.state = 0;
    talk->sol = amt_sol_reopen(talk->amt, talk->run, talk->params, REOPEN_MS, NULL, error);
    return talk->sol != NULL;
}

/* What comes within `ms`, at the end of what is there: 1: something did; 0: the time is up; -1: the session is over. */
static gint
listen(Talk *talk, gint64 ms, GError **error)
{
    guint8 block[READ_BLOCK];
    g_autoptr(GError) why = NULL;
    gssize got = ms > 0 ? amt_sol_read(talk->sol, block, sizeof block, ms, &why) : 0;
    gsize before = talk->window->len;

    if (got < 0 && talk->reconnect && amt_sol_is_lost(why))
        return reopen(talk, error) ? 1 : -1;
    if (got < 0)
        g_propagate_error(error, g_steal_pointer(&why));
    if (got <= 0)
        return (gint)got;
    amt_plain_add(&talk->plain, talk->window, block, (gsize)got);
    g_string_append_len(
        talk->transcript, talk->window->str + before, (gssize)(talk->window->len - before));
    talk->from -= MIN(talk->from, keep_end(talk->window, WINDOW_MOST));
    keep_end(talk->transcript, TRANSCRIPT_MOST);
    return 1;
}

/* ---- steps ---- */

static void
capture(Talk *talk, const AmtStep *step, const GMatchInfo *match)
{
    gboolean has_group = g_match_info_get_match_count(match) > 1;
    g_autofree char *found = g_match_info_fetch(match, has_group ? 1 : 0);
    g_autofree char *value = shown(talk, found, strlen(found));

    g_variant_dict_insert(&talk->captures, step->name, "s", value);
}

static gboolean
try_match(Talk *talk, const AmtStep *step)
{
    g_autoptr(GMatchInfo) match = NULL;
    gint start, end;

    if (!g_regex_match_full(step->pattern,
                            talk->window->str,
                            (gssize)talk->window->len,
                            (gint)talk->from,
                            0,
                            &match,
                            NULL) ||
        !g_match_info_fetch_pos(match, 0, &start, &end))
        return FALSE;
    if (step->kind == AMT_STEP_CAPTURE)
        capture(talk, step, match);
    talk->from = (gsize)end;
    return TRUE;
}

static gboolean
missed(Talk *talk, const AmtStep *step, GError **error)
{
    g_autofree char *tail = tail_of(talk);

    return postern_fail(error,
                        POSTERN_ERROR_TIMEOUT,
                        "step on line %u, '%.80s': nothing like it came in %" G_GINT64_FORMAT
                        " seconds; last seen was: \"%s\"",
                        step->line,
                        step->words,
                        step->ms / 1000,
                        tail);
}

static gint64
left_until(gint64 until)
{
    return (until - g_get_monotonic_time()) / 1000;
}

static gboolean
expect(Talk *talk, const AmtStep *step, GError **error)
{
    gint64 until = g_get_monotonic_time() + step->ms * 1000;

    while (!try_match(talk, step)) {
        gint came = listen(talk, left_until(until), error);
        if (came <= 0)
            return came == 0 && missed(talk, step, error);
    }
    return TRUE;
}

static gboolean
linger(Talk *talk, gint64 ms, GError **error)
{
    gint64 until = g_get_monotonic_time() + ms * 1000;
    gint came;

    do
        came = listen(talk, left_until(until), error);
    while (came > 0);
    return came == 0;
}

static gboolean
take_step(Talk *talk, const AmtStep *step, GError **error)
{
    switch (step->kind) {
    case AMT_STEP_SEND:
        return amt_sol_write(talk->sol, step->bytes->data, step->bytes->len, error);
    case AMT_STEP_WAIT:
        return linger(talk, step->ms, error);
    case AMT_STEP_EXPECT:
    case AMT_STEP_CAPTURE:
    default:
        return expect(talk, step, error);
    }
}

static gboolean
take_steps(Talk *talk, const GPtrArray *steps, GError **error)
{
    const PosternRunSvc *svc = talk->amt->svc.run;

    for (guint i = 0; i < steps->len; i++) {
        const AmtStep *step = steps->pdata[i];
        svc->progress(talk->run, (double)i / steps->len, step->words);
        if (!take_step(talk, step, error)) {
            g_autofree char *transcript = shown(talk, talk->transcript->str, talk->transcript->len);
            svc->note(talk->run, "line", g_variant_new_uint32(step->line));
            svc->note(talk->run, "step", g_variant_new_string(step->words));
            svc->note(talk->run, "transcript", g_variant_new_string(transcript));
            return FALSE;
        }
    }
    return linger(talk, LINGER_MS, error);
}

/* In the order of the script, each name once. */
static GVariant *
captures_of(Talk *talk, const GPtrArray *steps)
{
    PosternResult captures;

    result_begin(&captures);
    for (guint i = 0; i < steps->len; i++) {
        const AmtStep *step = steps->pdata[i];
        GVariant *value =
            step->kind == AMT_STEP_CAPTURE
                ? g_variant_dict_lookup_value(&talk->captures, step->name, G_VARIANT_TYPE_STRING)
                : NULL;
        if (value == NULL)
            continue;
        result_value(&captures, step->name, value);
        g_variant_unref(value);
        g_variant_dict_remove(&talk->captures, step->name);
    }
    return result_end(&captures);
}

static GVariant *
describe(Talk *talk, const GPtrArray *steps)
{
    g_autofree char *transcript = shown(talk, talk->transcript->str, talk->transcript->len);
    PosternResult result;

    result_begin(&result);
    result_value(&result, "captures", captures_of(talk, steps));
    result_uint(&result, "steps", steps->len);
    result_uint(&result, "reconnects", talk->lost);
    result_string(&result, "transcript", transcript);
    return result_end(&result);
}

static void
talk_clear(Talk *talk)
{
    amt_sol_close(talk->sol);
    g_string_free(talk->window, TRUE);
    g_string_free(talk->transcript, TRUE);
    g_variant_dict_clear(&talk->captures);
}

static GVariant *
run_expect(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const char *secret = params_string(params, "secret");
    g_autoptr(GPtrArray) steps = amt_script_read(
        params_string(params, "script"), secret, params_uint(params, "step-timeout", 30), error);
    Talk talk = {.amt = self, .run = run, .params = params, .secret = secret};
    GVariant *result = NULL;

    if (steps == NULL)
        return NULL;
    talk.window = g_string_new(NULL);
    talk.transcript = g_string_new(NULL);
    talk.reconnect = params_bool(params, "reconnect", FALSE);
    g_variant_dict_init(&talk.captures, NULL);
    talk.sol = amt_sol_open(self, run, params, error);
    if (talk.sol != NULL && take_steps(&talk, steps, error))
        result = describe(&talk, steps);
    talk_clear(&talk);
    return result;
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "script", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "steps, one on each line: send TEXT, expect REGEX, capture NAME REGEX, timeout SECONDS, wait SECONDS; @FILE reads them"),
    POSTERN_FIELD_ITEM(.name = "secret", .type = "s", .flags = POSTERN_FIELD_SECRET,
                       .summary = "what \\{secret} in a send stands for; shown nowhere"),
    POSTERN_FIELD_ITEM(.name = "step-timeout", .type = "u", .fallback = "30",
                       .summary = "seconds that expect and capture wait until the script says otherwise"),
    POSTERN_FIELD_ITEM(.name = "reconnect", .type = "b", .fallback = "false",
                       .summary = "open the session again when it is lost, as when the machine restarts"),
    AMT_SESSION_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "captures", .type = "a{sv}", .flags = POSTERN_FIELD_REQUIRED, .summary = "what capture found, by name"),
    POSTERN_FIELD_ITEM(.name = "steps", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many steps were taken"),
    POSTERN_FIELD_ITEM(.name = "reconnects", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how often the session was opened again"),
    POSTERN_FIELD_ITEM(.name = "transcript", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "what the machine wrote, its last 128 KiB, without what steers a terminal"),
    NULL,
};

const PosternTask amt_sol_expect_task = {
    .size = sizeof(PosternTask),
    .flags = 0,
    .version = 1,
    .timeout_ms = 3600000,
    .id = "amt.sol.expect",
    .summary = "talk to the serial console by a script, on any number of machines",
    .details =
        "Opens the serial console over the redirection port and takes the steps of the script in their order. A step that does not "
        "come true is a timeout error that names it and shows the end of the screen; its fields hold the transcript.\n"
        "\n"
        "send TEXT types (\\r is Enter; \\n \\t \\e \\b \\s \\\\ \\xNN \\{secret}). expect REGEX waits for text behind what the step before "
        "matched; a line's ends match ^ and $. capture NAME REGEX does so and keeps the first group. timeout SECONDS holds for the "
        "steps that follow, wait SECONDS waits. A machine at its prompt may say nothing before it is typed to: begin with send \\r.\n"
        "\n"
        "AMT_RedirectionService, IPS_OptInService. Least realm: Redirection.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_expect,
};
/* clang-format on */
