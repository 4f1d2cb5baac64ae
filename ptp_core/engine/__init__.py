"""From a study to a graph of jobs, and from a job file to a result in the store."""
