"""What benchmarks compare ridealong with, where it is a program of its own."""
