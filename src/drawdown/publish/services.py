"""One method a service, the same for the async and the sync publisher."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Generic, TypeVar

from drawdown.publish.events import Amount, UsageEvent, container_event, inference_event, tuning_event

SentT_co = TypeVar("SentT_co", covariant=True)


class Services(ABC, Generic[SentT_co]):
    """Builds events of the three services and publishes them.

    Each method raises Reject with its code for what the service would refuse. `event_id` is made where it is not given;
    give it, and the same times, where the caller itself may come again after a crash: one id counts once.
    """

    source: str

    @abstractmethod
    def publish(self, event: UsageEvent) -> SentT_co:
        """Publish an event that was built before, such as the one of a NotDelivered."""

    def gpu_container(
        self,
        account: str,
        *,
        container: str,
        gpu_model: str,
        gpu_count: Amount,
        start: datetime,
        end: datetime,
        running: bool = True,
        storage_gb: Amount = 0,
        region: str | None = None,
        event_id: str | None = None,
    ) -> SentT_co:
        """Publish what a container used over [start, end), at most 24 hours. Storage counts also while stopped."""
        event = container_event(
            self.source,
            account,
            container=container,
            gpu_model=gpu_model,
            gpu_count=gpu_count,
            start=start,
            end=end,
            running=running,
            storage_gb=storage_gb,
            region=region,
            event_id=event_id,
        )
        return self.publish(event)

    def fine_tuning(
        self,
        account: str,
        *,
        job: str,
        model: str,
        gpu_model: str,
        gpu_count: Amount,
        start: datetime,
        end: datetime,
        final: bool = False,
        region: str | None = None,
        event_id: str | None = None,
    ) -> SentT_co:
        """Publish what a job used over [start, end), at most 24 hours. final: the job has ended."""
        event = tuning_event(
            self.source,
            account,
            job=job,
            model=model,
            gpu_model=gpu_model,
            gpu_count=gpu_count,
            start=start,
            end=end,
            final=final,
            region=region,
            event_id=event_id,
        )
        return self.publish(event)

    def inference(
        self,
        account: str,
        *,
        endpoint: str,
        model: str,
        input_tokens: int = 0,
        cached_input_tokens: int = 0,
        output_tokens: int = 0,
        input_characters: int = 0,
        output_characters: int = 0,
        images: int = 0,
        time: datetime | None = None,
        region: str | None = None,
        event_id: str | None = None,
    ) -> SentT_co:
        """Publish what an endpoint served in a call or a batch of calls. time: its end; now where it is not given."""
        event = inference_event(
            self.source,
            account,
            endpoint=endpoint,
            model=model,
            time=time,
            region=region,
            event_id=event_id,
            input_tokens=input_tokens,
            cached_input_tokens=cached_input_tokens,
            output_tokens=output_tokens,
            input_characters=input_characters,
            output_characters=output_characters,
            images=images,
        )
        return self.publish(event)
