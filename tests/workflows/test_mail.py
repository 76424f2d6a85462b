"""Mail: a row in the transaction of the change, sent to whom it concerns, when they want it, and once."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import MembershipFactory, ServiceAccountFactory, UserFactory
from workflows import services
from workflows.execution import claim_due, record
from workflows.intouch.outcomes import Outcome
from workflows.mail import choices, delivery
from workflows.mail.delivery import deliver_due
from workflows.models import CallOutcome, Decision, MailChoice, MailTiming, Notice, NoticeKind


@pytest.fixture
def house(committed_house, settings):
    """The house of a service that sends mail; its checker wants it at once, the other one never."""
    settings.MAIL_ON = True
    settings.PUBLIC_URL = "https://desk.example.com"
    choices.choose(committed_house.actor(committed_house.checker), waiting=MailTiming.AT_ONCE)
    choices.choose(committed_house.actor(committed_house.colleague), waiting=MailTiming.OFF)
    return committed_house


def reject(house, request, message="it was on time"):
    return services.decide(
        actor=house.actor(house.checker), request_id=request.pk, decision=Decision.REJECTED, message=message
    )


def end(house, request, outcome):
    house.approve(request)
    record(claim_due(request.pk), outcome)


def addressees():
    return [to for letter in mail.outbox for to in letter.to]


def whole(letter):
    """Everything that leaves: headers and both bodies, decoded."""
    message = letter.message()
    bodies = [part.get_payload(decode=True).decode() for part in message.walk() if not part.is_multipart()]
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), *bodies])


def test_a_checker_is_told_what_waits_with_a_link_to_the_task(house):
    request = house.submit(reason="a private story", earningEntityId=777001)
    assert deliver_due() == 1
    (letter,) = mail.outbox
    assert letter.to == [house.checker.email]
    assert letter.subject == "[Goodwill] A request waits for you"
    address = f"https://desk.example.com/admin/workflows/admintask/{request.tasks.get().pk}/change/"
    for body in (letter.body, letter.alternatives[0].content):
        assert address in body
        assert "777001" in body
        assert "https://desk.example.com/admin/notifications/" in body
    assert not Notice.objects.exists()


def test_nothing_secret_and_no_person_but_the_customers_number_is_in_a_mail(house):
    request = house.submit(reason="a private story", comments="her sister called")
    deliver_due()
    reject(house, request)
    deliver_due()
    text = "\n".join(whole(letter) for letter in mail.outbox)
    assert len(mail.outbox) == 2
    assert "it was on time" in text
    for secret in ("ZmFrZTpmYWtl", "a private story", "her sister", request.reference_id, house.program.name):
        assert secret not in text
    assert house.maker.email not in whole(mail.outbox[0])
    assert house.checker.email not in whole(mail.outbox[1])


@pytest.mark.parametrize(
    ("bring_about", "state"),
    [
        (lambda house, request: end(house, request, Outcome(CallOutcome.CREDITED, 201)), "Credited"),
        (lambda house, request: end(house, request, Outcome(CallOutcome.REFUSED, 400, error="no")), "Failed"),
        (reject, "Rejected"),
        (
            lambda house, request: services.expire(organisation_id=house.organisation.pk, request_id=request.pk),
            "Expired",
        ),
    ],
)
def test_the_maker_is_told_the_outcome_and_what_the_checker_wrote(house, bring_about, state):
    request = house.submit()
    deliver_due()
    mail.outbox.clear()
    bring_about(house, request)
    assert deliver_due() == 1
    (letter,) = mail.outbox
    assert letter.to == [house.maker.email]
    assert state.lower() in letter.subject.lower()
    assert f"/admin/workflows/workflowrequest/{request.pk}/change/" in letter.body
    if state != "Expired":
        assert "in a test" in letter.body or "it was on time" in letter.body


def test_an_unknown_outcome_and_ones_own_withdrawal_are_no_news(house):
    for _number in range(2):
        house.submit()
    deliver_due()
    mail.outbox.clear()
    withdrawn, unknown = [task.request for task in choices.AdminTask.objects.order_by("id")]
    services.withdraw(actor=house.actor(house.maker), request_id=withdrawn.pk)
    end(house, unknown, Outcome(CallOutcome.UNKNOWN, error="time-out"))
    assert (deliver_due(), Notice.objects.count()) == (0, 0)


def _outsiders(house):
    """People who check and may not decide this request: out of scope, switched off, elsewhere, a machine, its maker."""
    member = {"organisation": house.organisation, "is_checker": True}
    MembershipFactory(user=UserFactory(username="elsewhere"), tills=["4711"], **member)
    MembershipFactory(user=UserFactory(username="gone"), is_active=False, **member)
    MembershipFactory(user=UserFactory(username="inactive", is_active=False), **member)
    MembershipFactory(user=UserFactory(username="silent", email=""), **member)
    MembershipFactory(user=UserFactory(username="stranger"), is_checker=True)
    MembershipFactory(user=ServiceAccountFactory(username="robot", email="robot@example.com"), **member)
    membership = house.membership(house.maker)
    membership.is_checker = True
    membership.save()


def test_only_who_may_decide_it_is_told(house):
    _outsiders(house)
    insider = UserFactory(username="insider")
    MembershipFactory(user=insider, organisation=house.organisation, is_checker=True, tills=["50682289"])
    choices.choose(house.actor(insider), waiting=MailTiming.AT_ONCE)
    house.submit()
    deliver_due()
    assert sorted(addressees()) == sorted([house.checker.email, insider.email])
    assert not Notice.objects.exists()


def test_who_asked_for_another_try_is_not_asked_to_decide_it(house):
    operator = UserFactory(username="operator")
    MembershipFactory(user=operator, organisation=house.organisation, is_operator=True, is_checker=True)
    choices.choose(house.actor(operator), waiting=MailTiming.AT_ONCE)
    request = house.submit()
    end(house, request, Outcome(CallOutcome.REFUSED, 400, error="no"))
    deliver_due()
    mail.outbox.clear()
    from workflows import set_up

    set_up.keep_credential(house.target, "Basic ZmFrZTpmYWtl")
    services.ask_for_retry(actor=house.actor(operator), request_id=request.pk, message="unblocked")
    deliver_due()
    assert addressees() == [house.checker.email]


def test_without_a_choice_a_checker_has_an_hourly_digest_and_a_maker_is_told_at_once(house):
    MailChoice.objects.filter(user=house.checker).delete()
    first, second = house.submit(), house.submit()
    assert deliver_due() == 0
    dues = {notice.due_at for notice in Notice.objects.all()}
    assert len(dues) == 1
    assert all((due.minute, due.second) == (0, 0) and due > timezone.now() for due in dues)
    Notice.objects.update(due_at=timezone.now())
    assert deliver_due() == 1
    (letter,) = mail.outbox
    assert letter.subject == "[Goodwill] 2 requests wait for you"
    for request in (first, second):
        assert f"/admintask/{request.tasks.get().pk}/change/" in letter.body
    reject(house, first)
    assert deliver_due() == 1
    assert addressees()[-1] == house.maker.email


def test_who_wants_no_mail_gets_none(house):
    choices.choose(house.actor(house.checker), waiting=MailTiming.OFF)
    choices.choose(house.actor(house.maker), outcome=MailTiming.OFF)
    reject(house, house.submit())
    assert (deliver_due(), Notice.objects.count()) == (0, 0)


def test_what_was_decided_meanwhile_is_not_told_as_waiting(house):
    choices.choose(house.actor(house.checker), waiting=MailTiming.DIGEST)
    choices.choose(house.actor(house.maker), outcome=MailTiming.OFF)
    decided, waiting = house.submit(), house.submit()
    deliver_due()
    reject(house, decided)
    Notice.objects.update(due_at=timezone.now())
    deliver_due()
    (letter,) = mail.outbox
    assert letter.subject == "[Goodwill] A request waits for you"
    assert f"/admintask/{waiting.tasks.get().pk}/" in letter.body


def test_who_loses_the_right_to_decide_is_told_nothing_any_more(house):
    choices.choose(house.actor(house.checker), waiting=MailTiming.DIGEST)
    house.submit()
    deliver_due()
    membership = house.membership(house.checker)
    membership.is_checker = False
    membership.save()
    Notice.objects.update(due_at=timezone.now())
    assert (deliver_due(), Notice.objects.count()) == (0, 0)


def test_the_notice_is_in_the_transaction_of_the_change(house):
    request = _unnoted(house)
    with transaction.atomic():
        services.audit.record("request.submitted", actor=house.maker, request=request)
        assert Notice.objects.count() == 1
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


def _unnoted(house):
    request = house.submit()
    Notice.objects.all().delete()
    return request


def _statements_of_a_submission(house):
    with CaptureQueriesContext(connection) as found:
        house.submit()
    return len(found)


def test_a_submission_costs_one_statement_more_and_none_where_no_mail_is_sent(house, settings):
    house.submit()
    with_mail = _statements_of_a_submission(house)
    settings.MAIL_ON = False
    before = Notice.objects.count()
    assert _statements_of_a_submission(house) == with_mail - 1
    assert Notice.objects.count() == before


def test_after_commit_a_message_goes_to_the_workers(house, monkeypatch):
    sent = []
    monkeypatch.setattr("workflows.queue._publish", lambda name, _identifier: sent.append(name))
    house.submit()
    assert sent == ["workflows.deliver_mail"]


def test_a_message_that_was_lost_loses_no_mail(house, settings):
    from workflows.tasks import deliver_mail

    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    house.submit()
    assert deliver_mail() == 1
    assert deliver_mail() == 0
    assert len(mail.outbox) == 1


def _server(monkeypatch, error):
    """A mail server that answers with this error, until it is None."""
    answers = {"error": error}
    send = mail.EmailMessage.send

    def answer(self, *args, **options):
        if answers["error"] is not None:
            raise answers["error"]
        return send(self, *args, **options)

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", answer)
    return answers


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), SMTPServerDisconnected("away")])
def test_a_mail_server_that_is_away_ends_the_round_and_everything_is_sent_later(house, monkeypatch, error):
    server = _server(monkeypatch, error)
    reject(house, house.submit())
    house.submit()
    assert deliver_due() == 0
    assert mail.outbox == []
    server["error"] = None
    Notice.objects.update(due_at=timezone.now())
    assert deliver_due() == 2
    assert sorted(addressees()) == sorted([house.checker.email, house.maker.email])


def test_an_address_that_is_refused_holds_up_nobody_else(house, monkeypatch):
    send = mail.EmailMessage.send

    def refuse(self, *args, **options):
        if self.to == [house.checker.email]:
            raise SMTPRecipientsRefused({})
        return send(self, *args, **options)

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    house.submit()
    reject(house, house.submit())
    deliver_due()
    assert addressees() == [house.maker.email]


def test_tries_are_bounded(house, monkeypatch, caplog):
    _server(monkeypatch, SMTPRecipientsRefused({house.checker.email: (550, b"unknown")}))
    house.submit()
    for _round in range(delivery.MOST_TRIES):
        Notice.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        deliver_due()
    assert not Notice.objects.exists()
    assert "given up after 6 tries" in caplog.text
    assert house.checker.email not in caplog.text


def test_while_one_worker_sends_no_other_one_does(house, monkeypatch):
    house.submit()
    seen = []
    send = mail.EmailMessage.send

    def look(self, *args, **options):
        (notice,) = Notice.objects.all()
        seen.append((notice.tries, notice.due_at > timezone.now(), connection.in_atomic_block, deliver_due()))
        cache.clear()  # even without the lock of the cache, the lease keeps the others away
        seen.append(deliver_due())
        return send(self, *args, **options)

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", look)
    assert deliver_due() == 1
    assert seen == [(1, True, False, 0), 0]
    assert len(mail.outbox) == 1


def test_what_a_worker_left_when_it_died_is_sent_when_its_lease_has_ended(house, monkeypatch):
    house.submit()
    server = _server(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        deliver_due()
    server["error"] = None
    assert deliver_due() == 0
    Notice.objects.update(due_at=timezone.now())
    assert deliver_due() == 1


def test_a_worker_whose_lease_was_taken_over_ends_nothing(house):
    house.submit()
    assert delivery._claim() == []  # who is to be told
    (stale,) = delivery._claim()
    Notice.objects.update(tries=stale.tries + 1)
    delivery._claimed(stale).delete()
    assert Notice.objects.filter(kind=NoticeKind.WAITING).count() == 1


def test_what_people_wrote_gets_into_no_header(house):
    evil = "x\r\nBcc: evil@example.com"
    house.organisation.name = evil
    house.organisation.save()
    request = house.submit()
    deliver_due()
    reject(house, request, message="no Bcc: evil@example.com <script>alert(1)</script>")
    deliver_due()
    assert len(mail.outbox) == 2
    for letter in mail.outbox:
        assert set(letter.message().keys()) >= {"Subject", "From", "To", "Message-ID", "List-Unsubscribe"}
        assert "Bcc" not in letter.message()
        assert letter.recipients() in ([house.checker.email], [house.maker.email])
    assert "&lt;script&gt;" in mail.outbox[1].alternatives[0].content
    assert "<script>" not in mail.outbox[1].alternatives[0].content


def test_many_outcomes_of_one_maker_are_one_mail(house):
    choices.choose(house.actor(house.checker), waiting=MailTiming.OFF)
    for _number in range(3):
        reject(house, house.submit())
    assert deliver_due() == 1
    assert mail.outbox[0].subject == "[Goodwill] 3 of your requests have ended"
