/* SPDX-License-Identifier: MIT */
/* SHA-256 against the examples that NIST publishes with FIPS 180-4 and in its test vectors. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/hash.h"
#include "tap.h"

static const struct {
    const char *message, *hash;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmno"
     "pqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};
static const char million_a[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static bool hashes_to(const void *data, size_t size, size_t step, const char *expected)
{
    struct hash_state state;
    struct hash hash;
    char hex[HASH_HEX];
    const char *bytes = data;
    hash_begin(&state);
    for (size_t at = 0; at < size; at += step)
        hash_add(&state, bytes + at, size - at < step ? size - at : step);
    hash_end(&state, &hash);
    hash_hex(&hash, hex);
    return strcmp(hex, expected) == 0;
}

static void test_file(const char *million)
{
    char name[] = "/tmp/test-hash-XXXXXX", hex[HASH_HEX];
    struct hash hash;
    struct error error = {0};
    uint64_t size = 0;
    int fd = mkstemp(name);
    unlink(name);
    bool done = write(fd, million, 1000000) == 1000000 && lseek(fd, 0, SEEK_SET) == 0 &&
                hash_file(fd, &hash, &size, &error);
    hash_hex(&hash, hex);
    tap_ok(done && size == 1000000 && strcmp(hex, million_a) == 0, "a file of a million bytes");
    lseek(fd, 999999, SEEK_SET);
    done = hash_file(fd, &hash, &size, &error);
    tap_ok(done && size == 1, "a file is read from where it stands");
    close(fd);
    int directory = open("/", O_RDONLY);
    tap_ok(!hash_file(directory, &hash, &size, &error) && error.kind == ERROR_IO,
           "what cannot be read is an error");
    close(directory);
}

static void test_text(void)
{
    struct hash hash, again;
    struct hash_state state;
    char hex[HASH_HEX];
    hash_begin(&state);
    hash_add(&state, "abc", 3);
    hash_end(&state, &hash);
    hash_hex(&hash, hex);
    tap_ok(hash_from_hex(hex, &again) && memcmp(&hash, &again, sizeof hash) == 0,
           "digits and back");
    hex[63] = 'g';
    tap_ok(!hash_from_hex(hex, &again), "a digit that is none");
    tap_ok(!hash_from_hex("ba78", &again) && !hash_from_hex("", &again), "too few digits");
}

static void test_parts(void)
{
    struct hash_state state;
    struct hash one, two;
    hash_begin(&state);
    hash_add_part(&state, "ab", 2);
    hash_add_part(&state, "c", 1);
    hash_end(&state, &one);
    hash_begin(&state);
    hash_add_part(&state, "a", 1);
    hash_add_part(&state, "bc", 2);
    hash_end(&state, &two);
    tap_ok(memcmp(&one, &two, sizeof one) != 0, "parts are not joined");
}

int main(void)
{
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const char *message = vectors[i].message;
        tap_ok(hashes_to(message, strlen(message), 1000, vectors[i].hash) &&
                   hashes_to(message, strlen(message), 7, vectors[i].hash),
               "published example %zu, whole and in pieces", i + 1);
    }
    tap_ok(hashes_to(million, 1000000, 1000000, million_a) &&
               hashes_to(million, 1000000, 4093, million_a),
           "a million times 'a'");
    test_file(million);
    test_text();
    test_parts();
    free(million);
    return tap_done();
}
