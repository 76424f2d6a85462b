from workflows.states import State


def test_submit_and_approve(committed_house):
    request = committed_house.approve(committed_house.submit())
    assert request.state == State.EXECUTING


def test_again(committed_house):
    assert committed_house.submit().state == State.WAITING


def test_in_a_rolled_back_transaction(house):
    assert house.approve(house.submit()).state == State.EXECUTING
