"""SpiffWorkflow: a BPMN process per life, kept as JSON between its steps, as its documentation does it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psycopg
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import writes

URL, STUB, NUMBER = sys.argv[1], sys.argv[2], int(sys.argv[3])
BPMN = b"""<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="life" id="definitions">
  <process id="life" isExecutable="true">
    <startEvent id="start"><outgoing>a</outgoing></startEvent>
    <sequenceFlow id="a" sourceRef="start" targetRef="decide"/>
    <manualTask id="decide"><incoming>a</incoming><outgoing>b</outgoing></manualTask>
    <sequenceFlow id="b" sourceRef="decide" targetRef="credit"/>
    <scriptTask id="credit"><incoming>b</incoming><outgoing>c</outgoing>
      <script>answer = credit(request)</script></scriptTask>
    <sequenceFlow id="c" sourceRef="credit" targetRef="end"/>
    <endEvent id="end"><incoming>c</incoming></endEvent>
  </process>
</definitions>"""

connection = psycopg.connect(URL)
serializer = BpmnWorkflowSerializer()


def credit(request: int) -> dict[str, Any]:
    writes.claim(connection, request)
    connection.commit()
    return writes.call(STUB)


engine = PythonScriptEngine(environment=TaskDataEnvironment({"credit": credit}))


def load(request: int) -> BpmnWorkflow:
    row = connection.execute("SELECT state FROM peer_process WHERE request = %s FOR UPDATE", [request]).fetchone()
    assert row is not None
    workflow = serializer.deserialize_json(row[0])
    workflow.script_engine = engine
    return workflow


def save(request: int, workflow: BpmnWorkflow) -> None:
    kept = serializer.serialize_json(workflow)
    connection.execute("UPDATE peer_process SET state = %s WHERE request = %s", [kept, request])


def begin(ids: list[int]) -> None:
    parser = BpmnParser()
    parser.add_bpmn_str(BPMN)
    spec = parser.get_spec("life")
    connection.execute("DROP TABLE IF EXISTS peer_process")
    connection.execute("CREATE TABLE peer_process (request bigint PRIMARY KEY, state text NOT NULL)")
    for request in ids:
        workflow = BpmnWorkflow(spec, script_engine=engine)
        workflow.data["request"] = request
        workflow.do_engine_steps()
        kept = serializer.serialize_json(workflow)
        connection.execute("INSERT INTO peer_process VALUES (%s, %s)", [request, kept])
    connection.commit()


def live(request: int) -> None:
    workflow = load(request)
    task = workflow.get_next_task(state=TaskState.READY, manual=True)
    writes.decide(connection, request)
    task.data["request"] = request
    task.run()
    save(request, workflow)
    connection.commit()
    workflow = load(request)
    connection.commit()
    workflow.do_engine_steps()
    assert workflow.is_completed()
    writes.record(connection, request, workflow.last_task.data["answer"])
    save(request, workflow)
    connection.commit()


def main() -> None:
    ids = writes.submitted(URL, NUMBER)
    begin(ids)
    writes.timed(lambda: [live(request) for request in ids] and None, URL, NUMBER)


main()
