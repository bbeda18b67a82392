"""`make bench`: checks every performance claim as a ratio of two alternatives, measured in one run."""

from benchmarks import decoding, polling

for benchmark in (decoding, polling):
    print(f"\n{benchmark.__doc__}")
    benchmark.main()
