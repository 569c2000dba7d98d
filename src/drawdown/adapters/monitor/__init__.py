"""What operators see of a worker over HTTP: metrics, whether it lives, whether it is ready."""
