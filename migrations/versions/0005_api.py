"""The API: tokens with scopes, what was answered to an idempotency key."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
