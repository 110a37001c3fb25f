/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP answers: taken in one piece and in pieces that the first two bytes choose, they must mean
 * the same. */
#include "config.h"

#include "fuzz.h"
#include "http-parse.h"

#include <postern-plugin.h>

#include <string.h>

enum { BODY_MAX = 8192, LEAD = 2 };

/* What became of one parse. */
typedef struct {
    HttpParser parser;
    gssize used; /* -1: refused */
    gboolean complete;
} Parse;

/* `step` 0: in one piece; else in pieces of 1 to `step` bytes. */
static void
parse(Parse *parse, gboolean head_request, const char *bytes, gsize size, guint step)
{
    g_autoptr(GError) error = NULL;
    guint turn = 0;

    http_parser_init(&parse->parser, head_request, BODY_MAX);
    parse->used = 0;
    while (parse->used >= 0 && (gsize)parse->used < size && parse->parser.place != HTTP_AT_DONE) {
        gsize left = size - (gsize)parse->used;
        gsize wish = step == 0 ? left : 1 + turn++ * 7 % step;
        gsize piece = MIN(left, wish);
        /* a block of its own: reading beyond the piece is reading beyond the block */
        g_autofree char *block = g_memdup2(bytes + parse->used, piece);
        gssize taken = http_parser_feed(&parse->parser, block, piece, &error);

        fuzz_demand((taken < 0) == (error != NULL));
        fuzz_demand(taken <= (gssize)piece);
        fuzz_demand(taken < 0 || (gsize)taken == piece || parse->parser.place == HTTP_AT_DONE);
        parse->used = taken < 0 ? -1 : parse->used + taken;
    }
    if (parse->used < 0)
        fuzz_demand_error(error, POSTERN_ERROR_PROTOCOL);
    else if (!(parse->complete = http_parser_end(&parse->parser, &error)))
        fuzz_demand_error(error, POSTERN_ERROR_UNREACHABLE);
}

static void
require_bounds(const HttpParser *parser)
{
    fuzz_demand(parser->lines <= HTTP_LINES);
    fuzz_demand(parser->body == NULL || parser->body->len <= BODY_MAX);
    if (parser->place == HTTP_AT_HEAD)
        return;
    fuzz_demand(parser->status >= 100 && parser->status <= 999);
    for (guint i = 0; i < parser->lines; i++) {
        fuzz_demand(parser->name[i] < HTTP_HEAD_SIZE && parser->value[i] < HTTP_HEAD_SIZE);
        fuzz_demand(strpbrk(parser->head + parser->value[i], "\r\n") == NULL);
        fuzz_demand(http_parser_header(parser, parser->head + parser->name[i], 0) != NULL);
    }
}

static void
require_same(const Parse *whole, const Parse *pieces)
{
    const GByteArray *a = whole->parser.body, *b = pieces->parser.body;

    fuzz_demand(whole->used == pieces->used);
    if (whole->used < 0)
        return;
    fuzz_demand(whole->complete == pieces->complete);
    fuzz_demand(whole->parser.place == pieces->parser.place);
    fuzz_demand(whole->parser.bytes == pieces->parser.bytes);
    if (whole->parser.place == HTTP_AT_HEAD)
        return;
    fuzz_demand(whole->parser.status == pieces->parser.status);
    fuzz_demand(whole->parser.keep == pieces->parser.keep);
    fuzz_demand(whole->parser.lines == pieces->parser.lines);
    fuzz_demand((a != NULL ? a->len : 0) == (b != NULL ? b->len : 0));
    fuzz_demand(a == NULL || a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    Parse whole = {0}, pieces = {0};
    gboolean head_request;

    if (size < LEAD)
        return 0;
    head_request = data[0] == 'H';
    parse(&whole, head_request, (const char *)data + LEAD, size - LEAD, 0);
    parse(&pieces, head_request, (const char *)data + LEAD, size - LEAD, 1 + data[1] % 64);
    require_bounds(&whole.parser);
    require_bounds(&pieces.parser);
    require_same(&whole, &pieces);
    http_parser_clear(&whole.parser);
    http_parser_clear(&pieces.parser);
    return 0;
}
