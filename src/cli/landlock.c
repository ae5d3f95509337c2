/* SPDX-License-Identifier: MIT */
#include "cli/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface as its documentation has it; headers may be older than the kernel. The
 * numbers are the same on all architectures. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum file_right {
    READ_FILE = 1 << 2,
    READ_DIRECTORY = 1 << 3,
    REMOVE_FILE = 1 << 5,
    MAKE_FILE = 1 << 8,
    ALL_OF_ABI_1 = (1 << 13) - 1,
    MOVE = 1 << 13,           /* ABI 2 */
    TRUNCATE = 1 << 14,       /* ABI 3 */
    CONTROL_DEVICE = 1 << 15, /* ABI 5 */
};

enum { TCP_BIND = 1, TCP_CONNECT = 2 };              /* ABI 4 */
enum { SCOPE_ABSTRACT_SOCKET = 1, SCOPE_SIGNAL = 2 }; /* ABI 6 */

struct rules_attributes {
    uint64_t files, net, scopes;
};

struct path_attributes {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed));

int landlock_abi(void)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

int landlock_rules_new(int abi)
{
    struct rules_attributes rules = {.files = ALL_OF_ABI_1};
    size_t size = abi >= 6   ? sizeof rules
                  : abi >= 4 ? offsetof(struct rules_attributes, scopes)
                             : offsetof(struct rules_attributes, net);
    if (abi >= 2)
        rules.files |= MOVE;
    if (abi >= 3)
        rules.files |= TRUNCATE;
    if (abi >= 4)
        rules.net = TCP_BIND | TCP_CONNECT;
    if (abi >= 5)
        rules.files |= CONTROL_DEVICE;
    if (abi >= 6)
        rules.scopes = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
    return (int)syscall(CREATE_RULESET, &rules, size, 0);
}

bool landlock_keep_directory(int rules, int dir_fd, bool removing)
{
    struct path_attributes path = {MAKE_FILE | (removing ? REMOVE_FILE : 0), dir_fd};
    return syscall(ADD_RULE, rules, RULE_PATH_BENEATH, &path, 0) == 0;
}

bool landlock_keep_reading(int rules, int fd, bool directory)
{
    struct path_attributes path = {directory ? READ_DIRECTORY : READ_FILE, fd};
    return syscall(ADD_RULE, rules, RULE_PATH_BENEATH, &path, 0) == 0 || errno == EBADFD;
}

bool landlock_restrict(int rules)
{
    return syscall(RESTRICT_SELF, rules, 0) == 0;
}
