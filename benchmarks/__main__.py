"""`make bench`: checks every performance claim as a ratio of two alternatives, measured in one run."""

from benchmarks import decoding, ledger, polling

for benchmark in (decoding, ledger, polling):
    print(f"\n{benchmark.__doc__}")
    benchmark.main()
