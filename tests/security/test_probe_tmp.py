import pytest, schemathesis, time
from hypothesis import given, settings as hs, HealthCheck, Phase, seed
from schemathesis import GenerationMode
from django.core.wsgi import get_wsgi_application

FAIL={}
def test_probe(committed_house):
    from tests.api.gateway import gateway_of
    gateway = gateway_of(committed_house)
    app = get_wsgi_application()
    schema = schemathesis.openapi.from_wsgi("/api/schema", app)
    ops = [r.ok() for r in schema.get_all_operations()]
    for o in ops: print(o.label, type(o.app))
    t=time.time()
    for o in ops:
        n=[0]; st={}
        def run(case):
            n[0]+=1
            r = case.call(headers=dict(gateway.headers))
            st[r.status_code]=st.get(r.status_code,0)+1
            try:
                case.validate_response(r, excluded_checks=[schemathesis.checks.positive_data_acceptance])
            except BaseException as e:
                FAIL.setdefault((o.label, str(e).splitlines()[2] if len(str(e).splitlines())>2 else str(e)), str(e)[:1800])
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            test = given(o.as_strategy(generation_mode=mode))(run)
            test = seed(1)(hs(max_examples=15, deadline=None, database=None, derandomize=False, suppress_health_check=list(HealthCheck), phases=[Phase.generate])(test))
            test()
        for k,v in FAIL.items(): print("!!",k,v)
        FAIL.clear()
        print("==", o.label, n, st, round(time.time()-t,1))
