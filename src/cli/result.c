/* SPDX-License-Identifier: MIT */
#include "cli/result.h"

#include <jansson.h>

/* How each type is named to people, and its schema. */
static const struct {
    const char *words, *schema;
} types[] = {
    [RESULT_TEXT] = {"text", "{\"type\":\"string\"}"},
    [RESULT_FLAG] = {"true or false", "{\"type\":\"boolean\"}"},
    [RESULT_INTEGER] = {"integer", "{\"type\":\"integer\"}"},
    [RESULT_NUMBER] = {"number", "{\"type\":\"number\"}"},
    [RESULT_SHARE] = {"0 to 1", "{\"type\":\"number\",\"minimum\":0,\"maximum\":1}"},
    [RESULT_HEX] = {"#rrggbb", "{\"type\":\"string\",\"pattern\":\"^#([0-9A-Fa-f]{2}){3,4}$\"}"},
    [RESULT_LAB] = {"[L, a, b]", "{\"type\":\"array\",\"items\":{\"type\":\"number\"},"
                                 "\"minItems\":3,\"maxItems\":3}"},
    [RESULT_SIZE] = {"[width, height]", "{\"type\":\"array\",\"items\":{\"type\":\"integer\","
                                        "\"minimum\":1},\"minItems\":2,\"maxItems\":2}"},
    [RESULT_POINT] = {"[x, y]", "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},"
                                "\"minItems\":2,\"maxItems\":2}"},
    [RESULT_BOX] = {"{x, y, width, height}", NULL},
    [RESULT_FILE] = {"{path, format, width, height, bytes}", "{\"$ref\":\"#/$defs/output\"}"},
    [RESULT_OBJECT] = {"object", NULL},
    [RESULT_REPORT] = {"object or null", "{\"anyOf\":[{\"$ref\":\"#/$defs/report\"},"
                                         "{\"type\":\"null\"}]}"},
};

static const struct result_field box_fields[] = {
    {"x", .type = RESULT_INTEGER},
    {"y", .type = RESULT_INTEGER},
    {"width", .type = RESULT_INTEGER},
    {"height", .type = RESULT_INTEGER},
    {0},
};

static void add_choices(const char *const *choices, struct text *out)
{
    for (size_t i = 0; choices[i] != NULL; i++)
        text_printf(out, "%s%s", i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ", choices[i]);
}

void result_describe(const struct result_field *field, struct text *out)
{
    if (field->help != NULL)
        text_printf(out, "%s (", field->help);
    if (field->list)
        text_add(out, "array of ");
    if (field->choices != NULL)
        add_choices(field->choices, out);
    else
        text_printf(out, "%s%s", types[field->type].words,
                    field->list && field->type == RESULT_OBJECT ? "s" : "");
    text_printf(out, "%s%s%s", field->null ? ", or null" : "",
                field->optional ? ", may be missing" : "", field->help != NULL ? ")" : "");
}

/* A file with further fields: the reference says nothing about those. */
static json_t *file_schema(const struct result_field *more)
{
    json_t *schema = result_schema(more);
    json_object_del(schema, "additionalProperties");
    json_object_set_new(schema, "$ref", json_string("#/$defs/file"));
    json_object_set_new(schema, "unevaluatedProperties", json_false());
    return schema;
}

static json_t *choices_schema(const char *const *choices)
{
    json_t *names = json_array();
    for (size_t i = 0; choices[i] != NULL; i++)
        json_array_append_new(names, json_string(choices[i]));
    return json_pack("{s:o}", "enum", names);
}

/* Without its description. */
static json_t *value_schema(const struct result_field *field)
{
    json_t *schema = field->choices != NULL         ? choices_schema(field->choices)
                     : field->type == RESULT_OBJECT ? result_schema(field->fields)
                     : field->type == RESULT_BOX    ? result_schema(box_fields)
                     : field->fields != NULL ? file_schema(field->fields)
                                             : json_loads(types[field->type].schema, 0, NULL);
    if (field->list)
        schema = json_pack("{s:s, s:o}", "type", "array", "items", schema);
    if (field->null)
        schema = json_pack("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
    return schema;
}

json_t *result_schema(const struct result_field *fields)
{
    json_t *properties = json_object(), *required = json_array();
    for (const struct result_field *field = fields; field->name != NULL; field++) {
        json_t *schema = value_schema(field);
        if (field->help != NULL)
            json_object_set_new(schema, "description", json_string(field->help));
        json_object_set_new(properties, field->name, schema);
        if (!field->optional)
            json_array_append_new(required, json_string(field->name));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", 0);
}
