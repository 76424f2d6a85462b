"""A secret that a client sends is in no table, no log, no message, no page and no answer but the one to who sent it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest
from django_otp.oath import TOTP

from accounts.second_factor import RECOVERY_CODES
from tests.faults.killable import wait_until
from tests.faults.service import Service
from tests.security import wrong_places
from tests.security.canary import basic_canary, found, text_canary
from tests.security.life import Browser, Life
from tests.security.places import files, redis_values, tables
from tests.workflows.raw_servers import Conversation, RawServer, raw_server
from wire import secrets
from workflows.bindings import secret_binding

pytestmark = [pytest.mark.xdist_group("security-service"), pytest.mark.timeout(240)]

ENDED = ("rejected", "withdrawn", "credited", "refused", "echoed", "echoed-twice", "troubled", "interrupted")
OPEN = "open"
SECOND_FACTOR = "/admin/second-factor/set-up/"
RAISED = b"RuntimeError: failpoint call.before"


def repeating(conversation: Conversation) -> None:
    """Credit, or refuse what asks for it, and repeat the credential in every shape and place."""
    while request := conversation.read_request():
        credential = re.findall(rb"(?i)^authorization: (.*?)\r$", request, re.M)[0]
        bare = credential.partition(b" ")[2]
        words = b"%b, %b, %b" % (credential, bare, base64.b64decode(bare))
        body = b'{"createdId": 1, "warnings": ["%b"], "authorization": "%b", "x": {"%b": 1}}' % (
            words,
            credential,
            words,
        )
        status = b"201 Created"
        if b"echoed-twice" in request:
            status, body = b"400 Bad Request", b'{"errors": [{"status": false, "message": "%b is wrong"}]}' % words
        head = b"content-type: application/json\r\nx-echo: %b\r\nset-cookie: s=%b\r\ncontent-length: %d\r\n\r\n"
        conversation.send(b"HTTP/1.1 %b\r\n" % status + head % (words, bare, len(body)) + body)


@pytest.fixture(scope="module")
def echo() -> Iterator[RawServer]:
    with raw_server(repeating) as server:
        yield server


@pytest.fixture(scope="module")
def life(service: Service, echo: RawServer) -> Life:
    """The whole story, told once; what it has left behind is looked at by the tests."""
    life = Life(service, echo.url)
    web = service.web()
    keep_tokens(life)
    set_up_target(life)  # before the first request: afterwards no administrator changes anything alone
    send_astray(life)
    requests = submit_all(life)
    life.note_tables("while they wait")
    interrupt_a_worker(life, requests["interrupted"])
    decide_all(life, requests)
    life.stages["while the messages wait"] = redis_values(service)
    carry_out(life)
    break_the_web(life)
    visit_the_desk(life, requests[OPEN])
    web.stop()
    return life


def keep_tokens(life: Life) -> None:
    """Tokens are shown once, to whoever asks for them."""
    client = {"key": life.client["key"], "secret": life.client["secret"]}
    person = {"username": "canary-maker", "password": life.password.value, "orgId": life.furnished["organisation"]}
    for name, path, body in (("OAuth", "/v3/oauth/token/generate", client), ("UI", "/auth/ui-token", person)):
        answer = life.call(f"{name} token", "POST", path, role=None, json=body)
        assert answer.status_code == 200, answer.text
        life.learn(f"{name} token", answer.json()["data"]["accessToken"], f"answer {name} token")
    form = {"grant_type": "client_credentials"}
    standard = life.call("standard token", "POST", "/oauth2/token", role=None, auth=tuple(client.values()), data=form)
    assert standard.status_code == 200, standard.text
    access = life.learn("standard token", standard.json()["access_token"], "answer standard token")
    bearer = {"Authorization": f"Bearer {access.value}"}
    assert life.call("as the client", "GET", "/api_gateway/v2/request-workflow/requests", role=None, headers=bearer).ok


def send_astray(life: Life) -> None:
    """Secrets in wrong places and in requests with mistakes; none of them is taken."""
    before = life.service.sql("SELECT count(*) FROM workflows_workflowrequest")
    for name, body in wrong_places.bodies(life):
        assert life.call(name, "POST", wrong_places.SUBMIT, json=body).status_code == 400, name
    for name, text in wrong_places.texts(life):
        headers = {"Content-Type": "application/json"}
        assert life.call(name, "POST", wrong_places.SUBMIT, data=text, headers=headers).status_code == 400, name
    everything = [*wrong_places.elsewhere(life), *wrong_places.credentials(life)]
    for number, (method, path, options) in enumerate(everything):
        answer = life.call(f"astray {number} {method} {path}", method, path, **options)
        # A token that nobody has is revoked without a word (RFC 7009).
        assert 400 <= answer.status_code < 500 or "revoke" in path, f"{method} {path} {options}"
    assert life.service.sql("SELECT count(*) FROM workflows_workflowrequest") == before


def submit_all(life: Life) -> dict[str, str]:
    requests = {
        name: life.submit(name, role="person" if name == "withdrawn" else "maker", to_echo=name.startswith("echoed"))
        for name in (*ENDED, OPEN)
    }
    again = life.call("submit again", "POST", wrong_places.SUBMIT, json=life.body(OPEN, life.other_payload))
    assert again.headers["Idempotent-Replay"] == "true"
    other = life.body(OPEN, life.stray)
    other["payload"]["IntouchAPITask-Payload"]["body"]["points"] = 21
    assert life.call("submit otherwise", "POST", wrong_places.SUBMIT, json=other).status_code == 409
    return requests


def decide_all(life: Life, requests: dict[str, str]) -> None:
    for name, request_id in requests.items():
        if name not in ("interrupted", "withdrawn", OPEN):
            life.decide(name, request_id, "rejected" if name == "rejected" else "approved")
        life.call(f"show {name}", "GET", f"{wrong_places.REQUESTS}/{request_id}")
    at_the_desk(life, requests["withdrawn"])


def at_the_desk(life: Life, request_id: str) -> None:
    """Only its own maker may withdraw a request; the refusal shows the whole page."""
    (task,) = life.service.sql("SELECT id FROM workflows_admintask WHERE request_id = %s", request_id)[0]
    page = f"/admin/workflows/admintask/{task}/"
    for role, status in (("checker", 403), ("maker", 302)):
        person = Browser(life, f"canary-{role}")
        person.log_in()
        assert person.post(f"{page}withdraw/", message="taken back").status_code == status


def interrupt_a_worker(life: Life, request_id: str) -> None:
    """An exception in the worker while the credential stands in its local variables."""
    life.decide("interrupted", request_id)
    with life.service.running(life.service.worker(failpoint="call.before:raise")):
        wait_until(lambda: RAISED in logged(life, "worker"), "the worker has raised")


def logged(life: Life, name: str) -> bytes:
    return b"".join(log.read_bytes() for log in life.service.directory.glob(f"{name}-*.log"))


def carry_out(life: Life) -> None:
    sandbox = life.service.sandboxes[0]
    for fault in ("503", "garbage", "drop-before-credit"):
        sandbox.order(fault, referenceId="troubled")
    sandbox.order("401", referenceId="refused")
    processes = (life.service.worker(), life.service.beat())
    with life.service.running(*processes):
        life.service.wait_for_state("credited", "credited", "echoed", "troubled", "interrupted")
        life.service.wait_for_state("failed", "refused", "echoed-twice")
    life.note_tables("when all but one have ended")


def break_the_web(life: Life) -> None:
    """Exceptions in the web while a submission stands in its local variables: refused by the database, a table gone."""
    sql = life.service.sql
    sql("ALTER TABLE workflows_workflowrequest ADD CONSTRAINT broken CHECK (reference_id <> 'broken')")
    answer = life.call("a broken constraint", "POST", wrong_places.SUBMIT, json=life.body("broken", life.stray))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (500, 5000)
    sql("ALTER TABLE workflows_workflowrequest DROP CONSTRAINT broken")
    for table in ("workflows_admintask", "goodwill_goodwillrequest"):
        sql(f"ALTER TABLE {table} RENAME TO away")
        answer = life.call(f"without {table}", "POST", wrong_places.SUBMIT, json=life.body("broken", life.stray))
        assert answer.status_code == 500
        sql(f"ALTER TABLE away RENAME TO {table}")


def visit_the_desk(life: Life, open_request: str) -> None:
    for role in ("maker", "checker", "auditor", "operator"):
        person = Browser(life, f"canary-{role}")
        assert person.log_in().status_code == 302
        assert len(person.walk()) > 10
    assert Browser(life, "canary-nobody").log_in(life.stray.parts[3]).status_code == 200
    page = f"/admin/workflows/workflowrequest/{open_request}/change/"
    assert person.get(page).status_code == 200
    life.service.sql("ALTER TABLE workflows_intouchcall RENAME TO away")
    assert person.get(page).status_code == 500
    life.service.sql("ALTER TABLE away RENAME TO workflows_intouchcall")
    set_up(life)


def set_up_target(life: Life) -> None:
    """The page of a target takes its credential and shows it to nobody, whether the form is right or wrong."""
    administrator = Browser(life, "canary-administrator")
    administrator.log_in()
    target = life.service.sql("SELECT min(id) FROM workflows_intouchtarget")[0][0]
    page = f"/admin/workflows/intouchtarget/{target}/change/"
    wrong = administrator.post(page, base_url="no address", new_credential=life.target.value, is_enabled="on")
    assert wrong.status_code == 200
    address = life.service.sandboxes[0].url
    right = administrator.post(
        page, base_url=address, new_credential=life.target.value, is_enabled="on", allows_internal="on"
    )
    assert right.status_code == 302


def set_up(life: Life) -> None:
    """The administrator's pages take secrets and show none again."""
    administrator = Browser(life, "canary-administrator")
    administrator.log_in()
    account, person = (
        life.service.sql(query)[0][0]
        for query in (
            "SELECT id FROM accounts_user WHERE username = 'canary-machine'",
            "SELECT id FROM accounts_user WHERE username = 'canary-operator'",
        )
    )
    shown = administrator.post(f"/admin/accounts/user/{account}/secret/")
    made = re.findall(r"gws_[A-Za-z0-9_-]{20,}", shown.text)[0]
    life.learn("a new secret", made, f"answer {administrator.last}")
    short = administrator.post(
        f"/admin/accounts/user/{person}/password/", password1="short", password2=life.stray.parts[3]
    )
    assert short.status_code == 200
    administrator.walk()
    set_up_second_factor(life)


def set_up_second_factor(life: Life) -> None:
    """The seed is shown to its owner until it is confirmed, the recovery codes in one answer."""
    person = Browser(life, "canary-auditor")
    person.log_in()
    shown = re.findall(r"<code[^>]*>((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})</code>", person.read(SECOND_FACTOR))[0]
    seed = shown.replace(" ", "")
    # It stays the same until it is confirmed, and a walk has been here before.
    pages = [place for place in life.answers if "canary-auditor" in place and SECOND_FACTOR in place]
    life.learn("a seed, as it is shown", shown, *pages)
    life.learn("a seed", seed, *pages)
    life.learn("a seed in hexadecimal", base64.b32decode(seed).hex())
    done = person.post(SECOND_FACTOR, code=str(TOTP(base64.b32decode(seed)).token()).zfill(6))
    codes = re.findall(r"<code>([a-z2-7]{4}(?: [a-z2-7]{4}){3})</code>", done.text)
    assert len(codes) == RECOVERY_CODES
    for number, code in enumerate(codes):
        life.learn(f"recovery code {number}", code, f"answer {person.last}")
        life.learn(f"recovery code {number}, as it is typed", code.replace(" ", ""), f"answer {person.last}")


@pytest.fixture(scope="module")
def left_behind(life: Life, service: Service) -> dict[str, bytes]:
    """Everything that can be searched."""
    sandbox = service.sandboxes[0]
    ledger = life.session.get(f"{sandbox.url}/ledger").content
    assert b"credited" in ledger
    places = {**dict(life.everything()), **tables(service), **redis_values(service), **on_disk(service)}
    return places | {"the sandbox's own word": ledger}


def on_disk(service: Service) -> dict[str, bytes]:
    """Logs and ledgers, the broker's journal, and PostgreSQL's data with its journal and rows that are no more."""
    return {**files(service.directory), **files(service.postgres.server.directory)}


def test_no_secret_is_anywhere_but_in_the_answer_to_whoever_has_sent_it(
    life: Life, left_behind: dict[str, bytes]
) -> None:
    assert found(life.canaries, left_behind) == {}


def test_the_sender_alone_is_shown_the_secret_again(life: Life) -> None:
    assert life.payload.is_in(life.answers["answer submit open"])
    assert life.other_payload.is_in(life.answers["answer submit again"])
    assert not life.payload.is_in(life.answers["answer submit again"])


def test_the_credential_is_encrypted_while_the_request_is_open_and_gone_when_it_has_ended(life: Life) -> None:
    kept = life.encrypted()
    assert {name for name in (*ENDED, OPEN) if kept[name] is not None} == {OPEN}
    query = "SELECT id, secret FROM workflows_workflowrequest WHERE reference_id = %s"
    ((request_id, sealed),) = life.service.sql(query, OPEN)
    assert secrets.decrypt(sealed, secret_binding(request_id)).value == life.payload.value
    waiting = life.stages["while they wait"]["table public.workflows_workflowrequest, while they wait"]
    assert waiting.count(b"\\\\x76313a") >= len((*ENDED, OPEN)), "every one is sealed: `v1:` in hexadecimal"


def test_messages_wait_in_the_broker_while_it_is_searched(life: Life) -> None:
    waiting = b"".join(life.stages["while the messages wait"].values())
    assert waiting.count(b"workflows.execute") >= 5


def test_the_worker_and_the_web_have_raised_while_they_held_the_secret(life: Life) -> None:
    assert RAISED in logged(life, "worker")
    assert b'violates check constraint \\"broken\\"' in logged(life, "web")
    assert b"UndefinedTable" in logged(life, "web")


def test_the_places_that_are_searched_are_the_real_ones(left_behind: dict[str, bytes]) -> None:
    for place, word in (
        ("table public.workflows_workflowrequest", b"interrupted"),
        ("table public.workflows_auditevent", b"request.submitted"),
        ("table public.workflows_intouchcall", b"credited"),
        ("file web-1.log", b"django.request"),
        ("file ledger-0.jsonl", b"interrupted"),
    ):
        assert word in left_behind[place], place
    answers = {place.split()[1] for place in left_behind if place.startswith("answer canary-")}
    assert {"canary-checker", "canary-auditor", "canary-administrator"} <= answers


PLANTED = basic_canary("planted")


@pytest.mark.parametrize("trace", sorted(PLANTED.traces), ids=range(len(PLANTED.traces)))
def test_the_search_finds_every_trace_of_a_planted_canary(trace: bytes) -> None:
    assert found([PLANTED], {"here": b"before " + trace + b" after", "there": b"nothing"}) == {"here": ["planted"]}


def test_the_search_finds_a_planted_canary_in_tables_logs_and_redis(life: Life, service: Service) -> None:
    canary, bare = text_canary("planted"), text_canary("planted-too")
    service.sql("CREATE TABLE planted AS SELECT %s::text AS t, %s::bytea AS b", canary.value, bare.value.encode())
    (service.directory / "planted.log").write_text(f'{{"event": "{canary.value}"}}\n')
    service.broker.rpush("planted", f'{{"args": ["{canary.value}"]}}')
    try:
        hits = found([canary, bare], {**tables(service), **redis_values(service), **on_disk(service)})
        assert hits["table public.planted"] == ["planted", "planted-too"]
        assert hits["file planted.log"] == ["planted"]
        assert [place for place in hits if place.endswith(" planted")] == ["redis 0 planted"]
        assert any("pg_wal/" in place for place in hits), "what is on the disk is searched too"
    finally:
        service.sql("DROP TABLE planted")
        service.broker.delete("planted")
        (service.directory / "planted.log").unlink()
