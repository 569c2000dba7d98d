"""The rules of rating: pure functions over frozen structs. README.md states them in prose."""
