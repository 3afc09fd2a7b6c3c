"""The resolver: core, ports, edges, stages and commands."""
