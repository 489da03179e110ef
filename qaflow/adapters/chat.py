"""Bots of groups in WeCom (企业微信), DingTalk (钉钉) and Feishu (飞书).

All three answer 200 also where they refuse: the code in the body alone tells (https://developer.work.weixin.qq.com/document/path/91770,
https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages, https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from qaflow.errors import Invalid, Unavailable
from qaflow.services.ports import Chat

HOSTS = {
    "wecom": ("https://qyapi.weixin.qq.com",),
    "dingtalk": ("https://oapi.dingtalk.com",),
    "feishu": ("https://open.feishu.cn", "https://open.larksuite.com"),
}
PATHS = {"wecom": "/cgi-bin/webhook/send", "dingtalk": "/robot/send", "feishu": "/open-apis/bot/v2/hook/"}
KEYS = {"wecom": "key", "dingtalk": "access_token"}
LIMITED = {"wecom": {45009}, "dingtalk": {130101, 90030, 660026}, "feishu": {9499, 11232}}
"""Codes by which each says that too much was sent.

WeCom: 45009 (its page of codes, https://developer.work.weixin.qq.com/document/path/90313). DingTalk: 130101 "send too
fast, exceed 20 times per minute", limited then for ten minutes; 90030 "webhook over limit". Feishu: 11232, at 100 a
minute or 5 a second; 9499 also tells of a body that it cannot read, so there its words decide.
"""
UNREADABLE = "bad request"  # Feishu's other words with 9499: to wait mends nothing
SECONDS = 10.0
MOST = 64 * 1024  # bytes of an answer that are read
LONGEST = 300
DIGITS = 20
OK = 200
TOO_MANY = 429


class Bots:
    """Speaks to the bots of groups."""

    def __init__(self, hosts: Mapping[str, tuple[str, ...]] = HOSTS) -> None:
        """Take the origins under which each vendor's bots are: addresses elsewhere are refused."""
        self.hosts = hosts

    def check(self, kind: str, address: str) -> None:
        """Raise Invalid (``channel.address``) where the address is not one of this vendor's bots."""
        try:
            parts = urlsplit(address)
            right = f"{parts.scheme}://{parts.netloc}" in self.hosts[kind] and parts.path.startswith(PATHS[kind])
            known = bool(parse_qs(parts.query).get(KEYS[kind])) if kind in KEYS else parts.path != PATHS[kind]
        except ValueError:
            right = known = False
        if not right or not known or parts.fragment:
            told = f"not the address of a bot of {kind}: one begins with {self.hosts[kind][0]}{PATHS[kind]}"
            raise Invalid("channel.address", told)

    def send(self, chat: Chat) -> None:
        """Say it; raise Unavailable (``chat.unreachable``, ``.limited``, ``.refused``) where it is not taken."""
        self.check(chat.kind, chat.address)
        address, body = SPOKEN[chat.kind](chat)
        status, text = _post(address, body)
        code, told = _answer(text)
        limited = code in LIMITED[chat.kind] and UNREADABLE not in told.lower()
        if limited or status == TOO_MANY:  # Feishu may say so with a 400 as well
            raise Unavailable("chat.limited", f"{chat.kind} says that too much was sent ({code or status})")
        if status != OK:
            raise Unavailable("chat.unreachable", f"{chat.kind} answered {status}")
        if code != 0:
            raise Unavailable("chat.refused", f"{chat.kind} answered {code}: {told}"[:LONGEST])


def _wecom(chat: Chat) -> tuple[str, dict[str, Any]]:
    return chat.address, {"msgtype": "markdown", "markdown": {"content": f"**{chat.title}**\n{chat.text}"}}


def _dingtalk(chat: Chat) -> tuple[str, dict[str, Any]]:
    """Sign with the milliseconds and the secret, in the address."""
    address = chat.address
    if chat.secret:
        stamp = str(int(chat.at.timestamp() * 1000))
        sign = _digest(chat.secret.encode(), f"{stamp}\n{chat.secret}".encode())
        address += "&" + urlencode({"timestamp": stamp, "sign": sign}, quote_via=quote)
    words = {"title": chat.title, "text": f"**{chat.title}**\n\n{chat.text}"}
    return address, {"msgtype": "markdown", "markdown": words}


def _feishu(chat: Chat) -> tuple[str, dict[str, Any]]:
    """Sign with the seconds and the secret as the key of an empty text, in the body."""
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": f"{chat.title}\n{chat.text}"}}
    if chat.secret:
        stamp = str(int(chat.at.timestamp()))
        body |= {"timestamp": stamp, "sign": _digest(f"{stamp}\n{chat.secret}".encode(), b"")}
    return chat.address, body


SPOKEN = {"wecom": _wecom, "dingtalk": _dingtalk, "feishu": _feishu}


def _digest(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def _post(address: str, body: dict[str, Any]) -> tuple[int, str]:
    """Post JSON and return the status and the answer; redirects are not followed."""
    parts = urlsplit(address)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=SECONDS)
    try:
        connection.request("POST", f"{parts.path}?{parts.query}" if parts.query else parts.path, json.dumps(body),
                           {"Content-Type": "application/json; charset=utf-8"})  # fmt: skip
        answer = connection.getresponse()
        return answer.status, answer.read(MOST).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        # The address is not told: it holds the key
        raise Unavailable("chat.unreachable", f"{parts.hostname}: {type(error).__name__}") from error
    finally:
        connection.close()


def _answer(text: str) -> tuple[int | None, str]:
    """Return the code and the words of an answer; no code where there is none."""
    try:
        found = json.loads(text)
        code = found.get("errcode", found.get("code", found.get("StatusCode")))
    except (ValueError, AttributeError, RecursionError):
        return None, "no JSON"
    whole = type(code) is int or (isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < DIGITS)
    return (int(code) if whole else None), str(found.get("errmsg", found.get("msg", "")))
