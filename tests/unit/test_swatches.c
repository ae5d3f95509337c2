/* SPDX-License-Identifier: MIT */
/* Lists of colours: what other programs write is read, what we write is read again, and nothing
 * that a file says makes the reader stumble. */
#include "color/swatches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct swatches read_list;
static struct error failure;
static char complaints[4000];

static void complain(void *context, size_t line, const char *message)
{
    size_t used = strlen(complaints);
    (void)context;
    snprintf(complaints + used, sizeof complaints - used, "%zu: %s\n", line, message);
}

/* Reads a copy that ends where the data does, so that a step too far is found out. */
static bool read_bytes(const void *data, size_t size)
{
    char *copy = malloc(size == 0 ? 1 : size);
    if (size > 0)
        memcpy(copy, data, size);
    swatches_free(&read_list);
    failure = (struct error){0};
    complaints[0] = '\0';
    bool done = swatches_read(&read_list, copy, size, complain, NULL, &failure);
    free(copy);
    return done;
}

/* The first complaint, for the name of a check. */
static const char *said(void)
{
    static char first[200];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(complaints, "\n"), complaints);
    return first;
}

static bool read_string(const char *string)
{
    return read_bytes(string, strlen(string));
}

static bool is_item(size_t i, const char *code, const char *name, uint32_t rgb)
{
    const struct swatch *item = &read_list.items[i];
    return i < read_list.count && strcmp(item->code, code) == 0 && strcmp(item->name, name) == 0 &&
           item->rgb == rgb;
}

static bool is_lab(size_t i, double l, double a, double b)
{
    const double *lab = read_list.items[i].lab;
    return i < read_list.count && fabs(lab[0] - l) < 1e-6 && fabs(lab[1] - a) < 1e-6 &&
           fabs(lab[2] - b) < 1e-6;
}

static void check_csv(void)
{
    tap_ok(read_string("# a table\nnumber,name_en,name_de,srgb_hex,lab_l,lab_a,lab_b,finish\n"
                       "1000,Green beige,Grünbeige,#CDBA88,76.022,-0.366,27.636,solid\n") &&
               is_item(0, "1000", "Green beige", 0xcdba88) && is_lab(0, 76.022, -0.366, 27.636) &&
               read_list.items[0].line == 3,
           "RAL's own table: code, name, hex shown, Lab matched");
    tap_ok(read_string("\xef\xbb\xbf"
                       "name,hex\nRed,c33\nGreen,00ff00\n") &&
               read_list.count == 1 && strstr(complaints, "2: 'c33'") == complaints,
           "three digits alone are no hex");
    tap_ok(read_string("\xef\xbb\xbf"
                       "Name;Hex\r\n\"Red; \"\"deep\"\"\";cc3333\r\n\r\n;;\r\nGreen;#0F0\r\n") &&
               read_list.count == 2 && is_item(0, "", "Red; \"deep\"", 0xcc3333) &&
               is_item(1, "", "Green", 0x00ff00) && complaints[0] == '\0',
           "semicolons, quotes, CR LF, a byte order mark, blank rows");
    tap_ok(read_string("Nr;Name;L*;a*;b*\nK1;Eiche;60,5;-1,25;20\nK2;Buche;70.5;1,2,3;0\n"
                       "K3;Ahorn;80.5;0;101,5\n") &&
               read_list.count == 2 && is_item(0, "K1", "Eiche", read_list.items[0].rgb) &&
               is_lab(0, 60.5, -1.25, 20) && is_lab(1, 80.5, 0, 101.5) &&
               strstr(complaints, "3: '1,2,3' is not a number: a*") == complaints,
           "decimal commas between semicolons");
    tap_ok(read_string("code\tL*\ta*\tb*\nA\t53.2371155954\t80.0901135231\t67.2032635117\n") &&
               is_item(0, "A", "", 0xff0000) &&
               is_lab(0, 53.2371155954, 80.0901135231, 67.2032635117),
           "Lab alone, tabs: sRGB red");
    tap_ok(read_string(
               "colour,code\nrebeccapurple,1\n\"rgb(1, 2, 3)\",2\nrgb(4, 5, 6),3\nRAL 6011,4\n") &&
               read_list.count == 4 && is_item(0, "1", "", 0x663399) &&
               is_item(1, "2", "", 0x010203) && is_item(2, "3", "", 0x040506) &&
               is_item(3, "4", "", 0x6b7c59),
           "whatever is a colour");
    tap_ok(read_string("Red,#f00\nB1,Blue,#00f\n#0f0\n#fffffg\n") && read_list.count == 3 &&
               is_item(0, "", "Red", 0xff0000) && is_item(1, "B1", "Blue", 0x0000ff) &&
               is_item(2, "", "", 0x00ff00) && strncmp(complaints, "4: ", 3) == 0,
           "no heading: name and colour, or code, or neither");
    tap_ok(read_string("name,lab_l,lab_a,lab_b,hex\nx,,,,#010203\ny,50,0,0,\nz,,,,\n") &&
               read_list.count == 2 && is_item(0, "", "x", 0x010203) &&
               is_item(1, "", "y", 0x777777) && strcmp(complaints, "4: has no colour\n") == 0,
           "either of hex and Lab may be missing");
}

static void check_csv_bad(void)
{
    static const struct {
        const char *row, *said;
    } rows[] = {
        {"a,#12345,50,0,0", "5 digits"},
        {"a,rde,50,0,0", "did you mean 'red'"},
        {"a,red,50,0,", "b*"},
        {"a,red,5O,0,0", "'5O'"},
        {"a,red,101,0,0", "101, not from 0 to 100"},
        {"a,red,50,0,-201", "-201, not from -200 to 200"},
        {"a,red,50,nan,0", "'nan'"},
        {"a,red,50,1e999,0", "1e999"},
        {"a,\"red,50,0,0", "quote"},
        {"a", "no colour"},
        {"b,blue,1,2,3\nb,red,1,2,3", "'b' is there already, at 2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        snprintf(text, sizeof text, "code,hex,lab_l,lab_a,lab_b\n%s\nz,green,46,-52,50\n",
                 rows[i].row);
        bool kept = rows[i].row[0] == 'b';
        tap_ok(read_string(text) && read_list.count == 1 + (size_t)kept &&
                   is_item(kept, "z", "", 0x008000) && (!kept || is_item(0, "b", "", 0x0000ff)) &&
                   strstr(complaints, rows[i].said) != NULL && complaints[0] == (kept ? '3' : '2'),
               "bad row %zu: %s", i, said());
    }
}

static void check_refused(void)
{
    static const struct {
        const char *text;
        enum error_kind kind;
    } files[] = {
        {"", ERROR_TRUNCATED},
        {"\n\n# nothing\n", ERROR_CORRUPT},
        {"code,hex\n", ERROR_CORRUPT},
        {"code,name\n1,x\n", ERROR_UNSUPPORTED},
        {"GIMP Palette\nName: none\n", ERROR_CORRUPT},
        {"not a colour\nnor this\n", ERROR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tap_ok(!read_string(files[i].text) && failure.kind == files[i].kind &&
                   read_list.count == 0 && failure.message[0] != '\0',
               "refused: %s", failure.message);
    tap_ok(!read_bytes("\xff\xfe"
                       "a\0,\0",
                       6) &&
               failure.kind == ERROR_UNSUPPORTED,
           "refused: %s", failure.message);
    tap_ok(!read_bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16) && failure.kind == ERROR_UNSUPPORTED,
           "refused: %s", failure.message);
}

static void check_names(void)
{
    char padded[600];
    int length =
        snprintf(padded, sizeof padded, "%*s\nname,hex\na\xffz,red\nb\x1b[0m,red\n", 520, "");
    tap_ok(read_bytes(padded, (size_t)length) && is_item(0, "", "a\xef\xbf\xbdz", 0xff0000) &&
               is_item(1, "", "b [0m", 0xff0000),
           "names are UTF-8 without control characters");
    length = snprintf(padded, sizeof padded, "%*s\nname,hex\nxxx,red\n", 520, "");
    padded[length - 7] = '\0';
    tap_ok(read_bytes(padded, (size_t)length) && read_list.count == 1 &&
               strstr(read_list.items[0].name, "\xef\xbf\xbd") != NULL,
           "a NUL in a name is mended");
}

static void check_gpl(void)
{
    tap_ok(read_string("GIMP Palette\nName: Bears\nColumns: 16\n# comment\n  8   8   8\tgrey3\n"
                       "68 44 44\n255 0 0 Red  # 1 \n") &&
               read_list.count == 3 && is_item(0, "", "grey3", 0x080808) &&
               is_item(1, "", "", 0x442c2c) && is_item(2, "", "Red  # 1", 0xff0000),
           "a GIMP palette");
    tap_ok(
        read_string("GIMP Palette\r\n1 2 3 a\r\n256 0 0 b\r\n1 2 c\r\n1 2 3.5 d\r\n1 2 3 a\r\n") &&
            read_list.count == 1 && strstr(complaints, "3: '256 0 0 b'") == complaints &&
            strstr(complaints, "\n4: ") && strstr(complaints, "\n5: ") &&
            strstr(complaints, "\n6: 'a' is there already, at 2"),
        "its bad lines: %s", said());
    tap_ok(read_string("GIMP Palette\n0 0 0 Untitled\n9 9 9 Untitled\n") && read_list.count == 2,
           "one name for two colours is no duplicate");
}

/* As Adobe's programs write it: a group with four colours. */
static const char ase_bytes[] =
    "ASEF\0\1\0\0\0\0\0\6"
    "\xc0\1\0\0\0\6\0\2\0G\0\0"                                          /* group "G" */
    "\0\1\0\0\0\x1a\0\3\0R\0d\0\0RGB \x3f\x80\0\0\0\0\0\0\0\0\0\0\0\2"   /* Rd */
    "\0\1\0\0\0\x18\0\2\0\xe9\0\0LAB \x3f\xb\0\0\0\0\0\0\0\0\0\0\0\0"    /* e acute */
    "\0\1\0\0\0\x12\0\3\xd8\x3d\xde\x00\0\0Gray\x3f\0\0\0\0\0"           /* U+1F600 */
    "\0\1\0\0\0\x1a\0\1\0\0CMYK\x3f\0\0\0\0\0\0\0\0\0\0\0\x3f\0\0\0\0\1" /* no name */
    "\xc0\2\0\0\0\0";                                                    /* its end */

static void check_ase(void)
{
    tap_ok(read_bytes(ase_bytes, sizeof ase_bytes - 1) && read_list.count == 4 &&
               complaints[0] == '\0',
           "an ASE file of all models");
    tap_ok(is_item(0, "", "Rd", 0xff0000) && is_lab(0, 53.2371155954, 80.0901135231, 67.2032635117),
           "RGB as floats, a name in UTF-16");
    tap_ok(read_list.count > 1 && strcmp(read_list.items[1].name, "\xc3\xa9") == 0 &&
               is_lab(1, 54.296875, 0, 0),
           "LAB: L is a share, white is white");
    tap_ok(is_item(2, "", "\xf0\x9f\x98\x80", 0x808080), "Gray, a name beyond 16 bits");
    tap_ok(is_item(3, "", "", 0x408080), "CMYK, without a press");
}

static void put_float(unsigned char *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(bits >> (24 - 8 * i));
}

/* One colour of MODEL with three values. */
static bool read_ase(const char *model, float x, float y, float z)
{
    unsigned char bytes[40] = "ASEF\0\1\0\0\0\0\0\1\0\1\0\0\0\x16\0\1\0\0";
    memcpy(bytes + 22, model, 4);
    put_float(bytes + 26, x);
    put_float(bytes + 30, y);
    put_float(bytes + 34, z);
    return read_bytes(bytes, sizeof bytes);
}

static void check_ase_values(void)
{
    /* sRGB red, Lab of D50 and of D65: CSS Color 4's conversions. */
    tap_ok(read_ase("LAB ", 0.542905414f, 80.8049281704f, 69.8909647686f) &&
               is_item(0, "", "", 0xff0000) &&
               fabs(read_list.items[0].lab[0] - 53.2371155954) < 1e-4 &&
               fabs(read_list.items[0].lab[1] - 80.0901135231) < 1e-4 &&
               fabs(read_list.items[0].lab[2] - 67.2032635117) < 1e-4,
           "LAB is of D50");
    tap_ok(!read_ase("RGB ", NAN, 0, 0) && strstr(complaints, "1: value 1 of RGB") == complaints &&
               strstr(complaints, "nan"),
           "not a number");
    tap_ok(!read_ase("RGB ", 0, INFINITY, 0) && strstr(complaints, "value 2"), "%s", said());
    tap_ok(!read_ase("RGB ", 0, 0, 255) && strstr(complaints, "value 3"), "%s", said());
    tap_ok(!read_ase("LAB ", 54, 0, 0) && strstr(complaints, "from 0 to 1"), "%s", said());
    tap_ok(!read_ase("HSB ", 0, 0, 0) && strstr(complaints, "'HSB '"), "%s", said());
    tap_ok(!read_ase("CMYK", 0, 0, 0) && strstr(complaints, "ends inside"), "%s", said());
}

static void check_ase_truncated(void)
{
    size_t refused = 0, size = sizeof ase_bytes - 1;
    for (size_t length = 0; length < size; length++)
        refused +=
            !read_bytes(ase_bytes, length) && (failure.kind == ERROR_TRUNCATED || length < 4);
    tap_ok(refused == size, "cut at every byte: refused at %zu of %zu", refused, size);
    read_bytes(ase_bytes, 50);
    tap_ok(strcmp(failure.message, "truncated in block 2 of 6") == 0,
           "cut within a block: it says which");
}

static uint32_t state = 1;

static uint32_t random_below(uint32_t limit)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(state >> 8) * limit >> 24);
}

static bool is_utf8(const char *string)
{
    struct text text = {0};
    text_add(&text, "");
    text_add_utf8(&text, string);
    bool same = strcmp(text.data, string) == 0;
    text_free(&text);
    return same;
}

/* Damaged files of every kind are read or refused, and names stay names. */
static void check_damaged(void)
{
    static const char csv[] = "code;name;hex;lab_l;lab_a;lab_b\n1;\"a b\";#ff0000;50;1;2\n"
                              "2;c;rgb(1, 2, 3);;;\n3;d;;99.5;-3;4e0\n";
    static const char gpl[] = "GIMP Palette\nName: x\nColumns: 2\n#\n1 2 3 a\n255 255 255 b\n";
    const struct {
        const char *bytes;
        size_t size;
    } seeds[] = {{csv, sizeof csv - 1}, {gpl, sizeof gpl - 1}, {ase_bytes, sizeof ase_bytes - 1}};
    bool good = true;
    for (int i = 0; i < 30000; i++) {
        char bytes[300];
        size_t s = (size_t)i % 3, size = seeds[s].size;
        memcpy(bytes, seeds[s].bytes, size);
        for (uint32_t k = random_below(4) + 1; k > 0; k--)
            bytes[random_below((uint32_t)size)] = (char)random_below(256);
        if (random_below(4) == 0)
            size = random_below((uint32_t)size + 1);
        if (read_bytes(bytes, size) != (failure.kind == ERROR_NONE))
            good = false;
        for (size_t k = 0; k < read_list.count; k++) {
            const struct swatch *item = &read_list.items[k];
            good = good && is_utf8(item->name) && is_utf8(item->code) && item->rgb <= 0xffffff &&
                   isfinite(item->lab[0]) && isfinite(item->lab[1]) && isfinite(item->lab[2]);
        }
    }
    tap_ok(good, "damaged files are read or refused");
}

/* A name of 0 to 20 characters of all lengths, without blanks at its ends. */
static void random_name(char *out)
{
    static const char *const characters[] = {"a",
                                             "Z",
                                             "9",
                                             "#",
                                             ",",
                                             "\"",
                                             "*/",
                                             "\xc3\xbc",
                                             " x",
                                             "\xe2\x82\xac",
                                             "\xf0\x9f\x98\x80",
                                             "\xed\x9f\xbf"};
    out[0] = '\0';
    for (uint32_t k = random_below(21); k > 0; k--)
        strcat(out, characters[random_below(12)]);
    if (out[0] == ' ')
        out[0] = '-';
}

static void label_of(const struct swatch *item, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s", item->code, item->code[0] && item->name[0] ? " " : "",
             item->name);
}

/* What was written as OUT comes back: names and colours. */
static bool comes_back(const struct swatches *list, const struct text *out)
{
    bool same = !out->failed && read_bytes(out->data, out->length) &&
                read_list.count == list->count && complaints[0] == '\0';
    for (size_t i = 0; same && i < list->count; i++) {
        char label[200];
        label_of(&list->items[i], label, sizeof label);
        same = is_item(i, "", label, list->items[i].rgb);
    }
    return same;
}

static void check_round_trip(void)
{
    bool gpl = true, ase = true, css = true;
    for (int round = 0; round < 40; round++) {
        struct swatches list = {0};
        struct text out = {0};
        double lab[3] = {50, 0, 0};
        for (uint32_t k = 1 + random_below(300); k > 0; k--) {
            char code[100], name[100];
            random_name(code);
            random_name(name);
            swatches_add(&list, random_below(2) ? code : "", name, lab, random_below(0x1000000),
                         NULL);
        }
        swatches_write_gpl(&list, "Title\nof two lines", &out);
        gpl = gpl && comes_back(&list, &out);
        text_free(&out);
        swatches_write_ase(&list, &out);
        ase = ase && comes_back(&list, &out);
        text_free(&out);
        swatches_write_css(&list, "color", &out);
        size_t ends = 0;
        for (const char *p = out.data; (p = strstr(p, "*/")) != NULL; p += 2)
            ends += p[2] == '\n';
        css = css && strstr(out.data, "  --color-1: #") != NULL && ends <= list.count;
        for (const char *p = out.data; (p = strstr(p, "*/")) != NULL; p += 2)
            css = css && p[2] == '\n';
        text_free(&out);
        swatches_free(&list);
    }
    tap_ok(gpl, "GIMP palettes come back");
    tap_ok(ase, "ASE comes back");
    tap_ok(css, "CSS comments end at the end of their lines");
}

static void check_written(void)
{
    static const char expected[] = "ASEF\0\1\0\0\0\0\0\1\0\1\0\0\0\x1c\0\4\0A\0 \0b\0\0RGB "
                                   "\x3f\x80\0\0\0\0\0\0\x3e\x4c\xcc\xcd\0\2";
    static const double lab[3] = {0, 0, 0};
    struct swatches list = {0};
    struct text out = {0};
    swatches_add(&list, "A", "b", lab, 0xff0033, NULL);
    swatches_write_ase(&list, &out);
    tap_ok(out.length == sizeof expected - 1 && memcmp(out.data, expected, out.length) == 0,
           "ASE to the byte (%zu)", out.length);
    text_free(&out);
    swatches_write_gpl(&list, "Mine", &out);
    tap_ok(strcmp(out.data, "GIMP Palette\nName: Mine\n#\n255   0  51\tA b\n") == 0,
           "GIMP to the byte");
    text_free(&out);
    swatches_write_css(&list, "paint", &out);
    tap_ok(strcmp(out.data, ":root {\n  --paint-1: #ff0033; /* A b */\n}\n") == 0,
           "CSS to the byte");
    text_free(&out);
    swatches_free(&list);
}

/* Duplicates are found by sorting: a table of many costs no square. */
static void check_many(void)
{
    struct text csv = {0};
    text_add(&csv, "code,hex\n");
    for (int i = 0; i < 100000; i++)
        text_printf(&csv, "c%d,#%06x\n", i % 99999, (unsigned)i);
    tap_ok(read_bytes(csv.data, csv.length) && read_list.count == 99999 &&
               strcmp(complaints, "100001: 'c0' is there already, at 2\n") == 0,
           "100,000 rows, the last one a duplicate");
    text_free(&csv);
}

int main(void)
{
    check_csv();
    check_csv_bad();
    check_refused();
    check_names();
    check_gpl();
    check_ase();
    check_ase_values();
    check_ase_truncated();
    check_written();
    check_round_trip();
    check_damaged();
    check_many();
    swatches_free(&read_list);
    return tap_done();
}
