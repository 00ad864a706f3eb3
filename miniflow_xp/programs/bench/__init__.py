"""Fair benchmarks: interleaved rounds, paired ratios with intervals, the crossover, reports from JSON alone."""
