/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SLAB_SIZE = 64 * 1024,
    CELL = 32, /* what is allocated is a multiple of this */
    CELLS = SLAB_SIZE / CELL,
    BUCKETS = 4096,
    BASE64_SHORTEST = 5, /* a shorter piece of base64 says nothing and occurs by chance */
};

/* One form in which a secret may show. Lives in locked memory, its text right behind it. */
typedef struct Needle Needle;
struct Needle {
    Needle *next; /* in its bucket */
    gsize length;
    char text[];
};

struct Secret {
    gint refs;
    gsize length;
    Needle *form[8]; /* XML twice, JSON, percent, base64 at three offsets, as it is */
    char text[];
};

/* Locked memory in one piece: cells, and which of them are taken. */
typedef struct Slab Slab;
struct Slab {
    Slab *next;
    guint8 *memory;
    gsize size;
    guint free; /* cells */
    guint8 taken[CELLS];
};

static GMutex lock; /* guards everything below */
static Slab *slabs;
static gboolean warned;
static Needle *buckets[BUCKETS];
static guint needles;

void
secret_wipe(gpointer memory, gsize length)
{
    if (memory != NULL)
        explicit_bzero(memory, length);
}

/* ---- locked memory ---- */

static Slab *
slab_new(gsize size)
{
    Slab *slab = g_new0(Slab, 1);
    gpointer memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        g_critical("out of memory for %" G_GSIZE_FORMAT " bytes of secrets", size);
        abort(); /* as g_malloc() does */
    }
    if (mlock(memory, size) != 0 && !warned) {
        warned = TRUE;
        g_debug("cannot lock memory for secrets: they may reach the swap device (see ulimit -l)");
    }
    madvise(memory, size, MADV_DONTDUMP);
    slab->memory = memory;
    slab->size = size;
    slab->free = size == SLAB_SIZE ? CELLS : 0;
    slab->next = slabs;
    slabs = slab;
    return slab;
}

static gpointer
slab_take(Slab *slab, guint cells)
{
    guint run = 0;

    for (guint i = 0; i < CELLS && slab->free >= cells; i++) {
        run = slab->taken[i] ? 0 : run + 1;
        if (run == cells) {
            memset(slab->taken + i + 1 - cells, 1, cells);
            slab->free -= cells;
            return slab->memory + (gsize)(i + 1 - cells) * CELL;
        }
    }
    return NULL;
}

/* Zeroed. What does not fit a slab gets a mapping of its own. */
static gpointer
locked_alloc(gsize size)
{
    guint cells = (guint)((size + CELL - 1) / CELL);

    if (size > SLAB_SIZE)
        return slab_new((size + SLAB_SIZE - 1) / SLAB_SIZE * SLAB_SIZE)->memory;
    for (Slab *slab = slabs; slab != NULL; slab = slab->next) {
        gpointer found = slab_take(slab, cells);
        if (found != NULL)
            return found;
    }
    return slab_take(slab_new(SLAB_SIZE), cells);
}

static void
slab_drop(Slab *slab)
{
    for (Slab **at = &slabs; *at != NULL; at = &(*at)->next) {
        if (*at == slab) {
            *at = slab->next;
            break;
        }
    }
    munmap(slab->memory, slab->size);
    g_free(slab);
}

static void
locked_free(gpointer memory, gsize size)
{
    guint8 *at = memory;

    secret_wipe(memory, size);
    for (Slab *slab = slabs; slab != NULL; slab = slab->next) {
        if (at < slab->memory || at >= slab->memory + slab->size)
            continue;
        if (slab->size > SLAB_SIZE) {
            slab_drop(slab);
            return;
        }
        memset(slab->taken + (at - slab->memory) / CELL, 0, (size + CELL - 1) / CELL);
        slab->free += (guint)((size + CELL - 1) / CELL);
        return;
    }
}

/* ---- the forms of a secret ---- */

/* By the first four bytes: every needle has at least as many. */
static guint
bucket_of(const char *text)
{
    guint32 head;

    memcpy(&head, text, sizeof head);
    return (head * 2654435761u) >> 20;
}

static Needle *
needle_add(const char *text, gsize length)
{
    Needle *needle;
    guint bucket;

    if (length < SECRET_MASKED_FROM)
        return NULL;
    needle = locked_alloc(sizeof *needle + length);
    needle->length = length;
    memcpy(needle->text, text, length);
    bucket = bucket_of(text);
    needle->next = buckets[bucket];
    buckets[bucket] = needle;
    needles++;
    return needle;
}

static void
needle_remove(Needle *needle)
{
    if (needle == NULL)
        return;
    for (Needle **at = &buckets[bucket_of(needle->text)]; *at != NULL; at = &(*at)->next) {
        if (*at == needle) {
            *at = needle->next;
            break;
        }
    }
    needles--;
    locked_free(needle, sizeof *needle + needle->length);
}

/* A further form, unless it looks like the secret itself. Takes and wipes `text`. */
static Needle *
form_add(const Secret *secret, char *text)
{
    gsize length = strlen(text);
    Needle *needle = NULL;

    if (length != secret->length || memcmp(text, secret->text, length) != 0)
        needle = needle_add(text, length);
    secret_wipe(text, length);
    g_free(text);
    return needle;
}

/* Replace each character of `from` by its text in `to`; other control characters as JSON writes
 * them. */
static char *
escaped(const char *text, const char *from, const char *const *to, gboolean json)
{
    gsize most = strlen(text) * 6 + 1;
    GString *out = g_string_sized_new(most); /* no reallocation leaves a copy behind */

    for (; *text; text++) {
        const char *at = strchr(from, *text);
        if (at != NULL)
            g_string_append(out, to[at - from]);
        else if (json && (guchar)*text < 0x20)
            g_string_append_printf(out, "\\u%04x", (guint)*text);
        else
            g_string_append_c(out, *text);
    }
    return g_string_free(out, FALSE);
}

static char *
xml_form(const char *text)
{
    static const char *const to[] = {"&amp;", "&lt;", "&gt;"};
    return escaped(text, "&<>", to, FALSE);
}

static char *
xml_quoted_form(const char *text)
{
    static const char *const to[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    return escaped(text, "&<>\"'", to, FALSE);
}

static char *
json_form(const char *text)
{
    static const char *const to[] = {"\\\"", "\\\\", "\\b", "\\f", "\\n", "\\r", "\\t"};
    return escaped(text, "\"\\\b\f\n\r\t", to, TRUE);
}

/* The characters of base64 that do not depend on what stands around the secret, when `before` bytes
 * (modulo 3) come ahead of it. */
static char *
base64_form(const Secret *secret, guint before)
{
    gsize size = before + secret->length;
    guchar *bytes = g_malloc0(size);
    char *all, *part;
    gsize from = (before * 8 + 5) / 6, to = size * 8 / 6;

    memcpy(bytes + before, secret->text, secret->length);
    all = g_base64_encode(bytes, size);
    part = to >= from + BASE64_SHORTEST ? g_strndup(all + from, to - from) : g_strdup("");
    secret_wipe(bytes, size);
    secret_wipe(all, strlen(all));
    g_free(bytes);
    g_free(all);
    return part;
}

static void
register_forms(Secret *secret)
{
    secret->form[0] = needle_add(secret->text, secret->length);
    secret->form[1] = form_add(secret, xml_form(secret->text));
    secret->form[2] = form_add(secret, xml_quoted_form(secret->text));
    secret->form[3] = form_add(secret, json_form(secret->text));
    secret->form[4] = form_add(secret, g_uri_escape_string(secret->text, NULL, FALSE));
    for (guint before = 0; before < 3; before++)
        secret->form[5 + before] = form_add(secret, base64_form(secret, before));
}

/* ---- life ---- */

static Secret *
secret_make(const char *text, gssize length, gboolean masked)
{
    gsize size = length < 0 ? strlen(text) : (gsize)length;
    Secret *secret;

    g_mutex_lock(&lock);
    secret = locked_alloc(sizeof *secret + size + 1);
    secret->refs = 1;
    secret->length = size;
    if (size > 0)
        memcpy(secret->text, text, size);
    if (masked && size >= SECRET_MASKED_FROM)
        register_forms(secret);
    g_mutex_unlock(&lock);
    return secret;
}

Secret *
secret_new(const char *text, gssize length)
{
    return secret_make(text, length, TRUE);
}

Secret *
secret_new_shown(const char *text, gssize length)
{
    return secret_make(text, length, FALSE);
}

Secret *
secret_ref(Secret *secret)
{
    g_atomic_int_inc(&secret->refs);
    return secret;
}

void
secret_unref(Secret *secret)
{
    if (secret == NULL || !g_atomic_int_dec_and_test(&secret->refs))
        return;
    g_mutex_lock(&lock);
    for (guint i = 0; i < G_N_ELEMENTS(secret->form); i++)
        needle_remove(secret->form[i]);
    locked_free(secret, sizeof *secret + secret->length + 1);
    g_mutex_unlock(&lock);
}

const char *
secret_peek(const Secret *secret)
{
    return secret->text;
}

/* ---- masking ---- */

/* The longest form that begins at `text`, 0: none. */
static gsize
match(const char *text, gsize left)
{
    gsize best = 0;

    if (left < SECRET_MASKED_FROM)
        return 0;
    for (const Needle *needle = buckets[bucket_of(text)]; needle != NULL; needle = needle->next)
        if (needle->length <= left && needle->length > best &&
            memcmp(needle->text, text, needle->length) == 0)
            best = needle->length;
    return best;
}

static GString *
mask_locked(const char *text, gsize length)
{
    GString *out = NULL;
    gsize done = 0;

    for (gsize at = 0; needles > 0 && at + SECRET_MASKED_FROM <= length;) {
        gsize hit = match(text + at, length - at);
        if (hit == 0) {
            at++;
            continue;
        }
        if (out == NULL)
            out = g_string_sized_new(length);
        g_string_append_len(out, text + done, (gssize)(at - done));
        g_string_append(out, "******");
        done = at += hit;
    }
    if (out != NULL)
        g_string_append_len(out, text + done, (gssize)(length - done));
    return out;
}

char *
secret_mask_bytes(const char *text, gsize length, gsize *masked_length)
{
    GString *out;

    g_mutex_lock(&lock);
    out = mask_locked(text, length);
    g_mutex_unlock(&lock);
    if (out == NULL)
        return NULL;
    if (masked_length != NULL)
        *masked_length = out->len;
    return g_string_free(out, FALSE);
}

char *
secret_mask(const char *text, gssize length)
{
    return secret_mask_bytes(text, length < 0 ? strlen(text) : (gsize)length, NULL);
}
