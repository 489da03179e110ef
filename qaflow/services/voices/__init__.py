"""What people say of themselves and of quality: self-tests and incidents."""
