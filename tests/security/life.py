"""A whole life of the service with a canary in every place that takes a secret, and all that was answered meanwhile."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import requests

from config.embedded.directories import PROJECT
from tests.api.gateway import ORGANISATION, SUBMIT, basic
from tests.faults.clients import SEED
from tests.faults.service import Service
from tests.security.canary import Canary, basic_canary, text_canary
from tests.security.people import ECHO_ORIGIN
from tests.security.places import tables, walk

TASK = "IntouchAPITask-Payload"
ANSWER_SECONDS = 60.0
MOST_PAGES = 30
ECHOED = "answer submit "


class Life:
    """Everything that is done with canaries, in the order in which `tests.security.test_canary` tells it."""

    def __init__(self, service: Service, echo_url: str) -> None:
        self.service = service
        self.furnished = service.organisations[0]
        self.answers: dict[str, bytes] = {}
        self.stages: dict[str, dict[str, bytes]] = {}
        self.session = requests.Session()
        self.session.trust_env = False
        self.payload = basic_canary("payload")
        self.other_payload = basic_canary("other-payload", "answer submit again")
        self.stray = basic_canary("stray")
        self.target = basic_canary("target")
        self.password = text_canary("password")
        self.client = self._people(echo_url)
        names = (*self.furnished["makers"], *self.furnished["checkers"])
        self.authorizations = {
            "maker": basic(*self.furnished["makers"][0]),
            "checker": basic(*self.furnished["checkers"][0]),
            "person": basic("canary-maker", self.password.value),
        }
        self.canaries = [
            self.payload, self.other_payload, self.stray, self.target, self.password,
            *(Canary(f"secret of {name}", basic(name, secret)) for name, secret in names),
            Canary("client secret", self.client["secret"]),
        ]  # fmt: skip

    def _people(self, echo_url: str) -> dict[str, str]:
        command = [sys.executable, "-m", "tests.security.people", "--echo", echo_url]
        command += ["--organisation", str(self.furnished["organisation"])]
        environment = self.service.environment | {"CANARY_PASSWORD": self.password.value}
        done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        client: dict[str, str] = json.loads(done.stdout)
        return client

    # What goes out

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.service.web_ports[-1]}{path}"

    def keep(self, name: str, response: requests.Response) -> requests.Response:
        """Note an answer whole, under a name of its own."""
        place = f"answer {name}"
        assert place not in self.answers, f"there is {place} already"
        head = "\n".join(f"{key}: {value}" for key, value in response.headers.items())
        self.answers[place] = f"{response.status_code} {response.reason}\n{head}\n\n".encode() + response.content
        return response

    def call(
        self, name: str, method: str, path: str, *, role: str | None = "maker", headers: Any = None, **options: Any
    ) -> requests.Response:
        """As a machine that makes or checks requests, as a person who makes them, or as nobody."""
        known = {ORGANISATION: str(self.furnished["organisation"])}
        if role is not None:
            known["Authorization"] = self.authorizations[role]
        response = self.session.request(
            method, self.url(path), headers=known | (headers or {}), timeout=ANSWER_SECONDS, allow_redirects=False,
            **options,
        )  # fmt: skip
        return self.keep(name, response)

    def body(self, reference: str, secret: Canary | None = None, **changes: Any) -> dict[str, Any]:
        """The seed's request with a canary as its credential; `changes` go into the envelope of the call."""
        body = copy.deepcopy(SEED)
        task = body["payload"][TASK]
        task["body"] |= {"referenceId": reference, "programId": self.furnished["program"]}
        task["headers"] |= {
            "Authorization": (secret or self.payload).value, ORGANISATION: str(self.furnished["organisation"]),
        }  # fmt: skip
        return body | {"payload": {TASK: task | changes}}

    # A request's life

    def submit(self, reference: str, *, role: str = "maker", to_echo: bool = False) -> str:
        changes = {"hostname": ECHO_ORIGIN} if to_echo else {}
        response = self.call(f"submit {reference}", "POST", SUBMIT, role=role, json=self.body(reference, **changes))
        assert response.status_code == 200, response.text
        self.payload = self._shown_in(self.payload, f"{ECHOED}{reference}")
        return str(response.json()["data"]["requestId"])

    def _shown_in(self, canary: Canary, place: str) -> Canary:
        shown = replace(canary, shown_in=(*canary.shown_in, place))
        self.canaries = [shown if each.name == canary.name else each for each in self.canaries]
        return shown

    def learn(self, name: str, value: str, *shown_in: str) -> Canary:
        """A secret that the service made and has shown to the one who asked for it."""
        canary = Canary(name, value, shown_in)
        self.canaries.append(canary)
        return canary

    def decide(self, reference: str, request_id: str, decision: str = "approved") -> None:
        task = {"AdminTask-Payload": {"actionDecision": decision, "actionMessage": "decided with a canary"}}
        body = {"requestId": request_id, "actionName": "AdminTask", "payload": task}
        prefer = {"Prefer": "respond-async"}
        response = self.call(f"decide {reference}", "PUT", SUBMIT, role="checker", json=body, headers=prefer)
        assert response.status_code == 200, response.text

    def note_tables(self, stage: str) -> None:
        self.stages[stage] = {f"{place}, {stage}": content for place, content in tables(self.service).items()}

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """What was answered, and what was found at each stage."""
        yield from self.answers.items()
        for found in self.stages.values():
            yield from found.items()

    def encrypted(self) -> dict[str, bytes | None]:
        """The encrypted credential of every request, by reference."""
        rows = self.service.sql("SELECT reference_id, secret FROM workflows_workflowrequest")
        return {reference: secret if secret is None else bytes(secret) for reference, secret in rows}


class Browser:
    """Somebody at the admin."""

    def __init__(self, life: Life, username: str) -> None:
        self.life, self.username = life, username
        self.session = requests.Session()
        self.session.trust_env = False
        self.last = ""

    def log_in(self, password: str | None = None) -> requests.Response:
        self.get("/admin/login/")
        secret = self.life.password.value if password is None else password
        return self.post("/admin/login/", username=self.username, password=secret)

    def get(self, path: str) -> requests.Response:
        return self._keep("GET", path, self.session.get(self.life.url(path), timeout=ANSWER_SECONDS))

    def read(self, path: str) -> str:
        return self.get(path).text

    def post(self, path: str, **data: str) -> requests.Response:
        fields = {"csrfmiddlewaretoken": self.session.cookies["csrftoken"], **data}
        response = self.session.post(self.life.url(path), data=fields, timeout=ANSWER_SECONDS, allow_redirects=False)
        return self._keep("POST", path, response)

    def _keep(self, method: str, path: str, response: requests.Response) -> requests.Response:
        self.last = f"{self.username} {len(self.life.answers)} {method} {path}"
        return self.life.keep(self.last, response)

    def decide(self, task_id: int, decision: str) -> requests.Response:
        page = self.read(f"/admin/workflows/admintask/{task_id}/change/")
        digest = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
        assert digest, "the checker's page has the form to decide"
        path = f"/admin/workflows/admintask/{task_id}/decide/"
        return self.post(path, digest=digest[0], decision=decision, message="decided at the desk")

    def walk(self) -> list[str]:
        """Every page that can be reached by links."""
        return walk(self.read, "/admin/", most=MOST_PAGES)
