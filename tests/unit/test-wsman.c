/* SPDX-License-Identifier: Apache-2.0 */
/* The WS-Management helper against canned answers. Test names end in the number of the trap they are about. */
#include "fake-host.h"

#include <string.h>
#include <wsman.h>

static const char *
status_name(guint32 status)
{
    return status == 36 ? "invalid parameter" : (status == 2058 ? "duplicate" : NULL);
}

static const WsmanPrefix prefixes[] = {
    {"AMT_", "http://intel.com/wbem/wscim/1/amt-schema/1/"},
    {"CIM_", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"},
    {NULL, NULL},
};

/* clang-format off */
static const WsmanType types[] = {
    {"Code", NULL, "u"}, {"Code", "CIM_X", "ay"}, {"Flag", NULL, "b"}, {"List", NULL, "au"}, {"Serial", NULL, "s"},
    {"Start", NULL, "datetime"}, {"Words", NULL, "as"},
};
/* clang-format on */

static const WsmanProfile profile = {
    .path = "/wsman",
    .product = "test",
    .prefixes = prefixes,
    .types = types,
    .n_types = G_N_ELEMENTS(types),
    .status_prefix = "AMT-STATUS",
    .status_name = status_name,
    .repeat_500 = TRUE,
};

static GVariant *
decode(const char *members)
{
    g_autofree char *text = g_strconcat(
        FAKE_HEAD(FAKE_CIM("CIM_Y")) "<g:CIM_Y>", members, "</g:CIM_Y>" FAKE_TAIL, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(WsmanMessage) message =
        wsman_message_parse(&profile, (const guint8 *)text, strlen(text), &error);

    g_assert_no_error(error);
    return g_variant_ref(message->body);
}

static void
assert_decodes(const char *members, const char *expected)
{
    g_autoptr(GVariant) found = decode(members);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) wanted =
        g_variant_parse(G_VARIANT_TYPE_VARDICT, expected, NULL, NULL, &error);
    g_autofree char *text = g_variant_print(found, TRUE);

    g_assert_no_error(error);
    if (!g_variant_equal(found, wanted))
        g_error("%s\n  gave     %s\n  expected %s", members, text, expected);
}

/* Missing, empty and zero are three things. */
static void
test_missing_16(void)
{
    assert_decodes("", "{}");
    assert_decodes("<g:A></g:A><g:B/>", "{'A': <''>, 'B': <''>}");
    assert_decodes("<g:A>0</g:A>", "{'A': <uint64 0>}");
    assert_decodes("<g:Code></g:Code>", "{'Code': <''>}");
    assert_decodes("<g:Code>0</g:Code>", "{'Code': <uint32 0>}");
}

static void
test_arrays_27(void)
{
    assert_decodes("<g:List>10</g:List><g:List>8</g:List>", "{'List': <[uint32 10, 8]>}");
    assert_decodes("<g:List>10</g:List>", "{'List': <[uint32 10]>}");
    assert_decodes("<g:Words></g:Words>", "{'Words': <@as []>}");
    assert_decodes("<g:A>1</g:A><g:A>14</g:A>", "{'A': <[uint64 1, 14]>}");
    assert_decodes("<g:A>1</g:A><g:A>-1</g:A>", "{'A': <[int64 1, -1]>}");
    assert_decodes("<g:A>1</g:A><g:A>x </g:A>", "{'A': <['1', 'x ']>}");
    assert_decodes("<g:A>1</g:A><g:B>x</g:B><g:A>2</g:A>", "{'A': <[uint64 1, 2]>, 'B': <'x'>}");
}

static void
test_numbers_28(void)
{
    assert_decodes("<g:A>4294967295</g:A>", "{'A': <uint64 4294967295>}");
    assert_decodes("<g:A>18446744073709551615</g:A>", "{'A': <uint64 18446744073709551615>}");
    assert_decodes("<g:A>18446744073709551616</g:A>", "{'A': <'18446744073709551616'>}");
    assert_decodes("<g:A>-1</g:A>", "{'A': <int64 -1>}");
    assert_decodes("<g:A>-0</g:A><g:B>007</g:B><g:C>+1</g:C>",
                   "{'A': <'-0'>, 'B': <'007'>, 'C': <'+1'>}");
    assert_decodes("<g:Code>4294967296</g:Code>", "{'Code': <'4294967296'>}");
    assert_decodes("<g:Serial>0123</g:Serial>", "{'Serial': <'0123'>}");
    assert_decodes("<g:Serial>123</g:Serial>", "{'Serial': <'123'>}");
}

static void
test_booleans_29(void)
{
    assert_decodes("<g:A>true</g:A><g:B>False</g:B>", "{'A': <true>, 'B': <'False'>}");
    assert_decodes("<g:Flag>FALSE</g:Flag>", "{'Flag': <false>}");
    assert_decodes("<g:Flag>1</g:Flag>", "{'Flag': <true>}");
}

static void
test_blanks_30(void)
{
    assert_decodes("<g:A>CT16G4SFD824A.M16FE </g:A>", "{'A': <'CT16G4SFD824A.M16FE '>}");
    assert_decodes("<g:A>a &amp;&lt; b<![CDATA[<c>]]></g:A>", "{'A': <'a &< b<c>'>}");
}

static void
test_dates_32(void)
{
    assert_decodes("<g:A><h:Datetime>2020-08-10T00:00:00Z</h:Datetime></g:A>",
                   "{'A': <'2020-08-10T00:00:00Z'>}");
    assert_decodes("<g:A>\n  <h:Interval>P1DT2H30M</h:Interval>\n</g:A>", "{'A': <'P1DT2H30M'>}");
    assert_decodes("<g:A><Datetime xmlns=''>27:39.84Z</Datetime></g:A>", "{'A': <'27:39.84Z'>}");
}

static void
test_base64_34(void)
{
    const char *text = FAKE_BODY(FAKE_CIM("CIM_X"), "<g:CIM_X><g:Code>AAECAw==</g:Code></g:CIM_X>");
    g_autoptr(WsmanMessage) message =
        wsman_message_parse(&profile, (const guint8 *)text, strlen(text), NULL);
    g_autoptr(GVariant) octets =
        g_variant_lookup_value(message->body, "Code", G_VARIANT_TYPE("ay"));
    gsize size = 0;

    g_assert_nonnull(octets);
    const guint8 *bytes = g_variant_get_fixed_array(octets, &size, 1);
    g_assert_cmpmem(bytes, size, "\0\1\2\3", 4);
}

#define EPR(uri, selectors)                                                                        \
    "<b:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:Address>"       \
    "<b:ReferenceParameters><c:ResourceURI>" uri "</c:ResourceURI><c:SelectorSet>" selectors       \
    "</c:SelectorSet></b:ReferenceParameters>"

static void
test_references_37(void)
{
    g_autoptr(GVariant) none = NULL;
    g_autoptr(GVariant) epr = NULL;

    assert_decodes(
        "<g:A>" EPR(FAKE_CIM("CIM_Z"), "<c:Selector Name='Name'>x y</c:Selector>") "</g:A>",
        "{'A': <{'class': <'CIM_Z'>, 'selectors': <{'Name': <'x y'>}>}>}");
    assert_decodes(
        "<g:A>" EPR(
            FAKE_CIM("CIM_Z"),
            "<c:Selector Name='K'><b:EndpointReference>" EPR(
                FAKE_CIM("CIM_Q"), "<c:Selector Name='I'>1</c:Selector>") "</b:EndpointReference></"
                                                                          "c:Selector>") "</g:A>",
        "{'A': <{'class': <'CIM_Z'>, 'selectors': <{'K': <{'class': <'CIM_Q'>, 'selectors': <{'I': "
        "<'1'>}>}>}>}>}");
    none = decode(
        "<g:A><b:Address>default</b:Address><b:ReferenceParameters><c:ResourceURI></c:ResourceURI>"
        "<c:SelectorSet></c:SelectorSet></b:ReferenceParameters></g:A>");
    epr = g_variant_lookup_value(none, "A", G_VARIANT_TYPE_VARDICT);
    g_assert_true(wsman_epr_is_placeholder(epr));
}

static void
test_nil_47(void)
{
    assert_decodes("<g:A xsi:nil=\"true\"/><g:B></g:B>", "{'B': <''>}");
    assert_decodes("<g:A>x</g:A><g:A xsi:nil=\"true\"/>", "{'A': <[<'x'>, <@mv nothing>]>}");
}

static void
test_embedded(void)
{
    assert_decodes("<g:In><q:M xmlns:q='urn:x/CIM_Q'>1</q:M></g:In>",
                   "{'In': <{'@class': <'CIM_Q'>, 'M': <uint64 1>}>}");
    assert_decodes("<g:In><g:M>1</g:M></g:In>", "{'In': <{'M': <uint64 1>}>}");
}

static void
assert_refused(const char *text, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(WsmanMessage) message =
        wsman_message_parse(&profile, (const guint8 *)text, strlen(text), &error);

    g_assert_null(message);
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    if (strstr(error->message, words) == NULL)
        g_error("expected '%s' in: %s", words, error->message);
}

static void
test_refused(void)
{
    g_autoptr(GString) deep = g_string_new(FAKE_HEAD("x:"));

    assert_refused("", "0 bytes");
    assert_refused("<a><b></a>", "not well-formed");
    assert_refused("<n:html/>", "not well-formed");
    assert_refused("<html/>", "root element 'html'");
    assert_refused("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>",
                   "document type");
    assert_refused("<!DOCTYPE a><a/>", "document type");
    assert_refused("<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"/>",
                   "without a body");
    for (guint i = 0; i < 60; i++)
        g_string_append(deep, "<x>");
    for (guint i = 0; i < 60; i++)
        g_string_append(deep, "</x>");
    g_string_append(deep, FAKE_TAIL);
    assert_refused(deep->str, "nests deeper");
}

/* ---- conversations ---- */

static WsMan *
open_ws(FakeHost *fake)
{
    g_autoptr(GError) error = NULL;
    WsMan *ws = wsman_open(&fake->svc, fake_run(fake), &profile, NULL, &error);

    g_assert_no_error(error);
    return ws;
}

static void
test_get_10(void)
{
    static const FakeStep steps[] = {
        {.expect = "<a:MessageID>1</a:MessageID>",
         .status = 200,
         .body = "\xef\xbb\xbf" FAKE_BODY(FAKE_CIM("CIM_Y"), "<g:CIM_Y><g:A>1</g:A></g:CIM_Y>"),
         .headers = "Content-Type: application/octet-stream"},
        {.expect = "<a:MessageID>2</a:MessageID>",
         .status = 200,
         .body =
             "<Envelope xmlns='http://www.w3.org/2003/05/soap-envelope'><Header><RelatesTo "
             "xmlns='http://"
             "schemas.xmlsoap.org/ws/2004/08/addressing'>\n 2 </RelatesTo></Header><Body><CIM_Y "
             "xmlns='http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_Y'><A>2</A></CIM_Y></"
             "Body></Envelope>"},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) one =
        wsman_get(ws, "CIM_Y", g_variant_new_parsed("{'Name': 'a \"b\" & <c>'}"), &error);
    g_autoptr(GVariant) two = wsman_get(ws, FAKE_CIM("CIM_Y"), NULL, &error);
    guint64 a = 0;

    g_assert_no_error(error);
    g_assert_true(g_variant_lookup(one, "A", "t", &a) && a == 1);
    g_assert_true(g_variant_lookup(two, "A", "t", &a) && a == 2);
    g_assert_nonnull(strstr(fake_request(fake, 0),
                            "<w:SelectorSet><w:Selector Name=\"Name\">a &quot;b&quot; &amp; "
                            "&lt;c&gt;</w:Selector></w:SelectorSet>"));
    g_assert_nonnull(strstr(fake_request(fake, 0), "transfer/Get</a:Action><a:To>/wsman</a:To>"));
    g_assert_nonnull(strstr(fake_request(fake, 1), "<s:Body></s:Body></s:Envelope>"));
}

/* Many names, some of them apart from their like: the table that finds them is another one from 32 on. */
static void
test_many_names(void)
{
    g_autoptr(GString) members = g_string_new(NULL);

    for (guint round = 0; round < 2; round++)
        for (guint i = 0; i < 100; i++)
            g_string_append_printf(members, "<g:N%u>%u</g:N%u>", i, round, i);
    g_autoptr(GVariant) values = decode(members->str);
    g_assert_cmpuint(g_variant_n_children(values), ==, 100);
    for (guint i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("N%u", i);
        g_autoptr(GVariant) list = g_variant_lookup_value(values, name, G_VARIANT_TYPE("at"));
        g_assert_nonnull(list);
        g_assert_cmpuint(g_variant_n_children(list), ==, 2);
    }
}

static void
test_get_some(void)
{
    static const FakeStep steps[] = {
        {.status = 200,
         .body = FAKE_BODY(
             FAKE_CIM("CIM_Y"),
             "<g:CIM_Y><g:A>1</g:A><g:List>2</g:List><g:List>3</g:List><g:Z>4</g:Z></g:CIM_Y>")}};
    static const char *const only[] = {"List", "Z", "Absent", NULL};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GVariant) values = wsman_get_some(ws, "CIM_Y", NULL, only, NULL);
    g_autofree char *text = g_variant_print(values, FALSE);

    g_assert_cmpstr(text, ==, "{'List': <[uint32 2, 3]>, 'Z': <uint64 4>}");
}

static void
test_relates_14(void)
{
    static const FakeStep steps[] = {
        {.status = 200,
         .body =
             "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header><a:RelatesTo "
             "xmlns:a='http://"
             "schemas.xmlsoap.org/ws/2004/08/addressing'>7</a:RelatesTo></s:Header><s:Body><x/></"
             "s:Body></s:Envelope>"},
        {.status = 200, .body = FAKE_BODY(FAKE_CIM("CIM_Y"), "<g:CIM_Y></g:CIM_Y>")},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GError) error = NULL;

    g_assert_null(wsman_get(ws, "CIM_Y", NULL, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(error->message, "relates to message '7', expected '1'"));
    g_assert_cmpuint(fake->closed, ==, 1);
    g_clear_error(&error);
    g_autoptr(GVariant) good = wsman_get(ws, "CIM_Y", NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(fake->opened, ==, 2);
}

static void
assert_fault(const FakeStep *step, PosternError code, const char *words)
{
    g_autoptr(FakeHost) fake = fake_host_new(step, 1);
    WsMan *ws = open_ws(fake);
    g_autoptr(GError) error = NULL;

    g_assert_null(wsman_invoke(ws, "AMT_Y", NULL, "Do", NULL, &error));
    g_assert_error(error, POSTERN_ERROR, (gint)code);
    if (strstr(error->message, words) == NULL)
        g_error("expected '%s' in: %s", words, error->message);
    wsman_close(ws);
    fake_host_done(fake);
}

static void
test_faults_11_12(void)
{
    const FakeStep absent = {.status = 400, .body = FAKE_ABSENT};
    const FakeStep exists = {.status = 500,
                             .body = FAKE_FAULT("e:AlreadyExists", "It exists.", "")};
    const FakeStep quota = {.status = 400, .body = FAKE_FAULT("e:QuotaLimit", "Too many.", "")};
    const FakeStep denied = {.status = 400, .body = FAKE_FAULT("e:AccessDenied", "No.", "")};
    const FakeStep odd = {.status = 400,
                          .body = FAKE_FAULT("d:InvalidRepresentation", "No.", "<x/>")};

    assert_fault(&absent, POSTERN_ERROR_NOT_SUPPORTED, "no such class, instance or method");
    assert_fault(&exists, POSTERN_ERROR_CONFLICT, "fault AlreadyExists: It exists.");
    assert_fault(&quota, POSTERN_ERROR_BUSY, "AMT_Y.Do: fault QuotaLimit");
    assert_fault(&denied, POSTERN_ERROR_FORBIDDEN, "AccessDenied");
    assert_fault(&odd, POSTERN_ERROR_DEVICE, "InvalidRepresentation");
}

static void
test_fault_notes(void)
{
    static const FakeStep steps[] = {
        {.status = 400,
         .body = FAKE_FAULT("e:InternalError", "Sorry.", "<e:D>AMT-STATUS 36</e:D>")}};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    WsMan *ws = open_ws(fake);
    g_autoptr(GError) error = NULL;

    g_assert_null(wsman_get(ws, "AMT_Y", NULL, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_DEVICE);
    g_assert_nonnull(strstr(error->message, "status 36 invalid parameter"));
    g_assert_cmpstr(wsman_fault(ws), ==, "InternalError");
    g_assert_false(wsman_absent(ws));
    wsman_close(ws);
    g_assert_cmpuint(g_variant_get_uint32(g_hash_table_lookup(fake->notes, "device-code")), ==, 36);
    g_assert_cmpuint(
        g_variant_get_uint32(g_hash_table_lookup(fake->notes, "http-status")), ==, 400);
    g_assert_cmpstr(
        g_variant_get_string(g_hash_table_lookup(fake->notes, "fault"), NULL), ==, "InternalError");
    g_assert_cmpstr(
        g_variant_get_string(g_hash_table_lookup(fake->notes, "device-code-name"), NULL),
        ==,
        "invalid parameter");
}

static void
test_http_1_6(void)
{
    const FakeStep html = {.status = 400,
                           .body = "<html><body>Bad</body></html>",
                           .headers = "Content-Type: text/html"};
    const FakeStep login = {.status = 401, .body = "<html></html>"};
    const FakeStep path = {.status = 404};
    const FakeStep busy = {.status = 503, .body = "<!DOCTYPE html><html></html>"};
    const FakeStep cut = {.status = 200, .body = "<?xml version='1.0'?><a:Envelope xmlns:a='x'>"};
    const FakeStep gone = {.error = POSTERN_ERROR_UNREACHABLE};

    assert_fault(&html, POSTERN_ERROR_PROTOCOL, "HTTP 400 with a body of type 'text/html'");
    assert_fault(&login, POSTERN_ERROR_AUTH, "HTTP 401");
    assert_fault(&path, POSTERN_ERROR_NOT_DETECTED, "HTTP 404");
    assert_fault(&busy, POSTERN_ERROR_BUSY, "HTTP 503");
    assert_fault(&cut, POSTERN_ERROR_PROTOCOL, "not well-formed");
    assert_fault(&gone, POSTERN_ERROR_UNREACHABLE, "AMT_Y.Do: as the script wants");
}

/* What only reads is asked again after a 500; a method never is. */
static void
test_random_500_6(void)
{
    static const FakeStep steps[] = {
        {.status = 500, .body = "oops"},
        {.status = 200, .body = FAKE_BODY(FAKE_CIM("CIM_Y"), "<g:CIM_Y></g:CIM_Y>")},
    };
    const FakeStep once = {.status = 500, .body = "oops"};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GVariant) values = wsman_get(ws, "CIM_Y", NULL, NULL);

    g_assert_nonnull(values);
    fake_host_done(fake);
    g_assert_cmpstr(fake_request(fake, 0), ==, fake_request(fake, 1));
    assert_fault(&once, POSTERN_ERROR_PROTOCOL, "HTTP 500");
}

static void
test_return_value_38(void)
{
    static const FakeStep steps[] = {
        {.status = 200,
         .body = FAKE_BODY(FAKE_AMT("AMT_Y"),
                           "<g:Do_OUTPUT><g:ReturnValue>2058</g:ReturnValue></g:Do_OUTPUT>")},
        {.status = 200,
         .body = FAKE_BODY(FAKE_CIM("CIM_Y"),
                           "<g:Do_OUTPUT><g:ReturnValue>1</g:ReturnValue></g:Do_OUTPUT>")},
        {.status = 200, .body = FAKE_BODY(FAKE_CIM("CIM_Y"), "<g:Do_OUTPUT></g:Do_OUTPUT>")},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GError) error = NULL;

    g_autoptr(GVariant) duplicate = wsman_invoke(ws, "AMT_Y", NULL, "Do", NULL, &error);
    g_assert_no_error(error);
    g_assert_false(wsman_check_return(ws, duplicate, "AMT_Y", "Do", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_DEVICE);
    g_assert_nonnull(strstr(error->message, "ReturnValue 2058 (duplicate)"));
    g_clear_error(&error);
    g_autoptr(GVariant) generic = wsman_invoke(ws, "CIM_Y", NULL, "Do", NULL, &error);
    g_assert_false(wsman_check_return(ws, generic, "CIM_Y", "Do", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED);
    g_clear_error(&error);
    g_autoptr(GVariant) none = wsman_invoke(ws, "CIM_Y", NULL, "Do", NULL, &error);
    g_assert_false(wsman_check_return(ws, none, "CIM_Y", "Do", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
}

static void
assert_body(FakeHost *fake, guint n, const char *expected)
{
    const char *start = strstr(fake_request(fake, n), "<s:Body>");
    g_autofree char *whole = g_strconcat("<s:Body>", expected, "</s:Body></s:Envelope>", NULL);

    g_assert_cmpstr(start, ==, whole);
}

static void
test_encode(void)
{
    static const FakeStep steps[] = {{.expect = FAKE_AMT("AMT_Y/Add"),
                                      .status = 200,
                                      .body = FAKE_BODY("x:", "<g:Add_OUTPUT/>")}};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) out = wsman_invoke(
        ws,
        "AMT_Y",
        NULL,
        "Add",
        g_variant_new_parsed(
            "{'Z': <'a<b'>, 'A': <[uint32 1, 2]>, 'B': <true>, 'C': <byte 0x2a>, 'Octets': "
            "<b'ab'>, 'N': <@mv nothing>, "
            "'Start': <'2026-01-01T00:00:00Z'>, 'I': <{'interval': <'P1D'>}>, 'E': <@as []>, "
            "'R': <{'class': <'CIM_Z'>, 'selectors': <{'K': 'v'}>}>, 'In': <{'@class': <'CIM_Q'>, "
            "'M': <int32 -1>}>}"),
        &error);

    g_assert_no_error(error);
    assert_body(
        fake,
        0,
        "<r:Add_INPUT xmlns:r=\"" FAKE_AMT(
            "AMT_Y") "\"><r:Z>a&lt;b</r:Z><r:A>1</r:A><r:A>2</r:A><r:B>true</r:B>"
                     "<r:C>42</r:C><r:Octets>YWIA</r:Octets><r:Start><c:Datetime "
                     "xmlns:c=\"http://schemas.dmtf.org/wbem/wscim/1/"
                     "common\">2026-01-01T00:00:00Z</c:Datetime></r:Start><r:I>"
                     "<c:Interval "
                     "xmlns:c=\"http://schemas.dmtf.org/wbem/wscim/1/common\">P1D</c:Interval></"
                     "r:I><r:R>"
                     "<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</"
                     "a:Address>"
                     "<a:ReferenceParameters><w:ResourceURI>" FAKE_CIM(
                         "CIM_Z") "</w:ResourceURI><w:SelectorSet>"
                                  "<w:Selector "
                                  "Name=\"K\">v</w:Selector></w:SelectorSet></"
                                  "a:ReferenceParameters></r:R>"
                                  "<q:In xmlns:q=\"" FAKE_AMT("AMT_Y") "\" xmlns:r=\"" FAKE_CIM(
                                      "CIM_Q") "\"><r:M>-1</r:M></q:In></r:Add_INPUT>");
}

static void
test_encode_refused(void)
{
    static const FakeStep steps[] = {{.expect = "never"}};
    static const char *const bad[] = {
        "{'a b': <1>}", "{'A': <'\\u0001'>}", "{'A': <(1, 2)>}", "{'A': <{'class': <'Foo_Bar'>}>}"};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        GVariant *args = g_variant_parse(NULL, bad[i], NULL, NULL, &error);
        g_assert_no_error(error);
        g_assert_null(wsman_invoke(ws, "AMT_Y", NULL, "Do", args, &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
        g_variant_unref(args);
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(wsman_get(ws, "Win32_X", NULL, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_null(wsman_invoke(ws, "AMT_Y", NULL, "a/b", NULL, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_cmpuint(fake->requests->len, ==, 0);
}

/* Unknown elements go back as they came, in the place where they were; an empty body is no failure. */
static void
test_put_39_40(void)
{
    static const FakeStep steps[] = {
        {.expect = "transfer/Get",
         .status = 200,
         .body = FAKE_BODY(FAKE_AMT("AMT_Y"),
                           "<g:AMT_Y><g:A>1</g:A><g:L>1</g:L><g:L>2</g:L><g:New>n "
                           "&amp;</g:New><g:P></g:P><g:Ro>0</g:Ro>"
                           "<g:T><h:Datetime>2020-01-01T00:00:00Z</h:Datetime></g:T>"
                           "<g:U><h:Datetime>2021-01-01T00:00:00Z</h:Datetime></g:U></g:AMT_Y>")},
        {.expect = "transfer/Put", .status = 200, .body = FAKE_BODY("x:", "")},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) stored = wsman_put(
        ws,
        "AMT_Y",
        NULL,
        g_variant_new_parsed("{'L': <[uint32 9, 8, 7]>, 'A': <false>, 'Ro': <@mv nothing>, "
                             "'T': <'2026-01-01T00:00:00Z'>, 'Z': <'z'>}"),
        FALSE,
        &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_variant_n_children(stored), ==, 0);
    assert_body(fake,
                1,
                "<r:AMT_Y xmlns:r=\"" FAKE_AMT(
                    "AMT_Y") "\"><r:A>false</r:A><r:L>9</r:L><r:L>8</r:L><r:L>7</r:L>"
                             "<r:New>n &amp;</r:New><r:P></r:P>"
                             "<r:T><c:Datetime "
                             "xmlns:c=\"http://schemas.dmtf.org/wbem/wscim/1/"
                             "common\">2026-01-01T00:00:00Z</c:Datetime></r:T>"
                             "<r:U><o:Datetime "
                             "xmlns:o=\"http://schemas.dmtf.org/wbem/wscim/1/"
                             "common\">2021-01-01T00:00:00Z</o:Datetime></r:U>"
                             "<r:Z>z</r:Z></r:AMT_Y>");
}

static void
test_create_delete(void)
{
    static const FakeStep steps[] = {
        {.expect = "transfer/Create",
         .status = 200,
         .body = FAKE_BODY(
             FAKE_AMT("AMT_Y"),
             "<t:ResourceCreated xmlns:t='http://schemas.xmlsoap.org/ws/2004/09/transfer'>" EPR(
                 FAKE_AMT("AMT_Y"), "<c:Selector Name='K'>7</c:Selector>") "</t:ResourceCreated>")},
        {.expect = "transfer/Delete", .status = 200, .body = FAKE_BODY("x:", "")},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) epr =
        wsman_create(ws, "AMT_Y", g_variant_new_parsed("{'A': <uint32 1>}"), &error);
    g_autofree char *text = epr == NULL ? NULL : g_variant_print(epr, FALSE);

    g_assert_no_error(error);
    g_assert_cmpstr(text, ==, "{'class': <'AMT_Y'>, 'selectors': <{'K': <'7'>}>}");
    assert_body(fake, 0, "<r:AMT_Y xmlns:r=\"" FAKE_AMT("AMT_Y") "\"><r:A>1</r:A></r:AMT_Y>");
    g_assert_true(wsman_delete(ws, "AMT_Y", g_variant_new_parsed("{'K': '7'}"), &error));
    g_assert_no_error(error);
}

static void
test_identify(void)
{
    static const FakeStep steps[] = {
        {.expect = "<i:Identify></i:Identify>",
         .status = 200,
         .body = "<s:Envelope "
                 "xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header/"
                 "><s:Body><w:IdentifyResponse "
                 "xmlns:w='http://schemas.dmtf.org/wbem/wsman/identity/1/"
                 "wsmanidentity.xsd'><w:ProductVendor>Intel(r)"
                 "</w:ProductVendor><w:ProductVersion>AMT "
                 "15.0.22</w:ProductVersion></w:IdentifyResponse></s:Body></s:Envelope>"}};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) identity = wsman_identify(ws, &error);
    const char *version = NULL;

    g_assert_no_error(error);
    g_assert_true(g_variant_lookup(identity, "product-version", "&s", &version));
    g_assert_cmpstr(version, ==, "AMT 15.0.22");
}

/* ---- enumerations ---- */

static gboolean
collect(const WsmanItem *item, gpointer data, GError **error)
{
    g_autofree char *values = g_variant_print(item->values, FALSE);

    g_string_append_printf(data, "%s%s;", item->class_name, values);
    return TRUE;
}

static void
assert_enumerates(const FakeStep *steps, gsize n, const char *expected)
{
    g_autoptr(FakeHost) fake = fake_host_new(steps, n);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GString) found = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    wsman_enumerate(ws, "CIM_Y", FALSE, collect, found, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(found->str, ==, expected);
    fake_host_done(fake);
}

#define ITEM(name, text) "<g:" name "><g:A>" text "</g:A></g:" name ">"
#define ITEMS(items)     "<n:Items>" items "</n:Items>"
#define CTX(text)        "<n:EnumerationContext>" text "</n:EnumerationContext>"

static void
test_one_item_pulls_20_21_23(void)
{
    static const FakeStep steps[] = {
        {.expect = "<n:Enumerate xmlns:n=", .status = 200, .body = FAKE_CONTEXT("D4020000")},
        {.expect = "<n:EnumerationContext>D4020000</n:EnumerationContext><n:MaxElements>999</"
                   "n:MaxElements>",
         .status = 200,
         .body = FAKE_PULL(FAKE_CIM("CIM_Y"), CTX("D5020000") ITEMS(ITEM("CIM_Y", "a")))},
        {.expect = "D5020000",
         .status = 200,
         .body = FAKE_PULL(FAKE_CIM("CIM_Q"), ITEMS(ITEM("CIM_Q", "b")))},
        {.expect = "D5020000",
         .status = 200,
         .body =
             FAKE_PULL(FAKE_CIM("CIM_Z"), ITEMS(ITEM("CIM_Z", "c") ITEM("CIM_Z", "d")) FAKE_LAST)},
    };

    assert_enumerates(steps,
                      G_N_ELEMENTS(steps),
                      "CIM_Y{'A': <'a'>};CIM_Q{'A': <'b'>};CIM_Z{'A': <'c'>};CIM_Z{'A': <'d'>};");
}

static void
test_end_wins_22(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = FAKE_PULL(FAKE_CIM("CIM_Card"), CTX("2") ITEMS(ITEM("CIM_Card", "a")) FAKE_LAST)},
    };

    assert_enumerates(steps, G_N_ELEMENTS(steps), "CIM_Card{'A': <'a'>};");
}

static void
test_empty_24(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200, .body = FAKE_PULL("x:", ITEMS("") FAKE_LAST)},
    };

    assert_enumerates(steps, G_N_ELEMENTS(steps), "");
}

/* Items of the first answer are in another namespace than those of the pulls; an empty context ends nothing by itself. */
static void
test_optimized_42_43_44(void)
{
    static const FakeStep more[] = {
        {.status = 200,
         .body = FAKE_BODY(FAKE_CIM("CIM_Y"),
                           "<n:EnumerateResponse>" CTX("uuid:1") "<c:Items>" ITEM(
                               "CIM_Y", "a") "</c:Items></n:EnumerateResponse>")},
        {.expect = "uuid:1",
         .status = 200,
         .body = FAKE_PULL(FAKE_CIM("CIM_Y"), ITEMS(ITEM("CIM_Y", "b")) FAKE_LAST)},
    };
    static const FakeStep all[] = {
        {.status = 200,
         .body = FAKE_BODY(FAKE_CIM("CIM_Y"),
                           "<n:EnumerateResponse>" CTX("") "<c:Items>" ITEM(
                               "CIM_Y", "a") "</c:Items><c:EndOfSequence/></n:EnumerateResponse>")},
    };

    assert_enumerates(more, G_N_ELEMENTS(more), "CIM_Y{'A': <'a'>};CIM_Y{'A': <'b'>};");
    assert_enumerates(all, G_N_ELEMENTS(all), "CIM_Y{'A': <'a'>};");
}

static void
test_empty_pull_45(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200, .body = FAKE_PULL("x:", CTX("2"))},
        {.expect = ">2<",
         .status = 200,
         .body = FAKE_PULL(FAKE_CIM("CIM_Y"), ITEMS(ITEM("CIM_Y", "a")) FAKE_LAST)},
    };

    assert_enumerates(steps, G_N_ELEMENTS(steps), "CIM_Y{'A': <'a'>};");
}

static void
test_fragment_46_50(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = FAKE_PULL(
             "x:/CIM_O",
             ITEMS("<c:XmlFragment><A>x</A><Datetime>y</Datetime></c:XmlFragment><c:Item>" ITEM(
                 "CIM_O", "b") "</c:Item>") FAKE_LAST)},
    };

    assert_enumerates(
        steps, G_N_ELEMENTS(steps), "{'A': <'x'>, 'Datetime': <'y'>};CIM_O{'A': <'b'>};");
}

#define WINDOWS_FAULT                                                                              \
    FAKE_FAULT("e:TimedOut",                                                                       \
               "Timed out.",                                                                       \
               "<f:WSManFault xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' "     \
               "Code='2150858793' Machine='x'><f:Message>Later</f:Message></f:WSManFault>")

static void
test_operation_timeout_49(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 500, .body = WINDOWS_FAULT},
        {.expect = ">1<",
         .status = 200,
         .body = FAKE_PULL(FAKE_CIM("CIM_Y"), ITEMS(ITEM("CIM_Y", "a")) FAKE_LAST)},
    };

    assert_enumerates(steps, G_N_ELEMENTS(steps), "CIM_Y{'A': <'a'>};");
}

static gboolean
stop_at_once(const WsmanItem *item, gpointer data, GError **error)
{
    return FALSE;
}

static void
test_release(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = FAKE_PULL(FAKE_CIM("CIM_Y"), CTX("5&amp;6") ITEMS(ITEM("CIM_Y", "a")))},
        {.expect =
             "<n:Release "
             "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\"><n:EnumerationContext>"
             "5&amp;6</n:EnumerationContext></n:Release>",
         .status = 200,
         .body = FAKE_BODY("x:", "")},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GError) error = NULL;

    g_assert_true(wsman_enumerate(ws, "CIM_Y", FALSE, stop_at_once, NULL, &error));
    g_assert_no_error(error);
    fake_host_done(fake);
}

static void
test_endless(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200, .body = FAKE_PULL("x:", CTX("1") ITEMS(""))},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GString) found = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    fake->repeat_last = TRUE;
    g_assert_false(wsman_enumerate(ws, "CIM_Y", FALSE, collect, found, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    g_assert_cmpuint(fake->requests->len, <, 25);
    g_assert_nonnull(strstr(fake_request(fake, fake->requests->len - 1), "<n:Release"));
}

static void
test_pull_fails(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 400, .body = FAKE_FAULT("c:InvalidEnumerationContext", "Expired.", "")},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(WsMan) ws = open_ws(fake);
    g_autoptr(GString) found = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(wsman_enumerate(ws, "CIM_Y", FALSE, collect, found, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_DEVICE);
    g_assert_cmpstr(wsman_fault(ws), ==, "InvalidEnumerationContext");
    fake_host_done(fake);
}

/* ---- events ---- */

#define EVENTING "http://schemas.xmlsoap.org/ws/2004/08/eventing"

static GVariant *
filter_key(void)
{
    GVariantBuilder keys;

    g_variant_builder_init(&keys, G_VARIANT_TYPE_VARDICT);
    dict_add(&keys, "InstanceID", g_variant_new_string("All & more"));
    return g_variant_builder_end(&keys);
}

static void
test_subscribe(void)
{
    static const FakeStep steps[] = {
        {.expect = "<a:Action>" EVENTING "/Subscribe</a:Action>",
         .status = 200,
         .body = FAKE_BODY(EVENTING,
                           "<g:SubscribeResponse><g:SubscriptionManager><b:Address>x</b:Address>"
                           "<b:ReferenceParameters><g:Identifier>7</g:Identifier>"
                           "</b:ReferenceParameters></g:SubscriptionManager>"
                           "</g:SubscribeResponse>")},
        {.expect = "PushWithAck\"><e:NotifyTo><a:Address>http://h/?a&amp;b</a:Address></e:NotifyTo>"
                   "</e:Delivery>",
         .status = 200,
         .body = FAKE_BODY("x:", "<g:Other></g:Other>")},
        {.expect = EVENTING "/Unsubscribe</a:Action>", .status = 200, .body = FAKE_BODY("x:", "")},
        {.expect = EVENTING "/Unsubscribe</a:Action>", .status = 400, .body = FAKE_ABSENT},
    };
    const WsmanSubscription whole = {
        .notify_to = "http://h/", .tag = "<17>", .user = "u&u", .password = "p<p"};
    const WsmanSubscription bare = {.notify_to = "http://h/?a&b", .acknowledged = TRUE};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GError) error = NULL;
    g_autoptr(WsMan) ws = wsman_open(&fake->svc, fake_run(fake), &profile, NULL, &error);
    g_autoptr(GVariant) answer = wsman_subscribe(ws, "CIM_X", filter_key(), &whole, &error);

    g_assert_no_error(error);
    g_assert_nonnull(answer);
    const char *sent = fake_request(fake, 0);
    const char *login = strstr(sent, "<se:Username>u&amp;u</se:Username>");
    g_assert_nonnull(login);
    g_assert_nonnull(strstr(login, "#PasswordText\">p&lt;p</se:Password>"));
    g_assert_true(login < strstr(sent, "All &amp; more"));
    g_assert_true(strstr(sent, "All &amp; more") < strstr(sent, "</s:Header>"));
    g_assert_nonnull(strstr(sent, "DeliveryModes/Push\""));
    g_assert_nonnull(strstr(sent, ">&lt;17&gt;</m:arg></a:ReferenceParameters></e:NotifyTo>"));
    g_assert_nonnull(strstr(sent, "secprofile/http/digest\""));
    g_assert_null(wsman_subscribe(ws, "CIM_X", NULL, &bare, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    g_clear_error(&error);
    g_assert_true(wsman_unsubscribe(ws, "CIM_Y", filter_key(), &error));
    g_assert_no_error(error);
    g_assert_false(wsman_unsubscribe(ws, "CIM_Y", filter_key(), &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED);
    fake_host_done(fake);
}

/* What cannot be put into an envelope never goes out. */
static void
test_subscribe_bad(void)
{
    const WsmanSubscription odd = {.notify_to = "http://h/\001"};
    const WsmanSubscription login = {.notify_to = "http://h/", .user = "a\002"};
    g_autoptr(FakeHost) fake = fake_host_new(NULL, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(WsMan) ws = wsman_open(&fake->svc, fake_run(fake), &profile, NULL, &error);

    g_assert_null(wsman_subscribe(ws, "CIM_X", NULL, &odd, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_null(wsman_subscribe(ws, "CIM_X", filter_key(), &login, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_null(wsman_subscribe(ws, "XYZ_X", NULL, &odd, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_cmpuint(fake->requests->len, ==, 0);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wsman/value/missing-16", test_missing_16);
    g_test_add_func("/wsman/value/arrays-27", test_arrays_27);
    g_test_add_func("/wsman/value/numbers-28", test_numbers_28);
    g_test_add_func("/wsman/value/booleans-29", test_booleans_29);
    g_test_add_func("/wsman/value/blanks-30", test_blanks_30);
    g_test_add_func("/wsman/value/dates-32", test_dates_32);
    g_test_add_func("/wsman/value/base64-34", test_base64_34);
    g_test_add_func("/wsman/value/references-37", test_references_37);
    g_test_add_func("/wsman/value/nil-47", test_nil_47);
    g_test_add_func("/wsman/value/embedded", test_embedded);
    g_test_add_func("/wsman/refused", test_refused);
    g_test_add_func("/wsman/get-5-10", test_get_10);
    g_test_add_func("/wsman/value/many-names", test_many_names);
    g_test_add_func("/wsman/get-some", test_get_some);
    g_test_add_func("/wsman/relates-14", test_relates_14);
    g_test_add_func("/wsman/faults-11-12", test_faults_11_12);
    g_test_add_func("/wsman/fault-notes", test_fault_notes);
    g_test_add_func("/wsman/http-1-6", test_http_1_6);
    g_test_add_func("/wsman/random-500-6", test_random_500_6);
    g_test_add_func("/wsman/return-value-38", test_return_value_38);
    g_test_add_func("/wsman/encode", test_encode);
    g_test_add_func("/wsman/encode-refused", test_encode_refused);
    g_test_add_func("/wsman/put-39-40", test_put_39_40);
    g_test_add_func("/wsman/create-delete-39", test_create_delete);
    g_test_add_func("/wsman/identify", test_identify);
    g_test_add_func("/wsman/enumerate/one-item-pulls-19-20-21-23", test_one_item_pulls_20_21_23);
    g_test_add_func("/wsman/enumerate/end-wins-22", test_end_wins_22);
    g_test_add_func("/wsman/enumerate/empty-24", test_empty_24);
    g_test_add_func("/wsman/enumerate/optimized-42-43-44", test_optimized_42_43_44);
    g_test_add_func("/wsman/enumerate/empty-pull-45", test_empty_pull_45);
    g_test_add_func("/wsman/enumerate/fragment-46-50", test_fragment_46_50);
    g_test_add_func("/wsman/enumerate/operation-timeout-49", test_operation_timeout_49);
    g_test_add_func("/wsman/enumerate/release", test_release);
    g_test_add_func("/wsman/enumerate/endless", test_endless);
    g_test_add_func("/wsman/enumerate/pull-fails", test_pull_fails);
    g_test_add_func("/wsman/subscribe", test_subscribe);
    g_test_add_func("/wsman/subscribe-bad", test_subscribe_bad);
    return g_test_run();
}
