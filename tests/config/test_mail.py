"""The mail server, as the environment names it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment, mail

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", mail.MailServer(SMTP, "mail.example.com", 25)),
        ("smtp+tls://u%40x:p%2Fw@mail.example.com", mail.MailServer(SMTP, "mail.example.com", 587, "u@x", "p/w", True)),
        ("smtps://u:p@mail.example.com:2465/", mail.MailServer(SMTP, "mail.example.com", 2465, "u", "p", False, True)),
    ],
)
def test_an_address_says_all_that_there_is_to_know_of_a_mail_server(url, server):
    assert mail.read(url) == server


def test_without_an_address_mail_goes_nowhere_and_for_a_developer_to_the_console():
    assert mail.read("").backend.endswith("dummy.EmailBackend")
    assert mail.read("console:").backend.endswith("console.EmailBackend")


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"EMAIL_URL": "http://u:pa55word@mail.example.com", "PUBLIC_URL": "https://desk.example.com"}, "EMAIL_URL"),
        ({"EMAIL_URL": "smtp://u:pa55word@", "PUBLIC_URL": "https://desk.example.com"}, "EMAIL_URL"),
        ({"EMAIL_URL": "smtp://u:pa55word@mail:99999", "PUBLIC_URL": "https://desk.example.com"}, "EMAIL_URL"),
        ({"EMAIL_URL": "smtp://u:pa55word@mail"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "javascript:alert(1)"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://desk.example.com/\r\nX: y"}, "PUBLIC_URL"),
    ],
)
def test_a_wrong_address_stops_the_start_and_is_named_without_its_password(monkeypatch, variables, name):
    for variable in ("EMAIL_URL", "PUBLIC_URL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(ImproperlyConfigured, match=f"{name}: ") as refusal:
        environment.read()
    assert "pa55word" not in str(refusal.value)


def test_the_password_is_in_no_text_of_the_server():
    assert "pa55word" not in repr(mail.read("smtp://u:pa55word@mail.example.com"))


def test_the_address_of_the_desk_is_taken_without_its_slash(monkeypatch):
    monkeypatch.setenv("EMAIL_URL", "smtp://mail.example.com")
    monkeypatch.setenv("PUBLIC_URL", "https://desk.example.com/")
    assert environment.read().PUBLIC_URL == "https://desk.example.com"
