"""A finished study for others: a Workflow Run RO-Crate, and its checkpoints as Hugging Face folders."""
