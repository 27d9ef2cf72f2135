"""Moving accounts in from another service, and out of this one."""
