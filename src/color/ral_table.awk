# SPDX-License-Identifier: MIT
# Makes the C table of the RAL colours:
#     LC_ALL=C awk -f ral_table.awk ral-classic.csv ral-design.csv ral-effect.csv >ral_table.h
# Names go to two pools and are given by their place, so that the table needs no
# relocation; Lab is in thousandths, which are exact. Effect colours have no names and no Lab.

BEGIN {
    FS = ","
    finishes = " solid=RAL_SOLID fluorescent=RAL_FLUORESCENT pearlescent=RAL_PEARLESCENT metallic=RAL_METALLIC "
    size["en"] = size["de"] = 1
    # Places are counted in bytes.
    if (length("ü") != 2)
        fail("needs LC_ALL=C")
}

function fail(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what > "/dev/stderr"
    failed = 1
    exit 1
}

function finish_name(word,    place, rest) {
    place = index(finishes, " " word "=")
    if (!place)
        fail("unknown finish " word)
    rest = substr(finishes, place + length(word) + 2)
    return substr(rest, 1, index(rest, " ") - 1)
}

function add_name(language, name) {
    if (name == "")
        return 0
    if (name ~ /["\\]/)
        fail("a name that C would misread")
    pool[language] = pool[language] "    \"" name "\\0\"\n"
    size[language] += length(name) + 1
    return size[language] - length(name) - 1
}

function thousandths(number) {
    return sprintf("%.0f", number * 1000)
}

function add(set, code, en, de, hex, l, a, b, finish) {
    if (hex !~ /^#[0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F]$/)
        fail("not a colour: " hex)
    rows = rows sprintf("    {\"%s\", %s, %s, %d, %d, 0x%s, {%s, %s, %s}},\n", code, set, finish,
                        add_name("en", en), add_name("de", de), substr(hex, 2),
                        thousandths(l), thousandths(a), thousandths(b))
    count++
}

/^#/ || /^(number|code),/ { next }
FILENAME ~ /ral-classic/ { add("RAL_CLASSIC", $1, $2, $3, $4, $5, $6, $7, finish_name($9)); next }
FILENAME ~ /ral-design/ { add("RAL_DESIGN", $1, $2, $3, $4, $5, $6, $7, "RAL_SOLID"); next }
FILENAME ~ /ral-effect/ { add("RAL_EFFECT", $1, "", "", $2, 0, 0, 0, finish_name($3)); next }
{ fail("neither ral-classic, ral-design nor ral-effect") }

END {
    if (failed)
        exit 1
    if (size["en"] > 65535 || size["de"] > 65535)
        fail("the names do not fit 16 bits")
    print "/* Made by ral_table.awk from data/ral-classic.csv, ral-design.csv and ral-effect.csv. */"
    printf "static const char ral_names_en[] =\n    \"\\0\"\n%s;\n", pool["en"]
    printf "static const char ral_names_de[] =\n    \"\\0\"\n%s;\n", pool["de"]
    printf "static const struct ral_row ral_rows[%d] = {\n%s};\n", count, rows
}
