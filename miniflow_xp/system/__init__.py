"""What Python and the operating system differ in: files, processes, locks, terminals, notebooks."""
