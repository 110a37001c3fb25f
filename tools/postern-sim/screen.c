/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "consent.h"
#include "power.h"
#include "screen.h"

#include <string.h>

enum { GLYPH_WIDTH = 3, GLYPH_HEIGHT = 5, BORDER = 4, POINTER = 12 };

/* Colours, as RGB565. */
enum {
    BLACK = 0x0000,
    WHITE = 0xFFFF,
    GREY = 0x8410,
    NAVY = 0x000F,
    BLUE = 0x245B,
    DARK = 0x18E3,
    RED = 0xF800,
    GREEN = 0x07E0,
    YELLOW = 0xFFE0
};

/* Each digit is a row of three pixels. */
static const struct {
    char letter;
    char rows[GLYPH_HEIGHT + 1];
} glyphs[] = {
    {'0', "75557"}, {'1', "26227"}, {'2', "71747"}, {'3', "71717"}, {'4', "55711"}, {'5', "74717"},
    {'6', "74757"}, {'7', "71111"}, {'8', "75757"}, {'9', "75717"}, {'A', "25755"}, {'B', "65656"},
    {'C', "34443"}, {'D', "65556"}, {'E', "74647"}, {'F', "74644"}, {'G', "34553"}, {'H', "55755"},
    {'I', "72227"}, {'J', "11152"}, {'K', "55655"}, {'L', "44447"}, {'M', "57755"}, {'N', "65555"},
    {'O', "25552"}, {'P', "65644"}, {'Q', "25573"}, {'R', "65655"}, {'S', "34216"}, {'T', "72222"},
    {'U', "55557"}, {'V', "55552"}, {'W', "55775"}, {'X', "55255"}, {'Y', "55222"}, {'Z', "71247"},
    {'.', "00002"}, {'-', "00700"}, {':', "02020"}, {'/', "11244"}, {'(', "12221"}, {')', "42224"},
    {'!', "22202"}, {'_', "00007"}, {'>', "42124"}, {'=', "07070"}, {'+', "02720"}, {',', "00024"},
};

/* ---- drawing ---- */

static void
fill(Screen *screen, guint x, guint y, guint width, guint height, guint16 colour)
{
    guint right = MIN(x + width, screen->width), bottom = MIN(y + height, screen->height);

    for (guint row = y; row < bottom; row++)
        for (guint column = x; column < right; column++)
            screen->pixels[(gsize)row * screen->width + column] = colour;
}

static const char *
glyph_of(char letter)
{
    for (guint i = 0; i < G_N_ELEMENTS(glyphs); i++)
        if (glyphs[i].letter == g_ascii_toupper(letter))
            return glyphs[i].rows;
    return letter == ' ' ? "00000" : "77777";
}

static void
draw_text(Screen *screen, guint x, guint y, guint scale, guint16 colour, const char *text)
{
    for (; *text != '\0'; text++, x += (GLYPH_WIDTH + 1) * scale) {
        const char *rows = glyph_of(*text);
        for (guint row = 0; row < GLYPH_HEIGHT; row++)
            for (guint bit = 0; bit < GLYPH_WIDTH; bit++)
                if (((rows[row] - '0') >> (GLYPH_WIDTH - 1 - bit) & 1) != 0)
                    fill(screen, x + bit * scale, y + row * scale, scale, scale, colour);
    }
}

static void
set_size(Screen *screen, guint width, guint height)
{
    if (screen->width == width && screen->height == height)
        return;
    g_free(screen->pixels);
    screen->pixels = g_new(guint16, (gsize)width * height);
    screen->width = width;
    screen->height = height;
}

static void
draw_bios(Device *device, Screen *screen)
{
    g_autofree char *starts = g_strdup_printf("start %u", device->boots);

    set_size(screen, SCREEN_BIOS_WIDTH, SCREEN_BIOS_HEIGHT);
    fill(screen, 0, 0, screen->width, screen->height, BLACK);
    fill(screen, 0, 0, screen->width, 40, NAVY);
    draw_text(screen, 16, 10, 4, WHITE, "postern-sim bios");
    draw_text(screen, 16, 80, 4, GREY, starts);
    draw_text(screen, 16, 120, 4, GREY, "memory ok");
    draw_text(screen, 16, 440, 4, YELLOW, "f2 setup  f12 boot menu");
}

/* The bars are for those who look at single pixels: (64 n + 32, 160) has the n-th colour. */
static void
draw_desktop(Device *device, Screen *screen)
{
    static const guint16 bars[] = {RED, GREEN, 0x001F, YELLOW, WHITE, GREY, BLACK, DARK};
    const ScreenInput *input = screen_input(device);
    g_autofree char *counts =
        g_strdup_printf("keys %u pointer %u,%u", input->keys, input->x, input->y);
    char address[16];

    device_address_text(device->address, address);
    set_size(screen, SCREEN_WIDTH, SCREEN_HEIGHT);
    fill(screen, 0, 0, screen->width, screen->height, BLUE);
    fill(screen, 0, 0, screen->width, 48, DARK);
    draw_text(screen, 16, 14, 4, WHITE, "postern-sim");
    draw_text(screen, 640, 14, 4, WHITE, address);
    for (guint i = 0; i < G_N_ELEMENTS(bars); i++)
        fill(screen, 64 * i, 128, 64, 64, bars[i]);
    fill(screen, 32, 320, screen->width - 64, 64, BLACK);
    draw_text(screen, 48, 340, 5, GREEN, ">");
    draw_text(screen, 80, 340, 5, WHITE, input->typed);
    draw_text(screen, 32, 720, 4, WHITE, counts);
    fill(screen, input->x, input->y, POINTER, POINTER, input->buttons != 0 ? RED : WHITE);
}

/* The firmware paints a frame while somebody looks on from outside. */
static void
draw_border(Screen *screen)
{
    fill(screen, 0, 0, screen->width, BORDER, YELLOW);
    fill(screen, 0, screen->height - BORDER, screen->width, BORDER, YELLOW);
    fill(screen, 0, 0, BORDER, screen->height, YELLOW);
    fill(screen, screen->width - BORDER, 0, BORDER, screen->height, YELLOW);
}

/* What the user is to read out to whoever asks for consent. */
static void
draw_consent(Device *device, Screen *screen)
{
    const guint left = screen->width / 2 - 160, top = screen->height / 2 - 140;
    g_autofree char *code = NULL;

    if (consent_state(device) != CONSENT_DISPLAYED)
        return;
    code = g_strdup_printf("code %06u", device->extra->consent->code);
    fill(screen, left, top, 320, 64, RED);
    draw_text(screen, left + 32, top + 20, 5, WHITE, code);
}

gboolean
screen_draw(Device *device, Screen *screen)
{
    gint64 now = g_get_monotonic_time();
    guint state = power_state(device, now);
    gint64 booted = screen_input(device)->booted;

    if (state != POWER_ON)
        return FALSE;
    if (booted != 0 && now - booted < SCREEN_BIOS_MS * G_TIME_SPAN_MILLISECOND)
        draw_bios(device, screen);
    else
        draw_desktop(device, screen);
    draw_consent(device, screen);
    draw_border(screen);
    return TRUE;
}

void
screen_clear(Screen *screen)
{
    g_clear_pointer(&screen->pixels, g_free);
    screen->width = screen->height = 0;
}

/* ---- input ---- */

ScreenInput *
screen_input(Device *device)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->screen == NULL) {
        extra->screen = g_new0(ScreenInput, 1);
        extra->screen->x = 512;
        extra->screen->y = 600;
    }
    return extra->screen;
}

void
screen_key(Device *device, guint32 key)
{
    enum { KEY_BACKSPACE = 0xFF08, KEY_RETURN = 0xFF0D };
    ScreenInput *input = screen_input(device);
    gsize length = strlen(input->typed);

    input->keys++;
    if (key == KEY_RETURN)
        input->typed[0] = '\0';
    else if (key == KEY_BACKSPACE && length > 0)
        input->typed[length - 1] = '\0';
    else if (key >= ' ' && key <= '~' && length < SCREEN_TYPED_MOST)
        input->typed[length] = (char)key;
}

void
screen_pointer(Device *device, guint x, guint y, guint buttons)
{
    ScreenInput *input = screen_input(device);

    input->pointers++;
    input->x = x;
    input->y = y;
    input->buttons = buttons;
}

void
screen_boot(Device *device)
{
    ScreenInput *input = screen_input(device);

    input->booted = g_get_monotonic_time();
    memset(input->typed, 0, sizeof input->typed);
}
