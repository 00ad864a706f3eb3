"""Is a gradient right? Every node, and the whole graph, against central differences in float64."""
