"""Fine-tuning jobs: their total duration rounds up to the next 15 minutes, once per job and not per event."""

from typing import Final

from msgspec.structs import replace

from drawdown.domain.catalogue import FINE_TUNING, SERVICES
from drawdown.domain.errors import Reject
from drawdown.domain.limits import JOB_SILENCE_MS, JOBS_MAX
from drawdown.domain.model import Account, Job, Measure, Usage
from drawdown.domain.policy import Policy

INCREMENT_MS: Final = SERVICES[FINE_TUNING].session_increment_ms


def rounding_up_ms(total_ms: int) -> int:
    """Give what is missing to the next multiple of the session increment, ms."""
    return -total_ms % INCREMENT_MS


def follow(account: Account, usage: Usage, appended: int, policy: Policy) -> tuple[tuple[Job, ...], Job]:
    """Add a usage to its job; give all jobs of the account and this one.

    Closed jobs whose late usage would be too late anyway are dropped. Raise Reject: job_closed, state_too_large.
    """
    kept = tuple(job for job in account.jobs if not job.closed or job.forget_at >= appended)
    known = next((job for job in kept if job.id == usage.job), None)
    if known is not None and known.closed:
        raise Reject("job_closed", f"job {usage.job} was closed; what it still used needs a job id of its own")
    if known is None and len(kept) >= JOBS_MAX:
        raise Reject("state_too_large", f"the account has {JOBS_MAX} fine-tuning jobs under way; close some first")
    length = 0 if usage.start is None else usage.time - usage.start
    job = Job(
        id=usage.job or "",
        total_ms=(known.total_ms if known else 0) + length,
        last_end=max(usage.time, known.last_end if known else 0),
        last_append=appended,
        gpu_thousandths=usage.gpu_thousandths,
        dimensions=usage.dimensions,
        closed=usage.final,
        forget_at=policy.forget_at(FINE_TUNING, max(usage.time, known.last_end if known else 0)) if usage.final else 0,
    )
    return (*(other for other in kept if other is not known), job), job


def extra_measures(job: Job) -> tuple[Measure, ...]:
    """Give the GPU-seconds that a closed job is rounded up by: the missing time x its own GPUs."""
    quantity = rounding_up_ms(job.total_ms) * job.gpu_thousandths
    return (Measure("gpu_seconds", quantity),) if quantity else ()


def silent_at(job: Job) -> int:
    """Give the append time at which a job counts as silent for too long, ms."""
    return job.last_append + JOB_SILENCE_MS


def heard_of(jobs: tuple[Job, ...], job: Job, appended: int) -> tuple[Job, ...]:
    """Count a job's silence anew from `appended` (ms)."""
    return tuple(replace(job, last_append=appended) if other is job else other for other in jobs)


def closed_by_silence(
    account: Account, jobs: tuple[Job, ...], job: Job, policy: Policy
) -> tuple[tuple[Job, ...], Usage]:
    """Close a silent job; give all jobs, and the usage that its rounding up amounts to, at its last interval's end."""
    closed = replace(job, closed=True, forget_at=policy.forget_at(FINE_TUNING, job.last_end))
    usage = Usage(
        account=account.id,
        source="drawdown",
        id=f"job-closed:{job.id}:{job.last_end}",
        service=FINE_TUNING,
        resource=job.id,
        dimensions=job.dimensions,
        time=job.last_end,
        start=None,
        measures=extra_measures(job),
        gpu_thousandths=job.gpu_thousandths,
        job=job.id,
        final=True,
    )
    return tuple(closed if other is job else other for other in jobs), usage
