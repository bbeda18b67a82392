"""`make bench`: every claim about speed, as a ratio of two ways measured in one run."""

from benchmarks import decoding, polling

for benchmark in (decoding, polling):
    print(f"\n{benchmark.__doc__}")
    benchmark.main()
