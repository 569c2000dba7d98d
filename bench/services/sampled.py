"""A Drawdown worker that looks now and then at what it is doing, for as long as it is busy: sampled.py FILE.

Every two milliseconds of its processor time the main thread notes the innermost of its functions that belongs to a
stage. FILE holds the samples by stage, by function for what belongs to none, and each thread's processor time in ticks.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from drawdown import logs
from drawdown.settings import load_settings
from drawdown.worker import run

SECONDS = 0.002
STAGES = {
    "Cycle.decode": "decode",
    "Cycle.look_up": "look up",
    "RedisCache.look_up": "look up",
    "Runtime.takes": "decide",
    "agent_of.<locals>.decide": "decide",
    "Cycle._records": "put the transaction together",
    "Cycle._count": "count",
    "Cycle.commit": "put the transaction together",
    "KafkaShardLog._send": "build batches",
    "KafkaShardLog._commit": "commit",
    "Cycle.apply": "apply",
    "RedisCache._written": "apply",
    "ConsumerOnLoop.fetch": "fetch",
    "Consumer.getmany": "fetch",
    "Feed.batches": "fetch",
    "Runtime.deliver": "fetch",
    "Fetcher._fetch_requests_routine": "fetch",
    "Fetcher._proc_fetch_request": "fetch",
    "Sender._sender_routine": "send",
    "Sender._send_produce_req": "send",
    "BaseHandler.do": "send",
    "AIOKafkaConnection._read": "read from sockets",
    "AIOKafkaConnection.send": "write to sockets",
}


def main(file: Path) -> None:
    """Run a worker; write what was seen."""
    seen: Counter[str] = Counter()
    others: Counter[str] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        at = frame
        while at is not None:
            stage = STAGES.get(at.f_code.co_qualname)
            if stage is not None:
                seen[stage] += 1
                return
            at = at.f_back
        seen["other"] += 1
        if frame is not None:
            others[frame.f_code.co_qualname] += 1

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)
    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    failure = run(settings)
    signal.setitimer(signal.ITIMER_PROF, 0)
    tasks = sorted(Path("/proc/self/task").iterdir(), key=lambda task: int(task.name))
    threads = [sum(map(int, (task / "stat").read_text().rpartition(")")[2].split()[11:13])) for task in tasks]
    file.write_text(json.dumps({"stages": seen, "others": others.most_common(25), "threads": threads}, indent=1))
    if failure is not None:
        sys.exit(f"the worker stopped: {failure}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
