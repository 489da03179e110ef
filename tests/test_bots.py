"""Bots of groups: each vendor's form and signature, the code in the body, the limits, what an administrator sees."""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from mailing import Vendor, vendor

from qaflow import testing
from qaflow.adapters.chat import Bots
from qaflow.errors import Forbidden, Invalid, Missing, Unavailable
from qaflow.services.accounts.sessions import SignedIn
from qaflow.services.notices import channels as channel_desk
from qaflow.services.notices.channels import NewBot
from qaflow.services.ports import Chat, Ports
from qaflow.store.db import db

AT = dt.datetime(2025, 9, 8, 1, tzinfo=dt.UTC)
SECRET = "SECabc"
ADDRESSES = {
    "wecom": "/cgi-bin/webhook/send?key=abc-1", "dingtalk": "/robot/send?access_token=abc-2",
    "feishu": "/open-apis/bot/v2/hook/abc-3",
}  # fmt: skip
KINDS = tuple(ADDRESSES)


@pytest.fixture
def there() -> Iterator[Vendor]:
    """Serve the bots."""
    with vendor() as found:
        yield found


def bots(there: Vendor) -> Bots:
    """Return the adapter with the stand-in as every vendor."""
    return Bots(dict.fromkeys(KINDS, (there.origin,)))


def chat(there: Vendor, kind: str, secret: str = "") -> Chat:
    """Return something to say."""
    address = there.origin + ADDRESSES[kind]
    return Chat(kind=kind, address=address, secret=secret, title="诊改平台", text="逾期 3", at=AT)


def test_each_vendor_is_spoken_to_in_its_own_form(there: Vendor) -> None:
    for kind in KINDS:
        bots(there).send(chat(there, kind))

    (_, wecom), (_, ding), (_, feishu) = there.posted
    assert wecom == {"msgtype": "markdown", "markdown": {"content": "**诊改平台**\n逾期 3"}}
    assert ding == {"msgtype": "markdown", "markdown": {"title": "诊改平台", "text": "**诊改平台**\n\n逾期 3"}}
    assert feishu == {"msg_type": "text", "content": {"text": "诊改平台\n逾期 3"}}


def test_dingtalk_signs_in_the_address_with_milliseconds(there: Vendor) -> None:
    bots(there).send(chat(there, "dingtalk", SECRET))

    asked = parse_qs(urlsplit(there.posted[0][0]).query)
    stamp = str(int(AT.timestamp()) * 1000)
    sign = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert asked["timestamp"] == [stamp] and asked["sign"] == [base64.b64encode(sign).decode()]


def test_feishu_signs_in_the_body_with_seconds(there: Vendor) -> None:
    bots(there).send(chat(there, "feishu", SECRET))

    stamp = str(int(AT.timestamp()))
    sign = hmac.new(f"{stamp}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    assert there.posted[0][1]["timestamp"] == stamp
    assert there.posted[0][1]["sign"] == base64.b64encode(sign).decode()


@pytest.mark.parametrize(("kind", "answer", "code"), [
    ("wecom", {"errcode": 93000, "errmsg": "invalid webhook url"}, "chat.refused"),
    ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, "chat.limited"),
    ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}, "chat.refused"),
    ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, "chat.limited"),
    ("feishu", {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}, "chat.refused"),
    ("dingtalk", {"errcode": 90030, "errmsg": "webhook over limit"}, "chat.limited"),
    ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, "chat.refused"),
    ("feishu", {"code": 9499, "msg": "too many request"}, "chat.limited"),
    ("feishu", {"code": 9499, "msg": "Bad Request", "data": {}}, "chat.refused"),
    ("feishu", {"code": 11232, "msg": "create message service trigger rate limit"}, "chat.limited"),
    ("feishu", {"code": 19024, "msg": "Key Words Not Found"}, "chat.refused"),
    ("feishu", {"code": False, "msg": "no number"}, "chat.refused"),
    ("feishu", {"code": 0.4, "msg": "no whole number"}, "chat.refused"),
    ("feishu", {"code": float("inf"), "msg": "none at all"}, "chat.refused"),
    ("feishu", {"code": [0], "msg": "a list"}, "chat.refused"),
    ("feishu", {"msg": "no code at all"}, "chat.refused"),
    ("feishu", ["no", "object"], "chat.refused"),
])  # fmt: skip
def test_a_refusal_in_the_body_of_a_200_is_a_refusal(there: Vendor, kind: str, answer: dict, code: str) -> None:
    there.answer = answer

    with pytest.raises(Unavailable) as told:
        bots(there).send(chat(there, kind))
    assert told.value.code == code and "abc" not in told.value.detail


REFUSED = [(500, "chat.unreachable"), (302, "chat.unreachable"), (429, "chat.limited")]


@pytest.mark.parametrize(("status", "code"), REFUSED)
def test_other_answers_are_refusals_too(there: Vendor, status: int, code: str) -> None:
    there.status = status
    with pytest.raises(Unavailable) as told:
        bots(there).send(chat(there, "wecom"))
    assert told.value.code == code


def test_a_limit_is_a_limit_whatever_the_status(there: Vendor) -> None:
    there.status, there.answer = 400, {"code": 11232, "msg": "frequency limited"}

    with pytest.raises(Unavailable) as told:
        bots(there).send(chat(there, "feishu"))
    assert told.value.code == "chat.limited"


@pytest.mark.parametrize("address", [
    "http://127.0.0.1:1/cgi-bin/webhook/send?key=k", "https://qyapi.weixin.qq.com.evil.test/cgi-bin/webhook/send?key=k",
    "https://x@qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    "https://qyapi.weixin.qq.com/other?key=k", "file:///etc/passwd", "https://[", "",
])  # fmt: skip
def test_only_the_vendors_own_addresses_are_taken(address: str) -> None:
    with pytest.raises(Invalid):
        Bots().check("wecom", address)
    Bots().check("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k")


def desk(app: Flask, there: Vendor) -> tuple[testing.World, Ports]:
    """Return a college whose program speaks to the stand-in."""
    ports = app.extensions["qaflow"]
    ports = replace(ports, chats=bots(there), settings=replace(ports.settings, base_url="https://qa.college.test"))
    world = testing.World(db.session)
    at = world.now
    object.__setattr__(ports, "clock", type("At", (), {"now": lambda self: at})())
    return world, ports


def signed(world: testing.World, login: str) -> SignedIn:
    """Return somebody as signed in."""
    return SignedIn(session="", person=world.persons[login], college=world.college, login=login, name=login,
                    language="zh", device="", kinds=frozenset(), titles=())  # fmt: skip


def new(there: Vendor, name: str = "组", kind: str = "wecom", **more: object) -> NewBot:
    """Return a bot to be added."""
    return NewBot(kind=kind, name=name, address=there.origin + ADDRESSES[kind], **more)  # type: ignore[arg-type]


def test_a_bot_is_kept_encrypted_shown_masked_tried_and_removed(app: Flask, there: Vendor) -> None:
    world, ports = desk(app, there)
    admin = signed(world, "admin")

    number = channel_desk.add(db.session, ports, world.origin("admin"), admin, new(there, secret=SECRET))

    kept = world.query("select address, secret from channel where id = :i", i=number)[0]
    assert all(b"abc" not in bytes(part) for part in kept)
    (shown,) = channel_desk.everyone(db.session, ports, world.origin("admin"), admin)
    assert "abc" not in shown.shown and shown.shown.endswith("…bc-1")
    assert "abc" not in str(world.query("select data from journal where kind = 'ChannelAdded'"))
    assert channel_desk.try_out(db.session, ports, world.origin("admin"), admin, number)
    assert "试发" in there.posted[-1][1]["markdown"]["content"]
    channel_desk.remove(db.session, world.origin("admin"), admin, number)
    assert world.query("select address, secret from channel where id = :i", i=number) == [(None, None)]
    with pytest.raises(Missing):
        channel_desk.remove(db.session, world.origin("admin"), admin, number)


def test_a_broken_bot_shows_and_is_resumed_by_hand(app: Flask, there: Vendor) -> None:
    world, ports = desk(app, there)
    admin, there.answer = signed(world, "admin"), {"errcode": 93000, "errmsg": "invalid webhook url"}
    number = channel_desk.add(db.session, ports, world.origin("admin"), admin, new(there))

    assert not channel_desk.try_out(db.session, ports, world.origin("admin"), admin, number)
    state = {one.row.id: one for one in channel_desk.everyone(db.session, ports, world.origin("admin"), admin)}[number]
    assert state.broken and state.waiting == 1 and "93000" in str(state.row.last_error) and state.row.next_try_at

    there.answer = {"errcode": 0, "errmsg": "ok"}
    assert channel_desk.resume(db.session, ports, world.origin("admin"), admin, number)
    assert len(there.posted) == 2


def test_no_bot_gets_more_than_its_vendor_allows_in_a_minute(app: Flask, there: Vendor) -> None:
    world, ports = desk(app, there)
    admin = signed(world, "admin")
    groups = [new(there, f"g{n}") for n in range(25)]
    numbers = [channel_desk.add(db.session, ports, world.origin("admin"), admin, one) for one in groups]

    for number in numbers:
        channel_desk.try_out(db.session, ports, world.origin("admin"), admin, number)

    assert len(there.posted) == 20


def test_only_the_administrator_sets_channels_and_no_name_twice(app: Flask, there: Vendor) -> None:
    world, ports = desk(app, there)
    for login in ("office", "lead"):
        with pytest.raises(Forbidden):
            channel_desk.add(db.session, ports, world.origin(login), signed(world, login), new(there))
    channel_desk.add(db.session, ports, world.origin("admin"), signed(world, "admin"), new(there))
    with pytest.raises(Invalid, match="already"):
        channel_desk.add(db.session, ports, world.origin("admin"), signed(world, "admin"), new(there))
