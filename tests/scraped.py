"""A scrape of a daemon as data, read by Prometheus' own parser for Python."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Scraped:
    """`text` is the exposition in Prometheus' text format."""

    text: str
    families: Mapping[str, Metric]
    values: Mapping[tuple[str, Labels], float]

    def value(self, name: str, **labels: str) -> float:
        """The one sample with exactly these labels."""
        return self.values[name, frozenset(labels.items())]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels."""
        wanted = labels.items()
        return sum(value for (it, has), value in self.values.items() if it == name and wanted <= dict(has).items())

    def labels_of(self, name: str) -> set[frozenset[str]]:
        """The sets of label names of the samples."""
        return {frozenset(dict(has)) for it, has in self.values if it == name}

    @property
    def names(self) -> set[str]:
        """Names of series, as PromQL uses them."""
        return {name for name, _ in self.values}


def read(text: str) -> Scraped:
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = [sample for family in families.values() for sample in family.samples]
    values = {(it.name, frozenset(it.labels.items())): it.value for it in samples}
    assert len(values) == len(samples), "a series is there twice"
    return Scraped(text, families, values)


def scrape(url: str, **headers: str) -> Scraped:
    request = urllib.request.Request(f"{url}/metrics", headers=headers)  # noqa: S310  loopback only
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  the same
        return read(answer.read().decode())
