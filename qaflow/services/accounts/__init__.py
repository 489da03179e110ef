"""Accounts and people: rights by role, passwords, sessions, deputies, who leaves."""
