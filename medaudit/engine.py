"""``ask``: remove duplicates, look up the store, batch the rest, write each batch as it comes.

Probes never loop over a model; they hand a list of requests to :meth:`Engine.ask`. So every probe is
resumable, cached and fast without knowing it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from medaudit.batching import Item, default_batch_size, plan_batches
from medaudit.errors import ModelError
from medaudit.model import Answer, Model, OutOfMemory, Request
from medaudit.store import Store
from medaudit.teaching import Pupil, Teaching, Tuned, check_teachable


class Listener(Protocol):
    """Who wants to know how far the engine is."""

    def begin(self, total: int) -> None: ...
    def advance(self, done: int) -> None: ...
    def shrink(self, size: int) -> None: ...
    def end(self) -> None: ...


class Engine:
    """The only way to the model, and the only writer of the store."""

    def __init__(
        self, model: Model, store: Store, *, batch_size: int | None = None, listener: Listener | None = None
    ) -> None:
        self.model = model
        self.store = store
        self.listener = listener
        self.batch_size = batch_size or default_batch_size(model.info)
        self.largest = self.batch_size
        self.distinct: set[str] = set()
        self.computed = 0
        self.failed: dict[str, str] = {}

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Answer every request, in order; equal requests are asked once."""
        fingerprint = self.model.info.fingerprint
        keys = [request.key(fingerprint) for request in requests]
        items = [Item(key, request) for key, request in dict(zip(keys, requests, strict=True)).items()]
        self.distinct.update(keys)
        answers = self.store.lookup(item.key for item in items)
        # Planned over all items, stored ones too: a resumed run then forms the batches of the first one.
        batches = plan_batches(items, self.model.cost, self.batch_size)
        missing = [[item for item in batch if item.key not in answers] for batch in batches]
        missing = [batch for batch in missing if batch]
        self._tell("begin", sum(map(len, missing)))
        try:
            for done in self._run(missing):
                self.store.write(done)
                answers.update(done)
                self._count(done)
        finally:
            self._tell("end")
        return [answers[key] for key in keys]

    def tuned(self, teaching: Teaching) -> Tuned:
        """A tuned copy of the model, asked through the same store; tuned only if an answer is missing.

        Raises NotApplicableError for a model that cannot be tuned.
        """
        check_teachable(self.model.info)
        pupil = Pupil(self.model, teaching)
        beside = Engine(pupil, self.store, batch_size=self.batch_size, listener=self.listener)
        beside.distinct, beside.failed = self.distinct, self.failed
        name = f"tuned {pupil.info.fingerprint}"

        def ask(requests: Sequence[Request]) -> list[Answer]:
            keys = {request.key(pupil.info.fingerprint) for request in requests}
            # Here and not in `prepare`, which runs on another thread and could not be interrupted.
            if not pupil.learnt and len(self.store.lookup(keys)) < len(keys):
                self.store.remember(name, json.dumps(pupil.learn()))
            before = beside.computed
            try:
                return beside.ask(requests)
            finally:
                self.computed += beside.computed - before

        return Tuned(pupil.info, ask, lambda: dict(json.loads(self.store.fact(name) or "{}")))

    def _count(self, done: dict[str, Answer]) -> None:
        self.computed += len(done)
        for key, answer in done.items():
            if answer.error is not None:
                self.failed[key] = answer.error
            else:
                self.failed.pop(key, None)
        self._tell("advance", len(done))

    def _run(self, batches: list[list[Item]]) -> Iterator[dict[str, Answer]]:
        """Prepare the next batch on another thread while the model computes this one."""
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="medaudit-prepare")
        try:
            ahead = pool.submit(self._prepare, batches[0]) if batches else None
            for number, batch in enumerate(batches):
                assert ahead is not None
                fits, prepared = ahead.result()
                if number + 1 < len(batches):
                    ahead = pool.submit(self._prepare, batches[number + 1])
                if fits:
                    yield from self._answer(batch, prepared, pool)
                else:
                    yield from self._halves(batch, pool)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _prepare(self, batch: list[Item]) -> tuple[bool, Any]:
        """Whether the batch is small enough by now, and if so what the model made of it."""
        if len(batch) > self.largest:
            return False, None
        return True, self.model.prepare([item.request for item in batch])

    def _answer(
        self, batch: list[Item], prepared: Any, pool: ThreadPoolExecutor
    ) -> Iterator[dict[str, Answer]]:
        """Answer one batch; when memory runs out, its halves."""
        try:
            replies = self.model.answer(prepared)
        except OutOfMemory as error:
            if len(batch) == 1:
                raise ModelError(
                    f"out of memory with a single case ({error}). Use a smaller --dtype, --quantize, "
                    "smaller images or another --device. Answers so far are saved."
                ) from error
            self.largest = min(self.largest, max(1, len(batch) // 2))
            self._tell("shrink", self.largest)
            yield from self._halves(batch, pool)
            return
        if len(replies) != len(batch):
            raise ModelError(
                f"{self.model.info.id}: {len(batch)} requests gave {len(replies)} answers; "
                "a model must answer each request, in order."
            )
        yield {item.key: reply for item, reply in zip(batch, replies, strict=True)}

    def _halves(self, batch: list[Item], pool: ThreadPoolExecutor) -> Iterator[dict[str, Answer]]:
        middle = (len(batch) + 1) // 2
        for half in (batch[:middle], batch[middle:]):
            # On the preparing thread, as always: tokenizers must not be used by two threads at once.
            fits, prepared = pool.submit(self._prepare, half).result()
            yield from self._answer(half, prepared, pool) if fits else self._halves(half, pool)

    def _tell(self, event: str, *values: int) -> None:
        if self.listener is not None:
            getattr(self.listener, event)(*values)
