"""A crash harness: an exam is killed at every durable point, taken up again, and judged by the invariants."""
