"""One holder at a time, also between machines: real processes, killed at random, and machines that are pretended."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from ptp_core.errors import UserError
from ptp_core.identity import store
from ptp_core.identity.lease import WAIT_LIMIT, Lease, leased
from ptp_core.identity.owner import Place, Terms, Watch, here, look, surely_gone
from ptp_core.work import Busy, TakenOver

PRINT, STAGE = "f" * 64, "pretrain"
ELSEWHERE = Place("node7", "another boot", "pid:[1]")
SOON = {"beat_seconds": 0.05, "timeout_seconds": 0.4}


def elsewhere(**changed: float) -> Terms:
    """The terms of a process of another machine, for which ours are strangers whose beat decides."""
    return Terms(place=ELSEWHERE, **(SOON | changed))  # type: ignore[arg-type]


def silence(lease: Lease) -> None:
    """What a machine looks like from outside that has stopped: the holder is there and does nothing."""
    lease.ended.set()
    lease.heart.join()


RACER = """
import hashlib, os, random, sys, time
from pathlib import Path
from ptp_core.identity.owner import Place, Terms
from ptp_core.identity import store

root, me, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
# Three machines; processes of one see each other, those of others are judged by their beat.
place = Place(f"host{me % 3}", f"boot{me % 3}", "ns")
terms = Terms(place=place, beat_seconds=0.1, timeout_seconds=float(sys.argv[4]))

def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False

for number in range(rounds):
    fingerprint = hashlib.sha256(str(number).encode()).hexdigest()
    with store.writer(root, "race", fingerprint, 0.01, terms) as folder:
        if folder is None:
            continue
        inside = root / f"inside-{number}"
        if inside.exists() and (other := inside.read_text()) and other != str(os.getpid()) and alive(other):
            (root / "VIOLATION").write_text(f"{other} and {os.getpid()} in {number}")
        inside.write_text(str(os.getpid()))
        store.clear(folder)
        for part in range(3):
            (folder / str(part)).write_text(f"{number}-{part}-{os.getpid()}" * 100)
            time.sleep(random.random() * 0.02)
        (folder / "receipt.json").write_text(str(os.getpid()))
        inside.unlink()
        store.publish(root, "race", fingerprint)
        with (root / "published").open("a") as log:
            log.write(f"{number}\\n")
"""


def race(root: Path, racers: int, rounds: int, kills: int, timeout: float) -> None:
    """Let processes race for every result in turn, kill one now and then, and start another in its place."""
    chance = random.Random(1)

    def start(me: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", RACER, str(root), str(me), str(rounds), str(timeout)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    running = {me: start(me) for me in range(racers)}
    try:
        for _ in range(kills):
            time.sleep(chance.uniform(0.02, 0.25))
            me = chance.randrange(racers)
            running[me].kill()
            running[me].wait()
            running[me] = start(me)
        assert {process.wait(120) for process in running.values()} == {0}
    finally:
        for process in running.values():
            process.kill()


@pytest.mark.slow
def test_eight_processes_of_three_machines_that_are_killed_at_random_never_hold_one_result_at_once(
    tmp_path: Path,
) -> None:
    rounds = 60
    race(tmp_path, racers=8, rounds=rounds, kills=30, timeout=3.0)
    assert not (tmp_path / "VIOLATION").exists(), (tmp_path / "VIOLATION").read_text()
    published = Counter((tmp_path / "published").read_text().split())
    assert max(published.values()) == 1
    entries = [path for path in (tmp_path / "race").iterdir() if len(path.name) == 24]
    assert len(entries) == rounds
    for number in range(rounds):
        folder = store.entry(tmp_path, "race", hashlib.sha256(str(number).encode()).hexdigest())
        maker = (folder / "receipt.json").read_text()
        assert [(folder / str(part)).read_text() for part in range(3)] == [
            f"{number}-{i}-{maker}" * 100 for i in range(3)
        ]
    # What is left of the killed is at most a file with the name of one who waited.
    assert {path.suffix for path in (tmp_path / "race").iterdir()} <= {"", ".new"}
    assert not store.live_writers(tmp_path)


class TestOnOneMachine:
    def test_a_stopped_process_is_alive(self, tmp_path: Path) -> None:
        terms = Terms(**SOON)  # type: ignore[arg-type]
        with leased(tmp_path / "x.lease", "x", terms=terms) as lease:
            silence(lease)
            time.sleep(0.6)
            seen = look(tmp_path / "x.lease")
            assert seen is not None
            assert not Watch(terms).is_dead(seen, time.time() + 1e6)

    def test_a_process_with_the_number_of_a_dead_one_is_not_taken_for_it(self, tmp_path: Path) -> None:
        path = tmp_path / "x.lease"
        with leased(path, "x") as lease:
            text = path.read_text()
            assert f'"started": "{lease.owner.started}"' in text
            path.write_text(text.replace(f'"started": "{lease.owner.started}"', '"started": "1"'))
            seen = look(path)
            assert seen is not None
            assert surely_gone(seen, here())

    def test_who_waits_too_long_leaves_and_says_for_whom(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv(WAIT_LIMIT, "0.1")
        monkeypatch.setenv("SLURM_JOB_ID", "42")
        with leased(tmp_path / "x.lease", "x"):
            with (
                pytest.raises(Busy, match=rf"process {os.getpid()} on .* \(Slurm job 42\) is making x; waited 0.1 sec"),
                leased(tmp_path / "x.lease", "x", wait_seconds=0.02),
            ):
                pass
            assert capsys.readouterr().out.count("waiting") == 1
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("text", ["soon", "-1", "nan"])
    def test_a_limit_that_is_no_number_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv(WAIT_LIMIT, text)
        with pytest.raises(UserError, match=WAIT_LIMIT), leased(tmp_path / "x.lease", "x"):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_a_fork_of_the_holder_does_not_let_go(self, tmp_path: Path) -> None:
        with leased(tmp_path / "x.lease", "x") as lease:
            child = os.fork()
            if child == 0:
                lease.close()
                os._exit(0)
            os.waitpid(child, 0)
            lease.check()

    def test_a_damaged_lease_is_judged_by_its_age(self, tmp_path: Path) -> None:
        path = tmp_path / "x.lease"
        path.write_text("{")
        began = time.monotonic()
        with leased(path, "x", wait_seconds=0.02, terms=Terms(**SOON)) as lease:  # type: ignore[arg-type]
            assert time.monotonic() - began > 0.3
            assert lease.took_over

    def test_a_taker_that_dies_half_way_is_taken_over_like_a_holder(self, tmp_path: Path) -> None:
        path = tmp_path / "x.lease"
        dead = Lease(path, "x", Terms())
        half = Lease(path, "x", Terms())
        assert dead._try()
        os.link(half.file, half._right(dead.owner))
        for lease in (dead, half):
            text = lease.file.read_text()
            lease.file.write_text(text.replace(f'"pid": {os.getpid()}', '"pid": 999999999'))
        with leased(path, "x", wait_seconds=0.02) as lease:
            assert lease.took_over
            assert not lease.predecessor_may_live
        assert list(tmp_path.iterdir()) == []


class TestBetweenMachines:
    def test_a_holder_whose_heart_beats_is_waited_for(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(WAIT_LIMIT, "1.5")
        with store.writer(tmp_path, STAGE, PRINT, terms=Terms(**SOON)):  # type: ignore[arg-type]
            with pytest.raises(Busy), store.writer(tmp_path, STAGE, PRINT, 0.05, elsewhere()):
                pass
            assert store.live_writers(tmp_path, elsewhere()) == {(STAGE, PRINT[:24])}
        assert not store.live_writers(tmp_path, elsewhere())

    def test_after_a_stall_of_the_file_server_the_living_have_time_to_say_so(self, tmp_path: Path) -> None:
        path = tmp_path / "x.lease"
        clock = [0.0]
        watch = Watch(Terms(place=ELSEWHERE, clock=lambda: clock[0]))
        with leased(path, "x"):
            seen = look(path)
            assert seen is not None
            late = seen.beat + 1e6
            assert not watch.is_dead(seen, late), "seen for the first time"
            clock[0] = 14.0
            assert not watch.is_dead(seen._replace(beat=seen.beat + 1), late), "it has beaten meanwhile"
            clock[0] = 28.0
            assert not watch.is_dead(seen._replace(beat=seen.beat + 1), late)
            clock[0] = 30.0
            assert watch.is_dead(seen._replace(beat=seen.beat + 1), late)
            assert not watch.is_dead(seen._replace(beat=seen.beat + 1), seen.beat + 100), "not silent for long enough"

    def test_a_slow_writer_that_was_taken_for_dead_can_neither_save_nor_publish(self, tmp_path: Path) -> None:
        old = store.writer(tmp_path, STAGE, PRINT, terms=Terms(**SOON))  # type: ignore[arg-type]
        folder = old.__enter__()
        assert folder is not None
        (folder / "state.ckpt").write_text("step 5")
        pen = store._PENS[store.entry(tmp_path, STAGE, PRINT)]
        silence(pen.lease)
        del store._PENS[store.entry(tmp_path, STAGE, PRINT)]  # the next writer is in this process as well
        with store.writer(tmp_path, STAGE, PRINT, 0.02, elsewhere()) as new:
            assert new is not None
            assert (new / "state.ckpt").read_text() == "step 5", "what was saved is gone on with"
            store._PENS[store.entry(tmp_path, STAGE, PRINT)], mine = (
                pen,
                store._PENS[store.entry(tmp_path, STAGE, PRINT)],
            )
            with pytest.raises(TakenOver, match=f"another process took over {STAGE}/"):
                store.check(tmp_path, STAGE, PRINT)
            with pytest.raises(TakenOver):
                store.publish(tmp_path, STAGE, PRINT)
            with pytest.raises(FileNotFoundError):
                (folder / "state.ckpt").write_text("step 6")
            # Any mistake that follows from it is told as what it is.
            with pytest.raises(TakenOver):
                old.__exit__(FileNotFoundError, FileNotFoundError(), None)
            store._PENS[store.entry(tmp_path, STAGE, PRINT)] = mine
            (new / "receipt.json").write_text("{}")
            store.publish(tmp_path, STAGE, PRINT)
        assert {path.name for path in (tmp_path / STAGE).iterdir()} == {PRINT[:24]}
        assert (store.entry(tmp_path, STAGE, PRINT) / "state.ckpt").read_text() == "step 5"

    def test_what_a_later_writer_leaves_unfinished_has_its_usual_name_again(self, tmp_path: Path) -> None:
        (tmp_path / STAGE).mkdir()
        lost = Lease(store.lease_file(tmp_path, STAGE, PRINT), "x", Terms(**SOON))  # type: ignore[arg-type]
        assert lost._try()
        usual = store.partial(tmp_path, STAGE, PRINT)
        usual.mkdir()
        (usual / "state.ckpt").write_text("step 5")

        def fail() -> None:
            with store.writer(tmp_path, STAGE, PRINT, 0.02, elsewhere()) as folder:
                assert folder is not None
                assert folder != usual
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert (usual / "state.ckpt").read_text() == "step 5"

    def test_of_several_that_find_a_holder_dead_one_wins(self, tmp_path: Path) -> None:
        path = tmp_path / "x.lease"
        for _ in range(20):
            dead = Lease(path, "x", Terms(**SOON))  # type: ignore[arg-type]
            assert dead._try()
            dead.file.unlink()
            os.utime(dead.handle, (1, 1))
            inside: list[str] = []

            def take(inside: list[str] = inside) -> None:
                with leased(path, "x", wait_seconds=0.01, terms=elsewhere(beat_seconds=0.01)) as lease:
                    inside.append("in")
                    assert inside.count("in") - inside.count("out") == 1
                    time.sleep(0.005)
                    lease.check()
                    inside.append("out")

            takers = [threading.Thread(target=take) for _ in range(4)]
            for taker in takers:
                taker.start()
            for taker in takers:
                taker.join()
            assert inside == ["in", "out"] * 4
            assert not list(tmp_path.iterdir())


def test_a_signal_lets_go(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from ptp_core.identity.store import writer
from ptp_core.signals import interruptible
with interruptible(), writer(Path({str(tmp_path)!r}), "pretrain", "f" * 64):
    print("in", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    assert store.live_writers(tmp_path) == {(STAGE, PRINT[:24])}
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert [path.name for path in (tmp_path / STAGE).iterdir()] == [f"{PRINT[:24]}.partial"]
