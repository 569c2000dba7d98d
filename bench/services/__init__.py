"""What is timed beside the worker, each a process of its own."""
