"""What a password must be: long, not the person's own name, and none that everybody tries first."""

from __future__ import annotations

import string
import unicodedata
from pathlib import Path

from qaflow import breached
from qaflow.errors import Invalid
from qaflow.services.words import clean_code

LEAST, MOST = 10, 1000  # characters
LEAST_SIGNS = 5  # different ones
DIGITS_ALONE = 16  # shorter ones are telephone numbers, birthdays, identity numbers' parts
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb",
        "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfvtgbyhnujm", "!@#$%^&*()")  # fmt: skip
COMMON = frozenset((
    "", "admin", "administrator", "adminadmin", "baseball", "basketball", "changeme", "college", "computer", "default",
    "dragon", "football", "guest", "iloveyou", "letmein", "login", "master", "mima", "monkey", "passw", "passwd",
    "password",
    "passwordpassword", "pokemon", "princess", "qaflow", "quality", "root", "school", "secret", "spring", "starwars",
    "student", "summer", "sunshine", "superman", "system", "teacher", "temp", "test", "testing", "testtest", "trustno",
    "user", "welcome", "whatever", "winter", "woaini", "xuexiao", "zhiliang",
))  # fmt: skip
"""Words that with some digits and signs around them make the most used passwords of ten characters and more."""
LEET = str.maketrans("@4301!5$7", "aaeolisst")


def settled(login: str, name: str, text: str, listed: Path | None = None) -> str:
    """Return the password as it will be kept; `Invalid` (``password.*``, ``text.too_long``) says what is wrong.

    It stands not in the list of breached ones, where the installation has one.
    """
    password = composed(text)
    check(login, password)
    folded = clean_code(password).casefold()
    if clean_code(login).casefold() in folded or (len(name) > 1 and name.casefold() in folded):
        raise Invalid("password.personal", "a password does not hold the login or the name")
    if _simple(folded):
        raise Invalid("password.common", "this password is among the first that others would try")
    if listed is not None and breached.holds(listed, password):
        raise Invalid("password.breached", "this password stands in a list of stolen ones")
    return password


def composed(text: str) -> str:
    """Return a password as it is kept and compared: the same letters typed in another form (NFD) are the same."""
    return unicodedata.normalize("NFC", text)


def check(login: str, text: str) -> None:
    """Refuse a password that is too short, too long, or the login itself."""
    if len(text) < LEAST:
        raise Invalid("password.too_short", f"a password has at least {LEAST} characters")
    if len(text) > MOST:
        raise Invalid("text.too_long", f"a password has at most {MOST} characters")
    if text.strip().casefold() == login.casefold() or not text.strip():
        raise Invalid("password.weak", "a password is neither blank nor the login")


def _simple(folded: str) -> bool:
    if len(set(folded)) < LEAST_SIGNS or (folded.isdigit() and len(folded) < DIGITS_ALONE):
        return True
    if any(folded in row * 3 or folded[::-1] in row * 3 for row in ROWS):
        return True
    if not folded.isascii():
        return False
    bare = folded.strip(string.digits + string.punctuation).translate(LEET)
    return bare in COMMON or "".join(filter(str.isalpha, folded)) in COMMON
