/* SPDX-License-Identifier: MIT */
/*
 * Runs one command and says what it cost:
 *
 *     measure [-m] [-e STDERR_FILE] [-t SECONDS] COMMAND [ARGUMENT]...
 *
 * prints one line, `wall_ns cpu_us peak_kib status`. status is the exit code, or 128 + the signal.
 * cpu_us counts the whole tree of processes that was waited for.
 *
 * peak_kib is what the kernel calls the maximum resident set: of the largest process of the tree,
 * not of all together. With -m the tree is looked at every 500 microseconds and peak_kib is the
 * largest sum seen, so that several processes running at once are counted as several. That takes
 * processor time of its own: time and memory are measured in different runs.
 *
 * This is a C program because a child inherits the maximum resident set of the process that
 * started it, and because the start of an interpreter's child would be most of a short run.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLE_NS = 500000, TREE_MAX = 64, GRACE_S = 2, EXIT_USAGE = 64, EXIT_SYSTEM = 71 };

extern char **environ;

static volatile sig_atomic_t child_pid;

struct options {
    bool sample_memory;
    const char *stderr_path;
    unsigned timeout_s;
    char **command;
};

struct cost {
    long long wall_ns;
    long long cpu_us;
    long peak_kib;
    int status;
};

/* The command has a process group of its own, so that its children end with it. It may clean up
 * after itself; what then remains, or a second signal, kills it. */
static void child_end(int signal_number)
{
    static volatile sig_atomic_t asked;
    (void)signal_number;
    if (child_pid <= 0)
        return;
    kill(-(pid_t)child_pid, asked ? SIGKILL : SIGTERM);
    asked = 1;
    alarm(GRACE_S);
}

static void signals_set(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = child_end;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool options_parse(int argc, char **argv, struct options *options)
{
    int letter;
    *options = (struct options){.stderr_path = "/dev/null"};
    while ((letter = getopt(argc, argv, "+me:t:")) != -1) {
        if (letter == 'm')
            options->sample_memory = true;
        else if (letter == 'e')
            options->stderr_path = optarg;
        else if (letter == 't')
            options->timeout_s = (unsigned)strtoul(optarg, NULL, 10);
        else
            return false;
    }
    options->command = argv + optind;
    return optind < argc;
}

static long long clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The short first line of a file of /proc; an empty text when the process is gone. */
static void proc_read(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    text[0] = '\0';
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    close(fd);
}

static long rss_kib(pid_t pid)
{
    char text[128];
    proc_read(pid, "statm", text, sizeof text);
    char *space = strchr(text, ' ');
    return space ? strtol(space, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

/* Children of the first thread only: a thread that starts processes is not among what is measured
 * here, and the kernel lists children by thread. */
static size_t children_add(pid_t pid, pid_t *tree, size_t count)
{
    char name[48];
    char text[1024];
    snprintf(name, sizeof name, "task/%ld/children", (long)pid);
    proc_read(pid, name, text, sizeof text);
    char *at = text;
    while (count < TREE_MAX) {
        char *end;
        long child = strtol(at, &end, 10);
        if (end == at)
            break;
        tree[count++] = (pid_t)child;
        at = end;
    }
    return count;
}

static long tree_rss_kib(pid_t root)
{
    pid_t tree[TREE_MAX] = {root};
    size_t count = 1;
    long total = 0;
    for (size_t i = 0; i < count; i++) {
        total += rss_kib(tree[i]);
        count = children_add(tree[i], tree, count);
    }
    return total;
}

static pid_t child_start(const struct options *options)
{
    pid_t pid = -1;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, options->stderr_path,
                                     O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    errno = posix_spawnp(&pid, options->command[0], &files, &attributes, options->command, environ);
    if (errno != 0)
        perror(options->command[0]);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return pid;
}

static bool child_wait(pid_t pid, const struct options *options, struct cost *cost)
{
    struct rusage usage;
    int state = 0;
    long sampled_kib = 0;
    pid_t got;
    while ((got = wait4(pid, &state, options->sample_memory ? WNOHANG : 0, &usage)) == 0) {
        long now_kib = tree_rss_kib(pid);
        if (now_kib > sampled_kib)
            sampled_kib = now_kib;
        nanosleep(&(struct timespec){.tv_nsec = SAMPLE_NS}, NULL);
    }
    if (got != pid)
        return false;
    cost->cpu_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL +
                   usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    cost->peak_kib = sampled_kib > usage.ru_maxrss ? sampled_kib : usage.ru_maxrss;
    cost->status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    struct cost cost;
    if (!options_parse(argc, argv, &options)) {
        fputs("usage: measure [-m] [-e STDERR_FILE] [-t SECONDS] COMMAND...\n", stderr);
        return EXIT_USAGE;
    }
    signals_set();
    long long start_ns = clock_ns();
    pid_t pid = child_start(&options);
    if (pid < 0)
        return EXIT_SYSTEM;
    child_pid = pid;
    alarm(options.timeout_s);
    if (!child_wait(pid, &options, &cost))
        return EXIT_SYSTEM;
    cost.wall_ns = clock_ns() - start_ns;
    printf("%lld %lld %ld %d\n", cost.wall_ns, cost.cpu_us, cost.peak_kib, cost.status);
    return 0;
}
