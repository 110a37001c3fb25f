/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "challenge.h"
#include "exchange.h"
#include "power.h"
#include "sim.h"
#include "soap.h"
#include "statefile.h"

#include <libxml/parser.h>
#include <string.h>

#define FIRST 0x7F100001U /* 127.16.0.1 */

static Sim *
make(const char *model, const char *fault)
{
    g_autoptr(GError) error = NULL;
    Sim *sim = sim_new("admin", "P@ssw0rd", 1);

    if (fault != NULL) {
        g_ptr_array_add(sim->faults, fault_parse(fault, &error));
        g_assert_no_error(error);
    }
    g_assert_true(sim_populate(sim, FIRST, 4, model, &error));
    g_assert_no_error(error);
    return sim;
}

/* ---- digest ---- */

/* Vectors of the protocol notes: account admin, password P@ssw0rd. */
static void
test_digest_vectors(void)
{
    static const char a1_text[] = "admin:Digest:4BB90000000000000000000000000000:P@ssw0rd";
    static const char nonce[] = "zicaAAAAAAAAAAAAa8tMnB1xbyLK5UFG", cnonce[] = "0123456789abcdef";
    g_autofree char *a1 = g_compute_checksum_for_string(G_CHECKSUM_MD5, a1_text, -1);
    g_autofree char *body = g_compute_checksum_for_string(G_CHECKSUM_MD5, "<x></x>", -1);
    g_autofree char *auth =
        challenge_response(a1, nonce, "00000001", cnonce, "POST", "/wsman", NULL);
    g_autofree char *integrity =
        challenge_response(a1, nonce, "00000001", cnonce, "POST", "/wsman", body);
    g_autofree char *redirection =
        challenge_response(a1, nonce, "00000002", cnonce, "POST", "/RedirectionService", NULL);

    g_assert_cmpstr(a1, ==, "d49472b8191f62e2aa22a16388caf051");
    g_assert_cmpstr(auth, ==, "fd8be8a7f96cd99755962724f48b9c0d");
    g_assert_cmpstr(integrity, ==, "ab5bdced346726824763935444d9e09c");
    g_assert_cmpstr(redirection, ==, "269bfad8cd858d0d5d938daf1691ebde");
}

static char *
authorize(Device *device,
          const char *challenge,
          const char *password,
          const char *qop,
          const char *nc,
          const char *body)
{
    g_autofree char *realm = challenge_field(challenge + strlen("Digest "), "realm");
    g_autofree char *nonce = challenge_field(challenge + strlen("Digest "), "nonce");
    g_autofree char *text = g_strdup_printf("admin:%s:%s", realm, password);
    g_autofree char *a1 = g_compute_checksum_for_string(G_CHECKSUM_MD5, text, -1);
    g_autofree char *hash = g_str_equal(qop, "auth-int")
                                ? g_compute_checksum_for_string(G_CHECKSUM_MD5, body, -1)
                                : NULL;
    g_autofree char *response = challenge_response(a1, nonce, nc, "abc", "POST", "/wsman", hash);

    return g_strdup_printf("Digest username=\"admin\",realm=\"%s\",nonce=\"%s\",uri=\"/wsman\","
                           "qop=%s,response=\"%s\",nc=%s,cnonce=\"abc\"",
                           realm,
                           nonce,
                           qop,
                           response,
                           nc);
}

static ChallengeResult
try_login(Sim *sim, const char *challenge, const char *password, const char *qop, const char *nc)
{
    g_autofree char *header =
        authorize(sim->devices, challenge, password, qop, nc, "<body></body>");

    return challenge_check(
        sim->devices, header, "POST", "/wsman", "<body></body>", strlen("<body></body>"));
}

static void
test_login(void)
{
    g_autoptr(Sim) sim = make("amt15", NULL);
    g_autofree char *challenge = challenge_make(sim->devices, FALSE);
    g_autofree char *nonce = challenge_field(challenge + strlen("Digest "), "nonce");

    g_assert_true(g_str_has_prefix(challenge, "Digest realm=\"Digest:"));
    g_assert_nonnull(strstr(challenge, "\", nonce=\""));
    g_assert_nonnull(strstr(challenge, "\",stale=\"false\",qop=\"auth,auth-int\""));
    g_assert_cmpuint(strlen(nonce), ==, 32);
    g_assert_null(strchr(nonce, '='));
    g_assert_cmpint(
        challenge_check(sim->devices, NULL, "POST", "/wsman", "", 0), ==, CHALLENGE_NONE);
    g_assert_cmpint(try_login(sim, challenge, "P@ssw0rd", "auth", "00000001"), ==, CHALLENGE_OK);
    g_assert_cmpint(
        try_login(sim, challenge, "P@ssw0rd", "auth-int", "00000002"), ==, CHALLENGE_OK);
    g_assert_cmpint(try_login(sim, challenge, "wrong", "auth", "00000003"), ==, CHALLENGE_WRONG);
    g_assert_cmpint(try_login(sim, challenge, "P@ssw0rd", "auth", "4"), ==, CHALLENGE_WRONG);
}

static void
test_login_refusals(void)
{
    g_autoptr(Sim) sim = make("amt12", "*=stale:2");
    g_autoptr(Sim) wrong = make("amt12", "*=wrong-digest:1");
    g_autofree char *challenge = challenge_make(sim->devices, FALSE);
    g_autofree char *other = challenge_make(&sim->devices[1], FALSE);
    g_autofree char *third = challenge_make(wrong->devices, FALSE);

    g_assert_cmpint(try_login(sim, challenge, "P@ssw0rd", "auth", "2"), ==, CHALLENGE_OK);
    g_assert_cmpint(try_login(sim, challenge, "P@ssw0rd", "auth", "3"), ==, CHALLENGE_STALE);
    /* another device's nonce and realm, and a qop that is not offered */
    g_assert_cmpint(try_login(sim, other, "P@ssw0rd", "auth", "1"), ==, CHALLENGE_WRONG);
    g_assert_cmpint(try_login(sim, challenge, "P@ssw0rd", "auth-int", "1"), ==, CHALLENGE_WRONG);
    g_assert_cmpint(try_login(wrong, third, "P@ssw0rd", "auth", "1"), ==, CHALLENGE_WRONG);
    g_assert_cmpint(try_login(wrong, third, "P@ssw0rd", "auth", "1"), ==, CHALLENGE_OK);
}

/* ---- chunks ---- */

static void
test_chunks(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *body = g_strnfill(0x220 + 0x10, 'x');

    exchange_chunk(sim->devices->model, body, strlen(body), out);
    g_assert_true(g_str_has_prefix(out->str, "0220\r\nxxx"));
    g_assert_nonnull(strstr(out->str, "\r\n0010\r\nxxxxxxxxxxxxxxxx\r\n0\r\n\r\n"));
    g_assert_cmpuint(out->len, ==, strlen(body) + 2 * 8 + 5);
}

/* ---- power ---- */

static void
test_power(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Device *device = sim->devices;
    gint64 now = 1000000, step = (gint64)device->model->power_ms * 1000;

    device->power = POWER_OFF;
    g_assert_cmpuint(power_request(device, POWER_RESET, now), ==, 4097);
    g_assert_cmpuint(power_request(device, 99, now), ==, 5);
    g_assert_cmpuint(power_request(device, POWER_SLEEP_LIGHT, now), ==, 1);
    g_assert_cmpuint(power_request(device, POWER_ON, now), ==, 0);
    g_assert_cmpuint(power_state(device, now), ==, POWER_OFF);
    g_assert_cmpuint(power_request(device, POWER_OFF, now + 1), ==, 3); /* it is coming on */
    g_assert_cmpuint(power_request(device, POWER_CYCLE_SOFT, now + 1), ==, 3);
    g_assert_cmpuint(power_state(device, now + step), ==, POWER_ON);
    g_assert_cmpuint(device->boots, ==, 1);
    now += 10 * step;
    g_assert_cmpuint(power_request(device, POWER_CYCLE_SOFT, now), ==, 0);
    g_assert_cmpuint(power_state(device, now + step), ==, POWER_OFF);
    g_assert_cmpuint(power_state(device, now + 2 * step), ==, POWER_ON);
    now += 10 * step;
    g_assert_cmpuint(power_request(device, POWER_OFF_GRACEFUL, now), ==, 0);
    g_assert_cmpuint(power_state(device, now + step), ==, POWER_ON);
    g_assert_cmpuint(power_state(device, now + 2 * step), ==, POWER_OFF);
}

static void
test_power_models(void)
{
    g_autoptr(Sim) old = make("amt8", NULL);
    g_autoptr(Sim) deaf = make("amt12", "*=no-agent");
    g_autoptr(GString) states = g_string_new(NULL);
    gint64 now = 1000000;

    old->devices->power = POWER_ON;
    deaf->devices->power = POWER_ON;
    power_available(old->devices, now, states);
    g_assert_cmpstr(states->str, ==, " 10 8 5");
    g_assert_cmpuint(power_request(old->devices, POWER_OFF_GRACEFUL, now), ==, 1);
    g_assert_cmpuint(power_request(old->devices, POWER_ON, now), ==, 4097);
    g_assert_cmpuint(power_request(deaf->devices, POWER_OFF_GRACEFUL, now), ==, 0);
    g_assert_cmpuint(power_state(deaf->devices, now + 100000000), ==, POWER_ON);
}

/* ---- WS-Management ---- */

static char *
envelope(const char *action, const char *class, const char *selectors, const char *body)
{
    g_autofree char *uri = classes_uri(class);

    return g_strdup_printf(
        "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING "\" xmlns:w=\"" NS_WSMAN
        "\" xmlns:n=\"" NS_ENUMERATION "\"><s:Header><a:Action>%s%s</a:Action><a:To>/wsman</a:To>"
        "<w:ResourceURI>%s</w:ResourceURI><a:MessageID>174</a:MessageID>%s</s:Header>"
        "<s:Body>%s</s:Body></s:Envelope>",
        *action == '/' ? uri : "",
        action,
        uri,
        selectors,
        body);
}

/* The answer; its status must be `status`, it must be well-formed, and hold `expected`. */
static char *
ask(Device *device, const char *request, guint status, const char *expected)
{
    g_autoptr(GString) out = g_string_new(NULL);
    SoapNote note;
    guint got = soap_serve(device, request, strlen(request), out, &note);
    xmlDoc *doc = xmlReadMemory(out->str, (int)out->len, NULL, NULL, XML_PARSE_NOERROR);

    if (got != status || strstr(out->str, expected) == NULL)
        g_test_message("%s", out->str);
    g_assert_nonnull(doc);
    xmlFreeDoc(doc);
    g_assert_cmpuint(got, ==, status);
    g_assert_nonnull(strstr(out->str, expected));
    g_assert_null(strstr(out->str, "/>")); /* nothing is closed by itself */
    return g_strdup(out->str);
}

static void
check(Device *device, const char *request, guint status, const char *expected)
{
    g_autofree char *answer = ask(device, request, status, expected);
}

#define GET NS_TRANSFER "/Get"
#define PULL(context, most)                                                                        \
    "<n:Pull><n:EnumerationContext>" context "</n:EnumerationContext><n:MaxElements>" most         \
    "</n:MaxElements></n:Pull>"

static void
test_get(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autofree char *general = envelope(GET, "AMT_GeneralSettings", "", "");
    g_autofree char *none = envelope(GET, "AMT_NoSuchClass", "", "");
    g_autofree char *many = envelope(GET, "CIM_SoftwareIdentity", "", "");
    g_autofree char *one =
        envelope(GET,
                 "CIM_SoftwareIdentity",
                 "<w:SelectorSet><w:Selector Name=\"InstanceID\">AMT</w:Selector></w:SelectorSet>",
                 "");
    g_autofree char *absent =
        envelope(GET,
                 "CIM_SoftwareIdentity",
                 "<w:SelectorSet><w:Selector Name=\"InstanceID\">No</w:Selector></w:SelectorSet>",
                 "");

    check(sim->devices, general, 200, "<b:RelatesTo>174</b:RelatesTo>");
    check(sim->devices, general, 200, "<g:HostName>pc-16-0-1</g:HostName>");
    check(sim->devices, none, 400, "<a:Value>b:DestinationUnreachable</a:Value>");
    check(sim->devices, many, 400, "<a:Value>e:InvalidSelectors</a:Value>");
    check(sim->devices, one, 200, "<g:VersionString>12.0.67</g:VersionString>");
    check(sim->devices, absent, 400, "<a:Value>b:DestinationUnreachable</a:Value>");
    check(sim->devices, "<a><b></a>", 400, "SchemaValidationError");
    check(sim->devices, "", 400, "SchemaValidationError");
}

/* Enumerates `class` to the end; the names of what came, the pages counted. */
static GPtrArray *
enumerate(Device *device, const char *class, guint *pages)
{
    g_autofree char *start = envelope(NS_ENUMERATION "/Enumerate", class, "", "<n:Enumerate/>");
    g_autofree char *answer = ask(device, start, 200, "<g:EnumerationContext>");
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    char context[37] = "";

    *pages = 0;
    for (gboolean more = TRUE; more;) {
        const char *at = strstr(answer, "<g:EnumerationContext>");
        g_autofree char *pull = NULL, *body = NULL;
        if (at != NULL)
            g_strlcpy(context, at + strlen("<g:EnumerationContext>"), sizeof context);
        body = g_strdup_printf(PULL("%s", "999"), context);
        pull = envelope(NS_ENUMERATION "/Pull", class, "", body);
        g_free(answer);
        answer = ask(device, pull, 200, "<g:PullResponse>");
        (*pages)++;
        for (at = answer; (at = strstr(at, "<h:CreationClassName>")) != NULL; at++)
            g_ptr_array_add(names, g_strndup(at + 21, strcspn(at + 21, "<")));
        more = strstr(answer, "<g:EndOfSequence></g:EndOfSequence>") == NULL;
    }
    return names;
}

static void
test_enumerate(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    guint pages;
    g_autoptr(GPtrArray) chips = enumerate(sim->devices, "CIM_Chip", &pages);
    g_autoptr(GPtrArray) packages = NULL, fans = NULL;

    /* a page holds one concrete class, and of chips only one */
    g_assert_cmpuint(pages, ==, chips->len);
    g_assert_cmpstr(chips->pdata[0], ==, "CIM_Chip");
    g_assert_cmpstr(chips->pdata[1], ==, "CIM_PhysicalMemory");
    packages = enumerate(sim->devices, "CIM_PhysicalPackage", &pages);
    g_assert_cmpuint(packages->len, ==, 3);
    g_assert_cmpuint(pages, ==, 3);
    g_assert_cmpstr(packages->pdata[1], ==, "CIM_Card");
    g_assert_cmpstr(packages->pdata[2], ==, "CIM_Chassis");
    fans = enumerate(sim->devices, "CIM_Fan", &pages);
    g_assert_cmpuint(fans->len, ==, 0);
    g_assert_cmpuint(pages, ==, 1);
}

static void
test_contexts(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autofree char *start =
        envelope(NS_ENUMERATION "/Enumerate", "CIM_Chip", "", "<n:Enumerate/>");
    g_autofree char *pull = envelope(
        NS_ENUMERATION "/Pull", "CIM_Chip", "", PULL("FFFFFFFF-0000-0000-0000-000000000000", "1"));

    check(sim->devices, pull, 400, "<a:Value>c:InvalidEnumerationContext</a:Value>");
    for (guint i = 0; i < sim->devices->model->max_contexts; i++)
        check(sim->devices, start, 200, "<g:EnumerationContext>");
    check(sim->devices, start, 400, "<a:Value>e:QuotaLimit</a:Value>");
}

#define GENERAL "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings"

static void
test_put(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autofree char *get = envelope(GET, "AMT_GeneralSettings", "", "");
    g_autofree char *put = envelope(NS_TRANSFER "/Put",
                                    "AMT_GeneralSettings",
                                    "",
                                    "<r:AMT_GeneralSettings xmlns:r=\"" GENERAL
                                    "\"><r:DomainName>a &amp; b</r:DomainName>"
                                    "<r:SharedFQDN>false</r:SharedFQDN></r:AMT_GeneralSettings>");
    g_autofree char *bad = envelope(NS_TRANSFER "/Put",
                                    "AMT_GeneralSettings",
                                    "",
                                    "<r:AMT_GeneralSettings xmlns:r=\"" GENERAL
                                    "\"><r:SharedFQDN>undefined</r:SharedFQDN>"
                                    "</r:AMT_GeneralSettings>");
    g_autofree char *unknown = envelope(NS_TRANSFER "/Put",
                                        "AMT_GeneralSettings",
                                        "",
                                        "<r:AMT_GeneralSettings xmlns:r=\"" GENERAL
                                        "\"><r:Colour>1</r:Colour></r:AMT_GeneralSettings>");

    check(sim->devices, put, 200, "<g:DomainName>a &amp; b</g:DomainName>");
    check(sim->devices, get, 200, "<g:SharedFQDN>false</g:SharedFQDN>");
    check(sim->devices, bad, 400, "<a:Value>d:InvalidRepresentation</a:Value>");
    check(sim->devices, unknown, 400, "<a:Value>d:InvalidRepresentation</a:Value>");
    check(&sim->devices[1], get, 200, "<g:SharedFQDN>true</g:SharedFQDN>");
}

#define FILTER "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_Hdr8021Filter"

static void
test_create_delete(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    const char *selectors =
        "<w:SelectorSet><w:Selector Name=\"Name\">mine</w:Selector></w:SelectorSet>";
    g_autofree char *create = envelope(NS_TRANSFER "/Create",
                                       "AMT_Hdr8021Filter",
                                       "",
                                       "<r:AMT_Hdr8021Filter xmlns:r=\"" FILTER
                                       "\"><r:Name>mine</r:Name><r:VLANID>7</r:VLANID>"
                                       "</r:AMT_Hdr8021Filter>");
    g_autofree char *get = envelope(GET, "AMT_Hdr8021Filter", selectors, "");
    g_autofree char *delete = envelope(NS_TRANSFER "/Delete", "AMT_Hdr8021Filter", selectors, "");

    check(sim->devices, get, 400, "b:DestinationUnreachable");
    check(sim->devices, create, 200, "<c:Selector Name=\"Name\">mine</c:Selector>");
    check(sim->devices, create, 400, "e:AlreadyExists");
    check(sim->devices, get, 200, "<g:VLANID>7</g:VLANID>");
    check(sim->devices, delete, 200, "<a:Body></a:Body>");
    check(sim->devices, delete, 400, "b:DestinationUnreachable");
}

#define ALARMS "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_AlarmClockService"
#define ALARM  "http://intel.com/wbem/wscim/1/ips-schema/1/IPS_AlarmClockOccurrence"

static char *
add_alarm(const char *name, const char *when)
{
    g_autofree char *body = g_strdup_printf(
        "<r:AddAlarm_INPUT xmlns:r=\"" ALARMS "\"><r:AlarmTemplate xmlns:s=\"" ALARM
        "\"><s:InstanceID>%s</s:InstanceID><s:StartTime><p:Datetime xmlns:p=\"" NS_COMMON
        "\">%s</p:Datetime></s:StartTime><s:DeleteOnCompletion>true</s:DeleteOnCompletion>"
        "</r:AlarmTemplate></r:AddAlarm_INPUT>",
        name,
        when);

    return envelope("/AddAlarm", "AMT_AlarmClockService", "", body);
}

static void
test_alarm(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autofree char *good = add_alarm("wake", "2099-01-01T03:00:00Z");
    g_autofree char *past = add_alarm("late", "2001-01-01T03:00:00Z");
    g_autofree char *get =
        envelope(GET,
                 "IPS_AlarmClockOccurrence",
                 "<w:SelectorSet><w:Selector Name=\"InstanceID\">wake</w:Selector></w:SelectorSet>",
                 "");

    check(sim->devices, good, 200, "<g:ReturnValue>0</g:ReturnValue>");
    check(sim->devices, good, 200, "<g:ReturnValue>2058</g:ReturnValue>");
    check(sim->devices, past, 200, "<g:ReturnValue>34</g:ReturnValue>");
    check(sim->devices, get, 200, "<h:Datetime>2099-01-01T03:00:00Z</h:Datetime>");
}

/* ---- options ---- */

static void
test_faults(void)
{
    static const char *const bad[] = {"nothing",
                                      "127.0.0.1=",
                                      "127.0.0.1=nosuch",
                                      "10.0.0.1=reset",
                                      "127.0.0.2-127.0.0.1=reset",
                                      "*=delay",
                                      "*=delay:x",
                                      "*=clock",
                                      "*=clock:x",
                                      "*=clock:-1000000001",
                                      "*=silent:1",
                                      "*=fault:NoSuch",
                                      "*=lacks:"};

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(fault_parse(bad[i], &error));
        g_assert_nonnull(error);
    }
    g_autoptr(Sim) sim = make("amt12", "127.16.0.2-127.16.0.3=delay:70");
    g_assert_null(device_fault(&sim->devices[0], FAULT_DELAY));
    g_assert_cmpint(device_fault(&sim->devices[1], FAULT_DELAY)->number, ==, 70);
    g_assert_nonnull(device_fault(&sim->devices[2], FAULT_DELAY));
    g_assert_null(device_fault(&sim->devices[3], FAULT_DELAY));
}

static void
test_fault_answers(void)
{
    g_autoptr(Sim) soap = make("amt12", "*=fault:AccessDenied");
    g_autoptr(Sim) relates = make("amt12", "*=relates-to");
    g_autoptr(Sim) lacks = make("amt12", "*=lacks:AMT_GeneralSettings");
    g_autofree char *get = envelope(GET, "AMT_GeneralSettings", "", "");

    check(soap->devices, get, 400, "<a:Value>e:AccessDenied</a:Value>");
    check(relates->devices, get, 200, "<b:RelatesTo>1749</b:RelatesTo>");
    check(lacks->devices, get, 400, "b:DestinationUnreachable");
}

/* What the device says its time is, less ours. */
static gint64
clock_error(Device *device)
{
    g_autofree char *uri = classes_uri("AMT_TimeSynchronizationService");
    g_autofree char *body = g_strdup_printf("<r:GetLowAccuracyTimeSynch_INPUT xmlns:r=\"%s\">"
                                            "</r:GetLowAccuracyTimeSynch_INPUT>",
                                            uri);
    g_autofree char *request =
        envelope("/GetLowAccuracyTimeSynch", "AMT_TimeSynchronizationService", "", body);
    g_autofree char *answer = ask(device, request, 200, "<g:Ta0>");

    return g_ascii_strtoll(strstr(answer, "<g:Ta0>") + strlen("<g:Ta0>"), NULL, 10) -
           g_get_real_time() / G_USEC_PER_SEC;
}

/* A minute of room: a slow machine may sleep between the two readings. */
static void
test_fault_clock(void)
{
    g_autoptr(Sim) right = make("amt12", NULL);
    g_autoptr(Sim) ahead = make("amt12", "*=clock:+3600");
    g_autoptr(Sim) behind = make("amt12", "*=clock:-7200");

    g_assert_cmpint(ABS(clock_error(right->devices)), <, 60);
    g_assert_cmpint(ABS(clock_error(ahead->devices) - 3600), <, 60);
    g_assert_cmpint(ABS(clock_error(behind->devices) + 7200), <, 60);
}

static void
test_populate(void)
{
    static const struct {
        guint32 first;
        guint64 count;
        const char *model;
    } bad[] = {{0x7FFFFFFF, 2, NULL},
               {0x0A000001, 1, NULL},
               {FIRST, 0, NULL},
               {FIRST, 1, "amt1"},
               {FIRST, 1, "amt12:0"},
               {FIRST, 1, "amt12,"}};

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Sim) sim = sim_new("admin", "x", 1);
        g_assert_false(sim_populate(sim, bad[i].first, bad[i].count, bad[i].model, &error));
        g_assert_nonnull(error);
    }
    g_autoptr(Sim) mixed = make("amt9,amt12:2", NULL);
    g_assert_cmpstr(mixed->devices[0].model->name, ==, "amt9");
    g_assert_cmpstr(mixed->devices[2].model->name, ==, "amt12");
    g_assert_cmpstr(mixed->devices[3].model->name, ==, "amt9");
    g_assert_null(sim_device(mixed, FIRST - 1));
    g_assert_null(sim_device(mixed, FIRST + 4));
}

static void
test_state(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autofree char *line = NULL;

    for (guint i = 0; i < 300; i++)
        device_note(sim->devices, "Get", i == 299 ? "last" : "AMT_GeneralSettings", 200);
    line = statefile_line(sim->devices);
    g_assert_nonnull(strstr(line, "\"requests\":300"));
    g_assert_nonnull(strstr(line, "{\"action\":\"Get\",\"target\":\"last\",\"status\":200"));
    g_assert_true(g_str_has_suffix(line, "}]}"));
    g_assert_cmpuint(sim->devices->extra->log->len, ==, DEVICE_LOG_KEEP);
}

/* ---- hostile input ---- */

/* One request of each kind, to be damaged. */
static char *
sample(guint n)
{
    switch (n % 6) {
    case 0:
        return envelope(NS_TRANSFER "/Put",
                        "AMT_GeneralSettings",
                        "",
                        "<r:AMT_GeneralSettings xmlns:r=\"" GENERAL
                        "\"><r:DomainName>a &amp; b</r:DomainName></r:AMT_GeneralSettings>");
    case 1:
        return add_alarm("wake", "2099-01-01T03:00:00Z");
    case 2:
        return envelope(NS_TRANSFER "/Create",
                        "AMT_Hdr8021Filter",
                        "",
                        "<r:AMT_Hdr8021Filter xmlns:r=\"" FILTER
                        "\"><r:VLANID>7</r:VLANID></r:AMT_Hdr8021Filter>");
    case 3:
        return envelope(NS_ENUMERATION "/Pull",
                        "CIM_Chip",
                        "",
                        PULL("01000000-0000-0000-0000-000000000000", "1"));
    case 4:
        return envelope(
            GET,
            "CIM_SoftwareIdentity",
            "<w:SelectorSet><w:Selector Name=\"InstanceID\">AMT</w:Selector></w:SelectorSet>",
            "");
    default:
        return envelope(NS_ENUMERATION "/Enumerate", "CIM_Chip", "", "<n:Enumerate/>");
    }
}

static void
damage(GRand *rand, char *text, gsize length, guint times)
{
    for (guint i = 0; i < times; i++)
        text[g_rand_int_range(rand, 0, (gint32)length)] = (char)g_rand_int(rand);
}

static void
test_mutations(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);

    for (guint i = 0; i < 12000; i++) {
        g_autoptr(GString) out = g_string_new(NULL), body = g_string_new(NULL);
        g_autofree char *request = sample(i);
        gsize length = strlen(request);
        g_autofree char *http = g_strdup_printf(
            "POST /wsman HTTP/1.1\r\nAuthorization: Digest a=\"b\\\r\nContent-Length: "
            "%" G_GSIZE_FORMAT "\r\n\r\n%s",
            length,
            request);
        gsize whole = strlen(http);
        ExchangeResult result;
        SoapNote note;
        damage(rand, http, MIN(whole, 100), 1 + i % 4);
        exchange_run(sim->devices, http, i % 3 == 0 ? i % whole : whole, out, &result);
        damage(rand, request, length, i % 4);
        soap_serve(sim->devices, request, length, body, &note);
        g_assert_cmpuint(body->len, >, 0);
    }
}

/* Each fault names the HTTP answer that a broken head gets. */
static void
test_http_refusals(void)
{
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"POST /wsman HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", "HTTP/1.1 413 "},
        {"POST /wsman HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
        {"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 411 "},
        {"nonsense\r\n\r\n", "HTTP/1.1 400 "},
        {"PUT / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "},
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 303 "},
        {"GET /nothing HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
        {"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 401 "},
        {"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404 "},
    };
    g_autoptr(Sim) sim = make("amt12", NULL);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        ExchangeResult result;
        g_assert_cmpint(
            exchange_run(sim->devices, cases[i].request, strlen(cases[i].request), out, &result),
            ==,
            EXCHANGE_DONE);
        if (!g_str_has_prefix(out->str, cases[i].status))
            g_test_message("%s: %s", cases[i].request, out->str);
        g_assert_true(g_str_has_prefix(out->str, cases[i].status));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/digest/vectors", test_digest_vectors);
    g_test_add_func("/sim/digest/login", test_login);
    g_test_add_func("/sim/digest/refusals", test_login_refusals);
    g_test_add_func("/sim/http/chunks", test_chunks);
    g_test_add_func("/sim/http/refusals", test_http_refusals);
    g_test_add_func("/sim/http/mutations", test_mutations);
    g_test_add_func("/sim/power/transitions", test_power);
    g_test_add_func("/sim/power/models", test_power_models);
    g_test_add_func("/sim/wsman/get", test_get);
    g_test_add_func("/sim/wsman/enumerate", test_enumerate);
    g_test_add_func("/sim/wsman/contexts", test_contexts);
    g_test_add_func("/sim/wsman/put", test_put);
    g_test_add_func("/sim/wsman/create-delete", test_create_delete);
    g_test_add_func("/sim/wsman/alarm", test_alarm);
    g_test_add_func("/sim/faults/options", test_faults);
    g_test_add_func("/sim/faults/answers", test_fault_answers);
    g_test_add_func("/sim/faults/clock", test_fault_clock);
    g_test_add_func("/sim/populate", test_populate);
    g_test_add_func("/sim/state", test_state);
    return g_test_run();
}
