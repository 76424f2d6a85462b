"""Mail over a real connection: what a mail server is told, and what happens when it goes away in the middle."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy

import pytest

from workflows.mail import choices
from workflows.mail.delivery import deliver_due
from workflows.models import MailTiming, Notice


@dataclass
class Post:
    """A mail server of a test: it speaks as much SMTP as a mail needs. `answer` is its answer to a whole mail."""

    answer: bytes | None = b"250 taken"
    letters: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    port: int = 0


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        post: Post = self.server.post
        self._say(b"220 a mail server of a test")
        while line := self.rfile.readline().strip():
            verb = line.split(b" ", 1)[0].upper()
            if verb == b"RCPT":
                post.recipients.append(line.decode().partition(":")[2])
            if verb == b"QUIT":
                self._say(b"221 bye")
                return
            if verb != b"DATA":
                self._say(b"250 yes")
                continue
            self._say(b"354 go on")
            post.letters.append(self._letter())
            if post.answer is None:
                return
            self._say(post.answer)

    def _letter(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        return b"".join(lines)

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@pytest.fixture
def post(settings):
    found = Post()
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
    server.daemon_threads, server.post = True, found
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
    settings.DEFAULT_FROM_EMAIL = "Goodwill <desk@example.com>"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def house(committed_house, settings):
    settings.MAIL_ON = True
    settings.PUBLIC_URL = "https://desk.example.com"
    choices.choose(committed_house.actor(committed_house.checker), waiting=MailTiming.AT_ONCE)
    choices.choose(committed_house.actor(committed_house.colleague), waiting=MailTiming.OFF)
    return committed_house


def test_the_server_gets_one_mail_in_text_and_html(house, post):
    request = house.submit()
    assert deliver_due() == 1
    letter = message_from_bytes(post.letters[0], policy=policy.default)
    assert post.recipients == [f"<{house.checker.email}>"]
    assert letter["Subject"] == "[Goodwill] A request waits for you"
    assert letter["From"] == "Goodwill <desk@example.com>"
    assert letter["List-Unsubscribe"] == "<https://desk.example.com/admin/notifications/>"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    for part in letter.iter_parts():
        assert f"/admin/workflows/admintask/{request.tasks.get().pk}/change/" in part.get_content()
    assert deliver_due() == 0
    assert len(post.letters) == 1


@pytest.mark.parametrize("answer", [b"451 try later", None])
def test_what_the_server_did_not_confirm_is_sent_again_under_the_same_id(house, post, answer):
    house.submit()
    post.answer = answer
    assert deliver_due() == 0
    (notice,) = Notice.objects.all()
    assert notice.tries == 1
    post.answer = b"250 taken"
    Notice.objects.update(due_at=notice.request.created_at)
    assert deliver_due() == 1
    ids = {message_from_bytes(letter)["Message-ID"] for letter in post.letters}
    assert len(post.letters) == 2
    assert len(ids) == 1
