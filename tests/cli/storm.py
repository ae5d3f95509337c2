# Kills whatever runs in a batch (a stage, a group, imgtool itself) at random moments and looks what is left.
# storm.py BUILD PICTURE KILLS SECONDS: how long stages may outlive imgtool.
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

build, picture, kills, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
tools = os.path.abspath("storm")
os.mkdir(tools)
for name in ("imgtool", "imgcrop", "imgshadow", "imgresize"):
    shutil.copy(os.path.join(build, name), tools)
os.mkdir("out")
random.seed(os.environ.get("SEED", "1"))
STAGES = [["crop"], ["shadow"], ["resize", "--width", "300"]]


def ours():
    """Processes that run a program of this test and are no zombies."""
    found = []
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and os.path.dirname(os.readlink("/proc/%s/exe" % pid)) == tools:
                found.append(int(pid))
        except OSError:
            pass
    return found


def batch(names):
    process = subprocess.Popen([os.path.join(tools, "imgtool"), "batch", "-q", "-j", "3", "--retries", "9",
                                "--journal", "journal", "--resume"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # a stage that has just begun is in its group
    for name in names:
        process.stdin.write(json.dumps({"id": name, "input": picture, "output": "out/" + name,
                                        "stages": STAGES}).encode() + b"\n")
    process.stdin.close()
    return process


subprocess.check_call([os.path.join(tools, "imgtool"), "pipe", "-q", "-i", picture, "-o", "reference.png"] +
                      " : ".join(" ".join(s) for s in STAGES).split())
reference = open("reference.png", "rb").read()
names = ["%03d.png" % i for i in range(60)]
process, died, worst = batch(names), 0, 0.0
for number in range(kills):
    time.sleep(random.uniform(0, 0.06))
    choice = random.random()
    victims = [pid for pid in ours() if pid != process.pid]
    try:
        if process.poll() is not None:
            pass
        elif choice < 0.3:
            process.kill()
        elif victims and choice < 0.65:
            os.kill(random.choice(victims), random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV]))
        elif victims:
            os.killpg(os.getpgid(random.choice(victims)), signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if choice < 0.3 or process.poll() is not None:
        process.stdout.close()
        process.wait()
        died += 1
        start = time.time()
        while ours() and time.time() - start < 2 * limit:
            time.sleep(0.005)
        worst = max(worst, time.time() - start)
        assert worst < limit, "processes %s outlived imgtool by %.3f s" % (ours(), worst)
        for name in os.listdir("out"):
            if name in names:
                assert open("out/" + name, "rb").read() == reference, "partial: " + name
                if random.random() < 0.7:
                    os.unlink("out/" + name)
        process = batch(names)
answers = process.stdout.read()
while process.wait() < 0:  # the last kill met imgtool, and was not seen yet
    process = batch(names)
    answers = process.stdout.read()
answers = [json.loads(line) for line in answers.splitlines()]
assert sorted(a["id"] for a in answers) == names, "an answer is missing or came twice"
left = batch([a["id"] for a in answers if not a["ok"]])
assert all(json.loads(line)["ok"] for line in left.stdout)
left.wait()
assert sorted(os.listdir("out")) == names, os.listdir("out")
assert all(open("out/" + name, "rb").read() == reference for name in names)
assert not ours()
print("%d kills, imgtool ended %d times, its stages at most %.0f ms later" % (kills, died, worst * 1000))
