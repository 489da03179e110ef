"""The running installation: operations, health, backups, the doctor."""
