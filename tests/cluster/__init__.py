"""The development overlay on a real cluster: run by `make k8s-test`, and by nobody else."""
