/* SPDX-License-Identifier: MIT */
/* without LAYER[,LAYER...] COMMAND...: runs COMMAND as on a kernel that lacks landlock, seccomp or
 * openat2 (the calls fail with ENOSYS), or on a file system that lacks unnamed files. Seen from inside there is no difference, so that no tool needs a
 * switch for tests. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LANDLOCK_CREATE_RULESET = 444, OPENAT2 = 437 };

#define RETURN_IF(call, verdict)                                                                   \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), BPF_STMT(BPF_RET | BPF_K, (verdict))

int main(int argc, char **argv)
{
    const unsigned missing = SECCOMP_RET_ERRNO | ENOSYS, here = SECCOMP_RET_ALLOW;
    if (argc < 3)
        return 64;
    const unsigned unnamed = SECCOMP_RET_ERRNO | EOPNOTSUPP;
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        RETURN_IF(OPENAT2, strstr(argv[1], "openat2") ? missing : here),
        RETURN_IF(LANDLOCK_CREATE_RULESET, strstr(argv[1], "landlock") ? missing : here),
        RETURN_IF(SYS_seccomp, strstr(argv[1], "seccomp") ? missing : here),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, strstr(argv[1], "unnamed") ? unnamed : here),
        BPF_STMT(BPF_RET | BPF_K, here),
    };
    struct sock_fprog program = {sizeof steps / sizeof steps[0], steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("without");
        return 77;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
