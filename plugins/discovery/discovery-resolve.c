/* SPDX-License-Identifier: Apache-2.0 */
/* discovery.resolve: from a name to its addresses, and back, with every alias. */
#include "discovery.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

enum { ADDRESSES_MOST = 16, ALIASES_MOST = 32, BUFFER = 16 * 1024, TEXT = INET6_ADDRSTRLEN };

/* What the thread asks and finds. */
typedef struct {
    char *host;
    gboolean is_address;
    char *canonical;      /* or NULL */
    GPtrArray *addresses; /* of char * */
    GPtrArray *aliases;   /* of char * */
    GPtrArray *reverse;   /* of char *, one for each address; NULL: it has no name */
    const char *failure;  /* static; NULL: it has an address */
} Question;

static void
question_clear(Question *question)
{
    g_free(question->host);
    g_free(question->canonical);
    g_ptr_array_unref(question->addresses);
    g_ptr_array_unref(question->aliases);
    g_ptr_array_unref(question->reverse);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Question, question_clear)

/* ---- in a thread of its own, because the system's functions block ---- */

static gboolean
has(const GPtrArray *texts, const char *text)
{
    for (guint i = 0; i < texts->len; i++)
        if (g_ascii_strcasecmp(texts->pdata[i], text) == 0)
            return TRUE;
    return FALSE;
}

static void
add_address(Question *question, const struct addrinfo *info)
{
    char text[TEXT], name[NI_MAXHOST];

    if (getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) !=
            0 ||
        has(question->addresses, text) || question->addresses->len == ADDRESSES_MOST)
        return;
    g_ptr_array_add(question->addresses, g_strdup(text));
    if (getnameinfo(info->ai_addr, info->ai_addrlen, name, sizeof name, NULL, 0, NI_NAMEREQD) ==
            0 &&
        g_utf8_validate(name, -1, NULL))
        g_ptr_array_add(question->reverse, g_strdup(name));
    else
        g_ptr_array_add(question->reverse, NULL);
}

static void
ask_forward(Question *question)
{
    const struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(question->host, NULL, &hints, &list);

    if (result != 0) {
        question->failure = gai_strerror(result);
        return;
    }
    if (!question->is_address && list->ai_canonname != NULL &&
        g_utf8_validate(list->ai_canonname, -1, NULL))
        question->canonical = g_strdup(list->ai_canonname);
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next)
        add_address(question, info);
    freeaddrinfo(list);
}

/* getaddrinfo() tells the last name of a chain, and this one all of them. */
static void
ask_aliases(Question *question)
{
    g_autofree char *buffer = g_malloc(BUFFER);
    struct hostent entry, *found = NULL;
    int problem = 0;

    if (gethostbyname_r(question->host, &entry, buffer, BUFFER, &found, &problem) != 0 ||
        found == NULL)
        return;
    for (guint i = 0; found->h_aliases[i] != NULL && i < ALIASES_MOST; i++)
        if (g_utf8_validate(found->h_aliases[i], -1, NULL) &&
            !has(question->aliases, found->h_aliases[i]))
            g_ptr_array_add(question->aliases, g_strdup(found->h_aliases[i]));
}

static gboolean
ask(gpointer data, GCancellable *cancellable, GError **error)
{
    Question *question = data;

    ask_forward(question);
    if (question->failure == NULL && !question->is_address)
        ask_aliases(question);
    return !g_cancellable_set_error_if_cancelled(cancellable, error);
}

/* ---- what it means ---- */

static GVariant *
texts(const GPtrArray *list)
{
    GVariantBuilder out;

    g_variant_builder_init(&out, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < list->len; i++)
        if (list->pdata[i] != NULL)
            g_variant_builder_add(&out, "s", list->pdata[i]);
    return g_variant_builder_end(&out);
}

static char *
join(const GPtrArray *list)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++)
        if (list->pdata[i] != NULL)
            g_string_append_printf(
                out, "%s%s", out->len > 0 ? ", " : "", (const char *)list->pdata[i]);
    return g_string_free(out, FALSE);
}

/* A short name fits the FQDN that begins with it. */
static gboolean
same_machine(const char *asked, const char *found)
{
    gsize length = strlen(asked);

    return g_ascii_strcasecmp(asked, found) == 0 ||
           (strchr(asked, '.') == NULL && g_ascii_strncasecmp(asked, found, length) == 0 &&
            found[length] == '.');
}

static gboolean
leads_back(const Question *question)
{
    gboolean any = FALSE;

    for (guint i = 0; i < question->reverse->len; i++) {
        const char *name = question->reverse->pdata[i];

        if (name == NULL)
            continue;
        any = TRUE;
        if (same_machine(question->host, name) ||
            (question->canonical != NULL && g_ascii_strcasecmp(question->canonical, name) == 0) ||
            has(question->aliases, name))
            return TRUE;
    }
    return !any; /* without any name back there is nothing that contradicts */
}

static void
check_name(PosternChecks *checks, const Question *question)
{
    g_autofree char *addresses = join(question->addresses);
    g_autofree char *back = join(question->reverse);
    g_autofree char *found = NULL;

    if (question->failure != NULL) {
        found = g_strdup_printf("%s: %s", question->host, question->failure);
        checks_failed(
            checks,
            "name",
            "no-name",
            found,
            "an address",
            "look at DNS and the spelling of the name, or name the machine by its address or UUID");
        return;
    }
    found = g_strdup_printf("%s%s%s, and back: %s",
                            question->is_address ? "" : question->host,
                            question->is_address ? "" : " is ",
                            addresses,
                            *back != '\0' ? back : "no name");
    if (question->is_address || leads_back(question))
        checks_ok(checks, "name", found);
    else
        checks_add(checks,
                   "name",
                   "note",
                   "name-mismatch",
                   found,
                   question->host,
                   "the name and the address do not belong together: one of the two entries in DNS "
                   "may be stale");
}

static GVariant *
describe(const Question *question)
{
    PosternChecks checks;
    PosternResult result;

    checks_begin(&checks);
    check_name(&checks, question);
    result_begin(&result);
    result_string(&result, "canonical", question->canonical);
    result_value(&result, "addresses", texts(question->addresses));
    result_value(&result, "aliases", texts(question->aliases));
    result_value(&result, "reverse", texts(question->reverse));
    result_value(&result, "checks", checks_end(&checks));
    return result_end(&result);
}

static GVariant *
run_resolve(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Discovery *discovery = self;
    g_auto(Question) question = {
        .host = g_strdup(discovery->svc.run->host(run)),
        .addresses = g_ptr_array_new_with_free_func(g_free),
        .aliases = g_ptr_array_new_with_free_func(g_free),
        .reverse = g_ptr_array_new_with_free_func(g_free),
    };

    question.is_address = g_hostname_is_ip_address(question.host);
    if (!discovery->svc.run->in_thread(run, ask, &question, error))
        return NULL;
    return describe(&question);
}

/* clang-format off */
static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "canonical", .type = "s", .summary = "the name at the end of the chain of aliases"),
    POSTERN_FIELD_ITEM(.name = "addresses", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "all addresses"),
    POSTERN_FIELD_ITEM(.name = "aliases", .type = "as", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "other names of the same machine"),
    POSTERN_FIELD_ITEM(.name = "reverse", .type = "as", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "names that the addresses lead back to"),
    POSTERN_CHECKS_FIELD,
    NULL,
};

const PosternTask discovery_resolve_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_PROBE,
    .version = 1,
    .timeout_ms = 30000,
    .id = "discovery.resolve",
    .summary = "resolve a machine's name forward and back, with every alias",
    .details = "Asks the system's name service (DNS, hosts file and whatever else it is set up with). A name without an "
               "address is a finding, not an error. This traffic is the system's, so it is in no recording. A part of "
               "postern diagnose.",
    .outputs = outputs,
    .run = run_resolve,
};
/* clang-format on */
