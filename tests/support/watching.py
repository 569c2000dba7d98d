"""Ask a worker's monitor, and read what it says."""

import asyncio
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def ask(port: int, path: str) -> tuple[int, str]:
    """Give status and body; status 0 while nothing listens."""
    return await asyncio.to_thread(_ask, port, path)


def _ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


async def scraped(port: int) -> Samples:
    """Give all samples of /metrics."""
    _, text = await ask(port, "/metrics")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    """Sum the samples of a name that carry at least these labels."""
    wanted = set(labels.items())
    return sum(value for (found, carried), value in samples.items() if found == name and wanted <= carried)
