"""What the commands of ``ptp`` take; what it means together is settled where the command is."""
