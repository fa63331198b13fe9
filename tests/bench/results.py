"""All figures of a run, and their format on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from comparison import Comparison
from deltas import Delta
from history import Steps
from measure import Figure, Sample


@dataclass
class Results:
    """The input for the document."""

    facts: dict[str, str] = field(default_factory=dict)
    """The machine and the versions, by name."""
    round_trips_s: list[float] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    history: dict[str, Steps] = field(default_factory=dict)
    database: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """The skipped parts, with reasons."""

    def save(self, path: Path) -> None:
        """Writes everything as JSON."""
        content = asdict(self)
        for held, comparison in zip(content["comparisons"], self.comparisons, strict=True):
            held["figures"] = [
                {"of": key, **asdict(figure)} for key, figure in comparison.figures.items()
            ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Results:
        """Reads a file written by `save`."""
        content = json.loads(path.read_text())
        for comparison in content["comparisons"]:
            comparison["figures"] = {
                tuple(held["of"]): Figure(
                    [Sample(**sample) for sample in held["samples"]], held["reason"]
                )
                for held in comparison["figures"]
            }
        content["comparisons"] = [Comparison(**each) for each in content["comparisons"]]
        content["deltas"] = [Delta(**each) for each in content["deltas"]]
        content["history"] = {way: Steps(**each) for way, each in content["history"].items()}
        return cls(**content)
