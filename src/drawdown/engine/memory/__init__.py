"""The ports' twins in memory: the same contract without servers, threads or waiting, and faults on demand."""
