/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "faults.h"
#include "realms.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <string.h>

/* ub-common-name of RFC 5280 */
enum { HOST_NAME_MAX_LENGTH = 64 };
#define HOST_NAME_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-.*"

typedef enum { NO_ARGUMENT, NUMBER, OFFSET, WORD } ArgumentKind;

typedef struct {
    const char *name;
    ArgumentKind argument;
    gint64 preset; /* NUMBER: when no argument is given; -1: it must be given */
    gint64 most;   /* NUMBER, OFFSET: no more than this, for OFFSET either way */
    const char *shape, *help;
} FaultInfo;

/* clang-format off */
static const FaultInfo table[FAULT_KINDS] = {
    [FAULT_DELAY]          = {"delay", NUMBER, -1, 600000, "MS", "wait before each answer"},
    [FAULT_RESET]          = {"reset", NUMBER, 0, G_MAXINT, "N", "reset the connection at its N-th request (0: when it is made)"},
    [FAULT_SILENT]         = {"silent", NO_ARGUMENT, 0, 0, "", "accept connections and never answer"},
    [FAULT_TRUNCATE]       = {"truncate", NUMBER, -1, G_MAXINT, "BYTES", "cut WS-Man bodies after so many bytes and close"},
    [FAULT_GARBAGE]        = {"garbage", NO_ARGUMENT, 0, 0, "", "random bytes in place of an answer"},
    [FAULT_DRIP]           = {"drip", NUMBER, -1, 1000000, "BYTES", "send so many bytes a second"},
    [FAULT_TLS_FAIL]       = {"tls-fail", NO_ARGUMENT, 0, 0, "", "TLS handshakes end with a handshake_failure alert"},
    [FAULT_WRONG_DIGEST]   = {"wrong-digest", NUMBER, 1, G_MAXINT, "N", "take the first N right passwords for wrong ones"},
    [FAULT_401_FOREVER]    = {"401-forever", NO_ARGUMENT, 0, 0, "", "every request is answered with 401"},
    [FAULT_STALE]          = {"stale", NUMBER, 1, G_MAXINT, "N", "a nonce is stale after N requests, and said so"},
    [FAULT_NONCE_RESET]    = {"nonce-reset", NUMBER, 1, G_MAXINT, "N", "a nonce is dropped after N requests, without stale=\"true\""},
    [FAULT_SOAP]           = {"fault", WORD, 0, 0, "SUBCODE", "every WS-Man request is answered with this fault"},
    [FAULT_HTTP]           = {"http", NUMBER, 500, 599, "STATUS", "every authenticated request is answered with this status"},
    [FAULT_RELATES_TO]     = {"relates-to", NO_ARGUMENT, 0, 0, "", "RelatesTo names another message"},
    [FAULT_ONE_ITEM_PULLS] = {"one-item-pulls", NO_ARGUMENT, 0, 0, "", "each Pull gives one item"},
    [FAULT_NO_CONTEXTS]    = {"no-contexts", NO_ARGUMENT, 0, 0, "", "Enumerate: QuotaLimit"},
    [FAULT_LOST_ANSWER]    = {"lost-answer", NO_ARGUMENT, 0, 0, "", "carry out methods and Puts, then close without an answer"},
    [FAULT_CLOSE]          = {"close", NUMBER, 1, G_MAXINT, "N", "close each connection after N answers, unannounced"},
    [FAULT_RETURN]         = {"return", NUMBER, -1, G_MAXUINT32, "VALUE", "methods do nothing and return this value"},
    [FAULT_POWER_IGNORED]  = {"power-ignored", NO_ARGUMENT, 0, 0, "", "power requests are accepted and have no effect"},
    [FAULT_NO_AGENT]       = {"no-agent", NO_ARGUMENT, 0, 0, "", "graceful requests are accepted and have no effect"},
    [FAULT_NIC_RESET]      = {"nic-reset", NUMBER, 2000, 600000, "MS", "after a power request the network is gone for so long"},
    [FAULT_LACKS]          = {"lacks", WORD, 0, 0, "CLASS", "the class does not exist"},
    [FAULT_BAD_LENGTH]     = {"bad-length", NUMBER, 100, 1000000, "BYTES", "Content-Length is so much too big, then close"},
    [FAULT_NOT_XML]        = {"not-xml", NO_ARGUMENT, 0, 0, "", "bodies are not well-formed XML"},
    [FAULT_HUGE]           = {"huge", NUMBER, 16777216, 1073741824, "BYTES", "an answer of this size"},
    [FAULT_CLOCK]          = {"clock", OFFSET, 0, 1000000000, "SECONDS", "the clock is ahead by so many seconds (-N: behind)"},
    [FAULT_CLOCK_DRIFT]    = {"clock-drift", OFFSET, 0, 1000000, "PPM", "the clock gains so many microseconds in each second (-N: loses)"},
    [FAULT_CERT_NAME]      = {"cert-name", WORD, 0, 0, "NAME", "the certificate's common name and DNS name are this host name"},
    [FAULT_CERT_EXPIRED]   = {"cert-expired", NO_ARGUMENT, 0, 0, "", "the certificate ended a year ago"},
    [FAULT_CERT_NOT_YET]   = {"cert-not-yet", NO_ARGUMENT, 0, 0, "", "the certificate begins in a year"},
    [FAULT_CERT_WEAK]      = {"cert-weak", NO_ARGUMENT, 0, 0, "", "the certificate's key is RSA with 1024 bits"},
    [FAULT_NOT_PROVISIONED] = {"not-provisioned", NO_ARGUMENT, 0, 0, "", "not set up: management ports closed, the pong says so"},
    [FAULT_AMT_DISABLED]   = {"amt-disabled", NO_ARGUMENT, 0, 0, "", "management ports closed, and no pong"},
    [FAULT_REALMS]         = {"realms", WORD, 0, 0, "WORD[+WORD]", "the account has only these realms; 401 for classes of others"},
    [FAULT_REDIRECTION_OFF] = {"redirection-off", NO_ARGUMENT, 0, 0, "", "serial and storage redirection begin switched off"},
    [FAULT_KVM_OFF]        = {"kvm-off", NO_ARGUMENT, 0, 0, "", "KVM redirection begins switched off"},
    [FAULT_CONSENT]        = {"consent", NO_ARGUMENT, 0, 0, "", "the setting begins as: the user's consent is required for everything"},
    [FAULT_PLAIN_LOGIN]    = {"plain-login", NO_ARGUMENT, 0, 0, "", "the redirection port takes passwords in the clear, too"},
    [FAULT_SESSION_DROP]   = {"session-drop", NO_ARGUMENT, 0, 0, "", "serial sessions end when the host starts anew"},
    [FAULT_KVM_TIMEOUT]    = {"kvm-timeout", NUMBER, 1, 3600000, "MS", "KVM sessions end after so long without a key or the pointer"},
    [FAULT_STRICT_PUT_ORDER] = {"strict-put-order", NO_ARGUMENT, 0, 0, "", "KVM settings are taken in the order of their schema only"},
    [FAULT_DRIVE_PASSWORD] = {"drive-password", WORD, 0, 0, "PASSWORD", "the drive has this password, without which no secure erase works"},
    [FAULT_AUDIT_ROOM]     = {"audit-room", NUMBER, -1, 65536, "BYTES", "the audit log has room for so many bytes, and does not overwrite"},
};

static const char *const subcodes[] = {
    "DestinationUnreachable", "ActionNotSupported", "EndpointUnavailable", "InvalidSelectors",
    "InvalidRepresentation", "AccessDenied", "InternalError", "InvalidParameter", "AlreadyExists",
    "QuotaLimit", "EncodingLimit", "TimedOut", "InvalidEnumerationContext", "MustUnderstand",
    "SchemaValidationError", NULL};
/* clang-format on */

gboolean
fault_parse_address(const char *text, guint32 *address)
{
    struct in_addr in;

    if (inet_pton(AF_INET, text, &in) != 1)
        return FALSE;
    *address = ntohl(in.s_addr);
    return (*address >> 24) == 127;
}

static gboolean
parse_range(Fault *fault, const char *text, GError **error)
{
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);

    if (g_str_equal(text, "*")) {
        fault->first = 0;
        fault->last = G_MAXUINT32;
        return TRUE;
    }
    if (ends[0] != NULL && fault_parse_address(ends[0], &fault->first) &&
        fault_parse_address(ends[1] != NULL ? ends[1] : ends[0], &fault->last) &&
        fault->first <= fault->last)
        return TRUE;
    g_set_error(error,
                G_IO_ERROR,
                G_IO_ERROR_INVALID_ARGUMENT,
                "\"%s\" is not an address 127.x.y.z, a range A-B of such addresses, or \"*\"",
                text);
    return FALSE;
}

static char *
join(const char *const *words)
{
    GString *all = g_string_new(words[0]);

    for (guint i = 1; words[i] != NULL; i++)
        g_string_append_printf(all, ", %s", words[i]);
    return g_string_free(all, FALSE);
}

/* What fits in a certificate, and cannot be taken for more than one name there. */
static gboolean
is_host_name(const char *word)
{
    gsize length = strlen(word);

    return length > 0 && length <= HOST_NAME_MAX_LENGTH &&
           strspn(word, HOST_NAME_CHARACTERS) == length;
}

/* What the word must be one of, newly allocated; NULL: anything of its shape. */
static char *
known_words(FaultKind kind)
{
    if (kind == FAULT_SOAP)
        return join(subcodes);
    return kind == FAULT_REALMS ? realms_list() : NULL;
}

static gboolean
is_good_word(FaultKind kind, const char *word)
{
    if (kind == FAULT_SOAP)
        return g_strv_contains(subcodes, word);
    if (kind == FAULT_CERT_NAME)
        return is_host_name(word);
    return kind == FAULT_REALMS ? realms_known(word) : *word != '\0';
}

static gboolean
check_word(Fault *fault, const char *word, GError **error)
{
    g_autofree char *known = NULL;

    if (word != NULL && is_good_word(fault->kind, word)) {
        fault->text = g_strdup(word);
        return TRUE;
    }
    known = known_words(fault->kind);
    g_set_error(error,
                G_IO_ERROR,
                G_IO_ERROR_INVALID_ARGUMENT,
                "fault %s needs %s%s%s, found \"%s\"",
                table[fault->kind].name,
                table[fault->kind].shape,
                known != NULL ? ", of " : "",
                known != NULL ? known : "",
                word != NULL ? word : "");
    return FALSE;
}

static gboolean
check_number(Fault *fault, const char *word, GError **error)
{
    const FaultInfo *info = &table[fault->kind];
    guint64 number;

    fault->number = info->preset;
    if (word == NULL && info->preset >= 0)
        return TRUE;
    if (word != NULL &&
        g_ascii_string_to_unsigned(word, 10, 0, (guint64)info->most, &number, NULL)) {
        fault->number = (gint64)number;
        return TRUE;
    }
    g_set_error(error,
                G_IO_ERROR,
                G_IO_ERROR_INVALID_ARGUMENT,
                "fault %s needs %s:%s, a number up to %" G_GINT64_FORMAT,
                info->name,
                info->name,
                info->shape,
                info->most);
    return FALSE;
}

static gboolean
check_offset(Fault *fault, const char *word, GError **error)
{
    const FaultInfo *info = &table[fault->kind];

    if (word != NULL &&
        g_ascii_string_to_signed(word, 10, -info->most, info->most, &fault->number, NULL))
        return TRUE;
    g_set_error(error,
                G_IO_ERROR,
                G_IO_ERROR_INVALID_ARGUMENT,
                "fault %s needs %s:%s, a number from -%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                info->name,
                info->name,
                info->shape,
                info->most,
                info->most);
    return FALSE;
}

static gboolean
parse_kind(Fault *fault, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);

    for (guint i = 0; i < FAULT_KINDS; i++) {
        if (parts[0] == NULL || !g_str_equal(table[i].name, parts[0]))
            continue;
        fault->kind = (FaultKind)i;
        if (table[i].argument == NUMBER)
            return check_number(fault, parts[1], error);
        if (table[i].argument == OFFSET)
            return check_offset(fault, parts[1], error);
        if (table[i].argument == WORD)
            return check_word(fault, parts[1], error);
        if (parts[1] == NULL)
            return TRUE;
        g_set_error(error,
                    G_IO_ERROR,
                    G_IO_ERROR_INVALID_ARGUMENT,
                    "fault %s takes no argument, found \"%s\"",
                    table[i].name,
                    parts[1]);
        return FALSE;
    }
    g_set_error(error,
                G_IO_ERROR,
                G_IO_ERROR_INVALID_ARGUMENT,
                "there is no fault \"%s\"; see --list-faults",
                text);
    return FALSE;
}

Fault *
fault_parse(const char *option, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(option, "=", 2);
    Fault *fault = g_new0(Fault, 1);

    if (parts[0] == NULL || parts[1] == NULL) {
        g_set_error(error,
                    G_IO_ERROR,
                    G_IO_ERROR_INVALID_ARGUMENT,
                    "\"%s\" is not ADDRESS=KIND[:argument]",
                    option);
    } else if (parse_range(fault, parts[0], error) && parse_kind(fault, parts[1], error)) {
        return fault;
    }
    fault_free(fault);
    return NULL;
}

void
fault_free(Fault *fault)
{
    if (fault == NULL)
        return;
    g_free(fault->text);
    g_free(fault);
}

char *
fault_list(void)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < FAULT_KINDS; i++) {
        g_autofree char *form =
            g_strconcat(table[i].name, *table[i].shape != '\0' ? ":" : "", table[i].shape, NULL);
        g_string_append_printf(out, "%-20s %s", form, table[i].help);
        if (table[i].argument == NUMBER && table[i].preset >= 0)
            g_string_append_printf(out, " (%" G_GINT64_FORMAT " if not given)", table[i].preset);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
